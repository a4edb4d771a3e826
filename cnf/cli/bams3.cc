// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/bams3.h"

#include <string>

#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/formats/bams3/dataset.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(A BAMS3 dataset holds a BAM, SAM or CRAM file exactly, decoded by column: counts,
flagstat and any region cost the bytes they need and no more. No reference file.

Examples:
  bwa mem ref.fa r1.fq r2.fq | cnf bams3 convert - s3://bucket/sample.bams3
  cnf bams3 view s3://bucket/sample.bams3 chr17:43,044,295-43,125,483
  cnf bams3 view -c -q 30 sample.bams3 chr1
  cnf bams3 export sample.bams3 sample.bam)";

}  // namespace

bams3::Dataset open_bams3(Session& session, const std::string& uri) {
  return bams3::Dataset::open(session.open(uri), session.context());
}

void add_bams3(Verb& root) {
  Verb group =
      root.add_group("bams3", "Genomic alignments: convert, view, count, export", kDetails);
  add_bams3_convert(group);
  add_bams3_view(group);
  add_bams3_stats(group);
  add_bams3_export(group);
}

}  // namespace cnf::cli
