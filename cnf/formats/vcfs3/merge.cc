// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/merge.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cnf/core/index/interval.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/record_join.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::size_t kSlabBytes = std::size_t{4} << 20;

/// What a header line defines: "INFO/AC" of "##INFO=<ID=AC,…>", "fileformat" of "##fileformat=…";
/// the whole line where it may be there more than once ("##bcftools_viewCommand=…").
std::string_view defined_by(std::string_view line) {
  const std::size_t id = line.find("=<ID=");
  if (id != std::string_view::npos)
    return line.substr(0, std::min(line.find_first_of(",>", id + 5), line.size()));
  if (line.starts_with("##fileformat=")) return "##fileformat";
  return line;
}

/// The "##" lines of a header, without their ends.
std::vector<std::string_view> definition_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("##")) lines.push_back(line);
  }
  return lines;
}

/// The records of one dataset, contig by contig.
class Cohort {
 public:
  explicit Cohort(Dataset dataset) : dataset_(std::move(dataset)) {
    if (!dataset_.in_order()) {
      throw Error(Errc::unsupported, "merge", dataset_.root()->uri(),
                  "its records are not in order", "sort the file (bcftools sort), convert it anew");
    }
  }

  [[nodiscard]] const Dataset& dataset() const noexcept { return dataset_; }

  void begin(const std::string& contig, const query::ExecutorOptions& options,
             const Context& context) {
    results_.reset();
    table_.reset();
    position_.reset();
    group_.clear();
    const std::optional<std::uint32_t> sequence = dataset_.find_contig(contig);
    if (!sequence) return;
    ViewQuery query;
    query.regions = {{*sequence, -1, std::numeric_limits<std::int64_t>::max()}};
    const ViewPlan plan = plan_view(dataset_, query, render_lines({.line_end = ""}), context);
    if (plan.plan.units.empty()) return;
    results_.emplace(run_view(dataset_, plan, options, context));
    look_ahead();
  }

  /// The position of the next record; nullopt at the contig's end.
  [[nodiscard]] std::optional<std::int64_t> position() const noexcept { return position_; }

  struct Record {
    std::string line;
    CohortRecord columns;  // views of `line`
    bool joined = false;
  };
  /// Gathers the records at `pos`, which must be the next one or lie before it.
  void gather(std::int64_t pos) {
    group_.clear();
    while (position_ == pos) {
      Record& record = group_.emplace_back();
      record.line = table_->column("text").text(row_);
      record.columns = split(record.line);
      ++row_;
      look_ahead();
    }
  }
  [[nodiscard]] std::deque<Record>& group() noexcept { return group_; }

 private:
  [[nodiscard]] CohortRecord split(std::string_view line) const {
    return split_record(line, dataset_.samples(), dataset_.root()->uri());
  }
  void look_ahead() {
    position_.reset();
    if (!table_ || row_ == table_->rows()) {
      table_ = results_->next();
      row_ = 0;
    }
    if (table_) position_ = split(table_->column("text").text(row_)).site.pos;
  }

  Dataset dataset_;
  std::optional<query::Results> results_;
  std::optional<query::Table> table_;
  std::size_t row_ = 0;
  std::optional<std::int64_t> position_;
  std::deque<Record> group_;
};

bool is_same_site(const CohortRecord& a, const CohortRecord& b) {
  return a.site.ref == b.site.ref && a.site.alt == b.site.alt;
}

class MergedSource final : public Source {
 public:
  MergedSource(std::vector<Dataset> datasets, const query::ExecutorOptions& options,
               const Context& context);

  [[nodiscard]] const Header& header() const noexcept override { return header_; }
  [[nodiscard]] std::uint64_t consumed() const noexcept override { return 0; }
  [[nodiscard]] std::string kind() const override { return "merge"; }
  [[nodiscard]] std::optional<Slab> next() override {
    Slab slab;
    while (slab.text.size() < kSlabBytes && append_next_position(slab.text)) {
    }
    if (slab.text.empty()) return std::nullopt;
    return slab;
  }

 private:
  [[nodiscard]] std::vector<std::string> merged_samples() const;
  void gather_contigs();
  [[nodiscard]] bool begin_contig();
  [[nodiscard]] std::optional<std::int64_t> next_position() const;
  [[nodiscard]] bool append_next_position(Buffer& out);
  void append_joined(Buffer& out);

  query::ExecutorOptions options_;
  Context context_;
  std::vector<Cohort> cohorts_;
  Header header_;
  bool same_samples_ = false;
  std::optional<RecordJoiner> joiner_;
  std::vector<std::string> contigs_;
  std::size_t next_contig_ = 0;
};

