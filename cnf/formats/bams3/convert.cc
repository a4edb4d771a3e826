// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/convert.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/compress/codec.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/worker/pipeline.h"
#include "cnf/core/worker/pool.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/formats/bams3/writer.h"

namespace cnf::bams3 {
namespace {

// A row group ends at whichever comes first: 16,384 records (4,096 cost 2 % more, 65,536 save 1 %),
// 8 Mbases, or 16 MiB; and where the reference changes, unless it is small still, so that many tiny
// contigs share one.
constexpr std::size_t kGroupRecords = 16'384;
constexpr std::uint64_t kGroupBases = 8'000'000;
constexpr std::uint64_t kGroupBytes = std::uint64_t{16} << 20;
constexpr std::size_t kSmallGroup = 2'048;
constexpr std::uint64_t kDefaultChunk = std::uint64_t{64} << 20;

// What a group takes while it is encoded, as a multiple of its raw bytes: the records, their bases
// one a byte, the consensus, the streams and what they compress to.
constexpr std::uint64_t kEncodeFactor = 6;

chunk::Key key_of(RecordView record) {
  return {record.ref() < 0 ? kUnplaced : static_cast<std::uint32_t>(record.ref()), record.pos()};
}

/// Cuts a source into groups, one a call.
class GroupCutter {
 public:
  GroupCutter(RecordSource& source, const chunk::Strategy& strategy, Order order,
              Progress* progress)
      : source_(source), strategy_(strategy), order_(order), progress_(progress) {}

  std::optional<RecordBatch> next() {
    RecordBatch batch;
    batch.reserve(std::min<std::uint64_t>(last_bytes_ + last_bytes_ / 8, kGroupBytes));
    if (!held_.empty()) batch.add(held_[0]);
    held_.clear();
    while (source_.next(batch)) {
      if (batch.size() > 1 && begins_new_group(batch)) {
        held_.add(batch[batch.size() - 1]);
        batch.remove_last();
        break;
      }
    }
    if (batch.empty()) return std::nullopt;
    count(batch);
    return batch;
  }

  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t raw_bytes() const { return raw_bytes_; }
  [[nodiscard]] std::string digest() { return to_hex(digest_.finish()); }

 private:
  /// True if the last record of `batch` may not join those before it.
  [[nodiscard]] bool begins_new_group(const RecordBatch& batch) const {
    const RecordView record = batch[batch.size() - 1];
    const RecordView before = batch[batch.size() - 2];
    if (batch.size() > kGroupRecords || batch.bases() > kGroupBases || batch.bytes() > kGroupBytes)
      return true;
    if (order_ != Order::coordinate) return false;
    if (record.ref() != before.ref() && (batch.size() > kSmallGroup || record.ref() < 0))
      return true;
    chunk::Fill fill;
    fill.records = batch.size() - 1;
    fill.first = key_of(batch[0]);
    return strategy_.ends_before(fill, key_of(record));
  }

  void count(const RecordBatch& batch) {
    records_ += batch.size();
    raw_bytes_ += batch.bytes();
    last_bytes_ = batch.bytes();
    digest_.update(batch.span());
    if (progress_ != nullptr) {
      const std::uint64_t consumed = source_.consumed();
      progress_->add(consumed - consumed_, batch.size());
      consumed_ = consumed;
    }
  }

  RecordSource& source_;
  const chunk::Strategy& strategy_;
  Order order_;
  Progress* progress_;
  RecordBatch held_;  // the record that begins the next group
  std::uint64_t records_ = 0, raw_bytes_ = 0, last_bytes_ = 0, consumed_ = 0;
  Sha256 digest_;
};

struct Budget {
  std::size_t in_flight;  ///< Groups between source and writer.
  std::uint64_t sorting;  ///< Bytes for the sorter.
};
Budget divide(const ConvertOptions& options, std::size_t threads) {
  // Half for sorting, half for encoding; at least one group of each is let in.
  const std::uint64_t half = options.memory / 2;
  const std::uint64_t fitting = std::max<std::uint64_t>(half / (kGroupBytes * kEncodeFactor), 1);
  return {std::min<std::uint64_t>(threads + 2, fitting), half};
}

nlohmann::json custom_of(const ConvertReport& report, const Header& header, Order order,
                         const std::string& digest) {
  static constexpr std::array<std::string_view, 3> kOrders = {"coordinate", "unsorted",
                                                              "queryname"};
  return {{"sort_order", kOrders[static_cast<std::size_t>(order)]},
          {"references", header.references.size()},
          {"records", report.records},
          {"raw_bytes", report.raw_bytes},
          {"row_groups", report.groups},
          {"digests",
           {{"header_sha256", to_hex(sha256(header.to_bam()))}, {"records_sha256", digest}}}};
}

std::unique_ptr<SortedSource> open_sorted(const std::string& input, const ConvertOptions& options,
                                          std::uint64_t memory, bool trust_header,
                                          const Context& context) {
  SourceOptions const source_options{.reference = options.reference, .storage = options.storage};
  SortOptions const sort_options{
      .order = options.order, .memory = memory, .temporary = options.temporary};
  return sort_source(open_source(input, source_options, context), sort_options, trust_header,
                     context);
}

// A pipe or a device gives its bytes once.
bool can_be_read_again(const std::string& input) {
  std::error_code absent;
  const auto status = std::filesystem::status(input, absent);
  return input != "-" &&
         (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status));
}

/// One attempt; the caller decides whether the header's word on the order is taken.
class Conversion {
 public:
  Conversion(std::shared_ptr<storage::Storage> target, const ConvertOptions& options,
             const Context& context)
      : target_(std::move(target)),
        options_(options),
        context_(context),
        strategy_(options.strategy ? options.strategy
                                   : std::make_shared<chunk::FixedStrategy>(kDefaultChunk)),
        threads_(options.threads > 0 ? options.threads : worker::default_threads()) {}

