// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/validate.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/flagstat.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/layout.h"
#include "cnf/formats/bams3/streams.h"
#include "cnf/formats/bams3/view.h"

namespace cnf::bams3 {
namespace {

/// All rows of the index, by group.
std::vector<std::vector<GroupRow>> rows_by_group(const Dataset& dataset, const Complaint& complain,
                                                 const Context& context) {
  std::vector<std::vector<GroupRow>> groups;
  const std::string index = dataset.metadata().object(kGroupIndex).path;
  dataset.for_each_row(
      [&](const GroupRow& row) {
        if (groups.empty() || groups.back().front().group != row.group) {
          if (row.group != groups.size())
            complain(index,
                     fmt::format("group {} stands where {} should", row.group, groups.size()));
          groups.emplace_back();
        }
        groups.back().push_back(row);
      },
      context);
  return groups;
}

bool claims_equal(const GroupRow& a, const GroupRow& b) {
  const auto flagstats_equal = [&] {
    for (std::size_t failed = 0; failed < 2; ++failed) {
      for (std::size_t i = 0; i < Flagstat::kCounters; ++i) {
        if (a.flagstat.at(failed, i) != b.flagstat.at(failed, i)) return false;
      }
    }
    return true;
  };
  return a.key == b.key && a.mapped == b.mapped && a.unmapped == b.unmapped && a.bases == b.bases &&
         a.raw_bytes == b.raw_bytes && a.group_records == b.group_records &&
         a.group_bytes == b.group_bytes && a.min_mapq == b.min_mapq && a.max_mapq == b.max_mapq &&
         flagstats_equal();
}

/// Reads one group's A part and holds it against its rows.
void check_group(const Dataset& dataset, const std::vector<GroupRow>& rows,
                 const Complaint& complain, const Context& context) {
  const GroupRow& first = rows.front();
  const std::string key = dataset.chunk_key(first.chunk);
  const std::string subject = fmt::format("{}@{}", key, first.core_offset);
  try {
    Buffer core(first.core_length);
    dataset.chunk_storage()->open(key)->read_at(first.core_offset, core.span(), context);
    verify_crc32c(core, first.core_crc32c, subject);
    GroupDecoder decoder(core, {}, subject);
    for (std::size_t i = 1; i < kSections; ++i) {
      if (decoder.directory().section_bytes(static_cast<Section>(i)) != first.section_lengths[i]) {
        complain(key, fmt::format("group {}: section {} has another length than the index says",
                                  first.group, i));
      }
    }
    const std::vector<GroupRow> expected =
        rows_of(decoder.summary(), first.group, dataset.in_order());
    const bool agree = std::ranges::equal(rows, expected, claims_equal);
    if (!agree)
      complain(key, fmt::format("group {}: its records are not what the index says of them",
                                first.group));
  } catch (const Error& error) {
    if (error.code() != Errc::corrupt_data && error.code() != Errc::not_found) throw;
    complain(key, error.what());
  }
}

/// The index in the order of the records: each group begins where the one before it did, or later.
void check_order(const std::vector<std::vector<GroupRow>>& groups, const std::string& index,
                 const Complaint& complain) {
  for (std::size_t i = 1; i < groups.size(); ++i) {
    const GroupRow& before = groups[i - 1].front();
    const GroupRow& here = groups[i].front();
    if (here.key.sequence < before.key.sequence ||
        (here.key.sequence == before.key.sequence && here.key.start < before.key.start)) {
      complain(index, fmt::format("group {} begins before group {}", here.group, before.group));
    }
  }
}

/// Each chunk's own footer says of its groups what the index says.
void check_footers(const Dataset& dataset, const std::vector<std::vector<GroupRow>>& groups,
                   const Complaint& complain, const Context& context) {
  std::map<std::uint64_t, std::vector<ChunkFooter::Group>> expected;
  for (const std::vector<GroupRow>& rows : groups) {
    const GroupRow& row = rows.front();
    expected[row.chunk].push_back({row.group_records, row.body_offset, row.body_length(),
                                   row.core_offset, row.core_length, row.core_crc32c});
  }
  for (const auto& [chunk, of_index] : expected) {
    const std::string key = dataset.chunk_key(chunk);
    try {
      const auto& storage = dataset.chunk_storage();
      const storage::Object trailer = storage->read_tail(key, kTrailerBytes, context);
      const storage::Object tail =
          storage->read_tail(key, ChunkFooter::tail_length(trailer.bytes, key), context);
      if (ChunkFooter::decode(tail.bytes, key).groups != of_index)
        complain(key, "its footer and the index disagree");
    } catch (const Error& error) {
      if (error.code() != Errc::corrupt_data && error.code() != Errc::not_found) throw;
      complain(key, error.what());
    }
  }
}

void check_records(const Dataset& dataset, const Complaint& complain,
                   const query::ExecutorOptions& options, const Context& context) {
  try {
    query::Results results =
        run_view(dataset, plan_view(dataset, {}, Form::bam, context), options, context);
    Sha256 digest;
    std::uint64_t records = 0;
    while (const std::optional<query::Table> table = results.next()) {
      digest.update(table->column("record").values());
      records += table->rows();
    }
    const nlohmann::json& digests = dataset.metadata().custom.at("digests");
    if (to_hex(digest.finish()) != digests.at("records_sha256").get<std::string>()) {
      complain(
          "data",
          fmt::format("the {} records are not those that were converted: their SHA-256 differs",
                      records));
    }
    if (to_hex(sha256(dataset.header().to_bam())) !=
        digests.at("header_sha256").get<std::string>()) {
      complain(dataset.metadata().object(kHeaderObject).path,
               "the header is not the one that was converted: its SHA-256 differs");
    }
  } catch (const Error& error) {
    if (error.code() != Errc::corrupt_data && error.code() != Errc::not_found) throw;
    complain("data", error.what());
  }
}

}  // namespace

void validate(const Dataset& dataset, Depth depth, const Complaint& complain,
              const query::ExecutorOptions& options, const Context& context) {
  const std::string index = dataset.metadata().object(kGroupIndex).path;
  const std::vector<std::vector<GroupRow>> groups = rows_by_group(dataset, complain, context);
  if (groups.size() != dataset.metadata().custom.at("row_groups").get<std::uint64_t>()) {
    complain(index, "it has another number of groups than the manifest says");
  }
  if (dataset.in_order()) check_order(groups, index, complain);
  check_footers(dataset, groups, complain, context);
  for (const std::vector<GroupRow>& rows : groups) {
    context.check("validate", index);
    check_group(dataset, rows, complain, context);
  }
  if (depth == Depth::records) check_records(dataset, complain, options, context);
}

}  // namespace cnf::bams3