MergedSource::MergedSource(std::vector<Dataset> datasets, const query::ExecutorOptions& options,
                           const Context& context)
    : options_(options), context_(context) {
  if (datasets.empty()) throw Error(Errc::invalid_argument, "merge", "", "no dataset is given");
  options_.memory /= datasets.size();
  for (Dataset& dataset : datasets) cohorts_.emplace_back(std::move(dataset));
  std::vector<const Header*> headers;
  std::vector<std::size_t> counts;
  for (const Cohort& cohort : cohorts_) {
    headers.push_back(&cohort.dataset().header(context));
    counts.push_back(cohort.dataset().samples());
  }
  same_samples_ = std::ranges::all_of(
      headers, [&](const Header* header) { return header->samples == headers.front()->samples; });
  header_ = merge_headers(headers, merged_samples());
  joiner_.emplace(std::move(counts));
  gather_contigs();
}

std::vector<std::string> MergedSource::merged_samples() const {
  if (same_samples_) return cohorts_.front().dataset().header(context_).samples;
  std::vector<std::string> samples;
  std::unordered_set<std::string> seen;
  for (const Cohort& cohort : cohorts_) {
    for (const std::string& name : cohort.dataset().header(context_).samples) {
      if (!seen.insert(name).second) {
        throw Error(Errc::invalid_argument, "merge", cohort.dataset().root()->uri(),
                    "sample '" + name + "' is in two datasets, and others are not",
                    "merge cohorts of different samples, or of the same samples in one order");
      }
      samples.push_back(name);
    }
  }
  return samples;
}

void MergedSource::gather_contigs() {
  std::set<std::string_view> seen;
  for (const Cohort& cohort : cohorts_) {
    for (const std::string& contig : cohort.dataset().contigs()) {
      if (seen.insert(contig).second) contigs_.push_back(contig);
    }
  }
}

bool MergedSource::begin_contig() {
  if (next_contig_ == contigs_.size()) return false;
  for (Cohort& cohort : cohorts_) cohort.begin(contigs_[next_contig_], options_, context_);
  ++next_contig_;
  return true;
}

std::optional<std::int64_t> MergedSource::next_position() const {
  std::optional<std::int64_t> least;
  for (const Cohort& cohort : cohorts_) {
    const std::optional<std::int64_t> pos = cohort.position();
    if (pos && (!least || *pos < *least)) least = pos;
  }
  return least;
}

bool MergedSource::append_next_position(Buffer& out) {
  std::optional<std::int64_t> pos = next_position();
  while (!pos) {
    if (!begin_contig()) return false;
    pos = next_position();
  }
  for (Cohort& cohort : cohorts_) cohort.gather(*pos);
  if (!same_samples_) {
    append_joined(out);
    return true;
  }
  for (Cohort& cohort : cohorts_) {
    for (const Cohort::Record& record : cohort.group()) {
      out.append(as_bytes(record.line));
      out.append(as_bytes("\n"));
    }
  }
  return true;
}

/// Joins the records that the cohorts have at one position: the n-th of equal ones with the n-th.
void MergedSource::append_joined(Buffer& out) {
  const std::string& contig = contigs_[next_contig_ - 1];
  std::vector<const CohortRecord*> joined(cohorts_.size(), nullptr);
  for (std::size_t first = 0; first < cohorts_.size(); ++first) {
    for (Cohort::Record& record : cohorts_[first].group()) {
      if (record.joined) continue;
      std::ranges::fill(joined, nullptr);
      joined[first] = &record.columns;
      for (std::size_t other = first + 1; other < cohorts_.size(); ++other) {
        auto& group = cohorts_[other].group();
        const auto match = std::ranges::find_if(group, [&](const Cohort::Record& candidate) {
          return !candidate.joined && is_same_site(candidate.columns, record.columns);
        });
        if (match == group.end()) continue;
        match->joined = true;
        joined[other] = &match->columns;
      }
      joiner_->append(contig, joined, out);
      out.append(as_bytes("\n"));
    }
  }
}

}  // namespace

Header merge_headers(std::span<const Header* const> headers,
                     const std::vector<std::string>& samples) {
  std::string text;
  std::unordered_set<std::string> defined;
  for (const Header* header : headers) {
    for (const std::string_view line : definition_lines(header->text)) {
      if (defined.emplace(defined_by(line)).second) text.append(line).append("\n");
    }
  }
  text += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
  if (!samples.empty()) text += "\tFORMAT";
  for (const std::string& sample : samples) text.append("\t").append(sample);
  text += "\n";
  return Header::parse(std::move(text), "the merged header");
}

std::unique_ptr<Source> open_merged(std::vector<Dataset> datasets,
                                    const query::ExecutorOptions& options, const Context& context) {
  return std::make_unique<MergedSource>(std::move(datasets), options, context);
}

}  // namespace cnf::vcfs3
