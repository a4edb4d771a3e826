// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/harness.h"
#include "fuzz/seeds.h"

#include "cnf/core/compress/codec.h"
#include "cnf/core/compress/integers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/layout.h"
#include "cnf/formats/bams3/random_records_internal.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::fuzz {
namespace {

constexpr std::uint64_t kSeed = 20'240'101;  // any will do; the same one gives the same files

bams3::Header header() {
  return {.text = "@HD\tVN:1.6\tSO:unsorted\n@SQ\tSN:chr1\tLN:1000000\n@RG\tID:a\n",
          .references = {{"chr1", 1'000'000}, {"chr2", 500}, {"HLA-A*01:01", 3'000}}};
}

struct NamedBatch {
  std::string name;
  bams3::RecordBatch records;
};

std::vector<NamedBatch> batches() {
  bams3::testing::RandomRecords random(kSeed);
  std::vector<NamedBatch> result;
  result.push_back({"one", random.batch(1, 1)});
  result.push_back({"few", random.batch(6, 3)});
  result.push_back({"more", random.batch(12, 2)});
  result.push_back({"unplaced", random.batch(3, 0)});
  return result;
}

std::shared_ptr<const compress::Codec> codec(std::string_view name) {
  return compress::make_codec(compress::CodecOptions::parse(name));
}

/// A group's streams as bams3_streams_fuzz.cc takes them.
Buffer streams_of(const bams3::EncodedGroup& group) {
  ByteReader core(group.core, "seed");
  const auto directory_bytes = core.get<std::uint32_t>();
  ByteReader directory_reader(core.get_bytes(directory_bytes), "seed");
  const auto directory = bams3::GroupDirectory::decode(directory_reader, "seed");
  bams3::SectionBytes sections{};
  for (std::size_t i = 1; i < bams3::kSections; ++i) sections[i] = group.sections[i];
  sections[0] = core.get_bytes(core.remaining());
  const bams3::StreamReader reader(directory, sections, "seed");

  Buffer parts;
  Buffer part;
  ByteWriter out(part);
  out.put_varint(directory.records);
  out.put_varint(directory.bases);
  out.put_varint(directory.raw_bytes);
  put_part(part, parts);
  for (const bams3::StreamEntry& entry : directory.streams) {
    part.clear();
    out.put(static_cast<std::uint8_t>(entry.id));
    out.put(entry.encoding);
    out.put(static_cast<std::uint8_t>(entry.codec));
    out.put_varint(entry.key);
    out.put_bytes(reader.get(entry.id, entry.key));
    put_part(part, parts);
  }
  return parts;
}

void write_group_seeds(const SeedWriter& seeds, const NamedBatch& batch) {
  for (const std::string_view name : {"none", "zstd"}) {
    const bams3::EncodedGroup group = bams3::encode_group(batch.records, *codec(name));
    Buffer stored;
    put_part(group.core, stored);
    for (std::size_t i = 1; i < bams3::kSections; ++i) put_part(group.sections[i], stored);
    seeds.write("bams3_group", batch.name + "_" + std::string(name), stored);
    seeds.write("bams3_streams", batch.name + "_" + std::string(name), streams_of(group));
  }
  const bams3::EncodedGroup group = bams3::encode_group(batch.records, *codec("none"));
  Buffer columns;
  ByteWriter out(columns);
  compress::put_varints(bams3::rows_of(group.summary, 3, true).front().columns(), out);
  seeds.write("bams3_group_row", batch.name, columns);
}

void write_record_seeds(const SeedWriter& seeds, const NamedBatch& batch) {
  Buffer parts;
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    const ByteSpan body = batch.records[i].body();
    put_part(body, parts);
    seeds.write("bams3_record", batch.name + "_" + std::to_string(i), body);
  }
  seeds.write("bams3_encode", batch.name, parts);

  Buffer bam = header().to_bam();
  bam.append(batch.records.span());
  seeds.write("bams3_source", batch.name + "_bam", bam);
}

void write_header_seeds(const SeedWriter& seeds) {
  const Buffer encoded = header().encode();
  seeds.write("bams3_header", "small", encoded);
  seeds.write("bams3_header", "empty", bams3::Header{}.encode());
  Buffer payload;
  ByteWriter out(payload);
  out.put_string("@HD\tVN:1.6\tGO:query\r\n");
  out.put_varint(2);
  out.put_string("chr1");
  out.put_varint(1000);
  out.put_string("");
  out.put_varint(0);
  seeds.write("bams3_header", "payload", payload);
}

void write_footer_seeds(const SeedWriter& seeds) {
  bams3::ChunkFooter footer;
  seeds.write("bams3_footer", "empty", footer.encode());
  footer.groups = {{10, 8, 3000, 3008, 200, 0x12345678}, {7, 3208, 1000, 4208, 100, 0xffffffff}};
  const Buffer encoded = footer.encode();
  seeds.write("bams3_footer", "two_groups", encoded);
  seeds.write("bams3_footer", "body", encoded.span().first(encoded.size() - bams3::kTrailerBytes));
}

void write_region_and_sam_seeds(const SeedWriter& seeds) {
  using Named = std::pair<std::string_view, std::string_view>;
  for (const auto& [name, text] : std::initializer_list<Named>{
           {"interval", "chr1:1,000-2,000\nchr1\t5\t10\nchr2 3\n"},
           {"open_ends", "chr2:-500\n#comment\ntrack name=x\nbrowser y\nchr1\nchr1\t7\t7\textra\n"},
           {"braces", "{HLA-A*01:01}:1-9\nHLA-A*01:01\t0\t3000\nnone\t1\t2\n"},
           {"everything", ".\nchr1\t10\t5\n"},
           {"unplaced", "*\n"}}) {
    seeds.write("region", name, text);
  }
  seeds.write(
      "bams3_source", "sam",
      "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:1000\n@CO\ttext\n"
      "r1\t99\tchr1\t7\t30\t3S8M2I4M1D3M\t=\t37\t39\tTTAGATAAAGGATACTGATA\t*\tNM:i:1\tRG:Z:a\n"
      "r2\t4\t*\t0\t0\t*\t*\t0\t0\t*\t*\tXB:B:c,1,-2\tXF:f:0.5\tXH:H:1AE3\tXA:A:q\n");
  seeds.write("bams3_source", "sam_without_header", "r1\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII\n");
}

}  // namespace

void write_bams3_seeds(const SeedWriter& seeds) {
  for (const NamedBatch& batch : batches()) {
    write_group_seeds(seeds, batch);
    write_record_seeds(seeds, batch);
  }
  write_header_seeds(seeds);
  write_footer_seeds(seeds);
  write_region_and_sam_seeds(seeds);
}

}  // namespace cnf::fuzz