  metadata::Metadata run(const std::string& input, bool trust_header, ConvertReport& report) {
    const Budget budget = divide(options_, threads_);
    const std::unique_ptr<SortedSource> source =
        open_sorted(input, options_, budget.sorting, trust_header, context_);
    metadata::Metadata sharding;
    sharding.storage.sharding_bits = options_.sharding_bits;
    writer_ = std::make_unique<DatasetWriter>(
        target_, metadata::Manager::chunk_storage(target_, sharding),
        DatasetWriter::Options{.strategy = strategy_,
                               .in_order = options_.order == Order::coordinate},
        context_);
    try {
      GroupCutter cutter(*source, *strategy_, options_.order, options_.progress);
      encode_all(cutter, *writer_, budget);
      report.records = cutter.records();
      report.raw_bytes = cutter.raw_bytes();
      report.groups = writer_->groups();
      report.sorted = source->moved();
      Header header = source->header();
      if (report.sorted)
        header.declare_order(options_.order == Order::name ? "queryname" : "coordinate");
      metadata::Metadata metadata = writer_->finish(header);
      metadata.storage.sharding_bits = options_.sharding_bits;
      metadata.custom = custom_of(report, header, options_.order, cutter.digest());
      describe(metadata, report);
      return metadata;
    } catch (...) {
      writer_->discard();
      throw;
    }
  }

  void commit(const metadata::Metadata& manifest,
              const std::optional<metadata::Committed>& existing) {
    writer_->commit(manifest, existing);
  }

 private:
  void encode_all(GroupCutter& cutter, DatasetWriter& writer, const Budget& budget) {
    const std::shared_ptr<const compress::Codec> codec = compress::make_codec(options_.codec);
    worker::run_pipeline<RecordBatch, EncodedGroup>(
        {.threads = threads_, .in_flight = budget.in_flight}, context_,
        [&] { return cutter.next(); },
        [&](const RecordBatch& batch) { return encode_group(batch, *codec); },
        [&](const EncodedGroup& group) { writer.write(group); });
  }

  void describe(metadata::Metadata& metadata, ConvertReport& report) const {
    report.chunks = metadata.chunks.num_chunks;
    report.stored_bytes = metadata.storage.total_size;
    metadata.created_by = "cnf " CNF_VERSION;
    metadata.compression.algorithm = options_.codec.algorithm;
    metadata.compression.level = options_.codec.level;
    metadata.compression.ratio =
        report.stored_bytes > 0
            ? static_cast<double>(report.raw_bytes) / static_cast<double>(report.stored_bytes)
            : 0;
  }

  std::shared_ptr<storage::Storage> target_;
  const ConvertOptions& options_;
  Context context_;
  std::shared_ptr<const chunk::Strategy> strategy_;
  std::size_t threads_;
  std::unique_ptr<DatasetWriter> writer_;
};

}  // namespace

ConvertReport convert(const std::string& input, const std::shared_ptr<storage::Storage>& target,
                      const ConvertOptions& options, const Context& context) {
  const std::optional<metadata::Committed> existing =
      query::load_existing(target, options.existing, context);
  ConvertReport report;
  Conversion conversion(target, options, context);
  metadata::Metadata metadata;
  try {
    metadata = conversion.run(input, true, report);
  } catch (const NotInOrder&) {
    if (!can_be_read_again(input)) throw;
    metadata = conversion.run(input, false, report);
  }
  conversion.commit(metadata, existing);
  if (options.progress != nullptr) options.progress->finish();
  return report;
}

}  // namespace cnf::bams3
