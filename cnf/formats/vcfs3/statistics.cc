// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/statistics.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"
#include "cnf/formats/vcfs3/variant_type.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::vcfs3 {
namespace {

/// What is counted of a bin's records, as they lie in the row that tells it.
constexpr std::size_t kRecords = 0, kRaw = 1, kNoAlt = 2, kSnps = 3, kMnps = 4, kIndels = 5,
                      kOthers = 6, kMultiallelic = 7, kTransitions = 8, kTransversions = 9,
                      kCounts = 10;
using Counts = std::array<std::uint32_t, kCounts>;

bool is_base(char c) { return std::string_view("ACGT").find(c) != std::string_view::npos; }

void count_substitutions(std::string_view ref, std::string_view alts, Counts& counts) {
  if (ref.size() != 1 || !is_base(static_cast<char>(ref[0] & ~0x20))) return;
  const char from = static_cast<char>(ref[0] & ~0x20);
  ListReader list(alts);
  for (std::string_view alt; list.next(alt);) {
    if (alt.size() != 1) continue;
    const char to = static_cast<char>(alt[0] & ~0x20);
    if (!is_base(to) || to == from) continue;
    // A transition keeps the ring: A and G are purines, C and T pyrimidines.
    const bool purines = (from == 'A' || from == 'G') && (to == 'A' || to == 'G');
    const bool pyrimidines = (from == 'C' || from == 'T') && (to == 'C' || to == 'T');
    ++counts[purines || pyrimidines ? kTransitions : kTransversions];
  }
}

void count_record(const Variant& variant, Counts& counts) {
  ++counts[kRecords];
  if (variant.site.is_raw) {
    ++counts[kRaw];
    return;
  }
  const std::size_t alts = count_alts(variant.site.alt);
  if (alts == 0) ++counts[kNoAlt];
  if (alts > 1) ++counts[kMultiallelic];
  const std::uint8_t types = variant_types(variant.site.ref, variant.site.alt);
  if ((types & kSnp) != 0) ++counts[kSnps];
  if ((types & kMnp) != 0) ++counts[kMnps];
  if ((types & kIndel) != 0) ++counts[kIndels];
  if ((types & ~(kSnp | kMnp | kIndel)) != 0) ++counts[kOthers];
  count_substitutions(variant.site.ref, variant.site.alt, counts);
}

/// One row per bin: its contig, its counts, and four numbers per sample.
class BinCounts final : public Renderer {
 public:
  explicit BinCounts(std::size_t samples) : samples_(samples) {}
  [[nodiscard]] Needs needs() const override {
    return {.alleles = true, .genotypes = samples_ != 0};
  }
  [[nodiscard]] bool splits_records() const override { return false; }
  [[nodiscard]] query::Table render(DecodedBin& bin,
                                    std::span<const std::uint32_t> records) const override {
    Counts counts{};
    std::vector<DecodedBin::GenotypeCounts> samples(samples_);
    for (const std::uint32_t record : records) {
      count_record(bin.variant(record, {.alleles = true}), counts);
      if (samples_ != 0 && !bin.is_raw(record)) bin.count_genotypes(record, samples);
    }
    std::vector<std::uint32_t> flat;
    for (const DecodedBin::GenotypeCounts& sample : samples) {
      flat.insert(flat.end(),
                  {sample.reference, sample.heterozygous, sample.alternate, sample.missing});
    }
    query::Column contig("contig", query::Type::utf8);
    query::Column numbers("counts", query::Type::list_uint32);
    query::Column by_sample("samples", query::Type::list_uint32);
    contig.append(bin.contig());
    numbers.append(std::span<const std::uint32_t>(counts));
    by_sample.append(std::span<const std::uint32_t>(flat));
    query::Table table(1);
    for (query::Column* column : {&contig, &numbers, &by_sample}) table.add(std::move(*column));
    return table;
  }

 private:
  std::size_t samples_;
};

void add(const query::Table& table, Statistics& total) {
  const std::span<const std::uint32_t> counts = table.column("counts").items(0);
  total.records += counts[kRecords];
  total.raw += counts[kRaw];
  total.no_alt += counts[kNoAlt];
  total.snps += counts[kSnps];
  total.mnps += counts[kMnps];
  total.indels += counts[kIndels];
  total.others += counts[kOthers];
  total.multiallelic += counts[kMultiallelic];
  total.transitions += counts[kTransitions];
  total.transversions += counts[kTransversions];
  const std::string_view contig = table.column("contig").text(0);
  if (total.contigs.empty() || total.contigs.back().name != contig) {
    total.contigs.push_back({std::string(contig), 0});
  }
  total.contigs.back().records += counts[kRecords];
  const std::span<const std::uint32_t> samples = table.column("samples").items(0);
  for (std::size_t s = 0; s < total.samples.size(); ++s) {
    total.samples[s].reference += samples[4 * s];
    total.samples[s].heterozygous += samples[4 * s + 1];
    total.samples[s].alternate += samples[4 * s + 2];
    total.samples[s].missing += samples[4 * s + 3];
  }
}

}  // namespace

ViewPlan plan_statistics(const Dataset& dataset, const ViewQuery& query, CountSamples samples,
                         const Context& context) {
  const std::size_t all = query.samples ? query.samples->size() : dataset.samples();
  return plan_view(dataset, query,
                   std::make_shared<BinCounts>(samples == CountSamples::yes ? all : 0), context);
}

Statistics count_statistics(const Dataset& dataset, const ViewQuery& query, CountSamples samples,
                            const query::ExecutorOptions& options, const Context& context) {
  Statistics total;
  if (samples == CountSamples::yes) {
    total.samples.resize(query.samples ? query.samples->size() : dataset.samples());
  }
  const ViewPlan plan = plan_statistics(dataset, query, samples, context);
  query::Results results = run_view(dataset, plan, options, context);
  while (const std::optional<query::Table> table = results.next()) add(*table, total);
  return total;
}

}  // namespace cnf::vcfs3
