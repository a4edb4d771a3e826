// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/validate.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/index/btree.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/worker/pipeline.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/chunk_footer.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/footer_numbers.h"
#include "cnf/formats/vcfs3/id_hash.h"
#include "cnf/formats/vcfs3/id_sorter.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/text_digest.h"
#include "cnf/formats/vcfs3/validate_bin_internal.h"

namespace cnf::vcfs3 {
namespace {

/// Damage and absence are told; anything else keeps from looking and is thrown.
template <typename Work>
void telling_damage(const std::string& object, const Complaint& complain, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.code() != Errc::corrupt_data && error.code() != Errc::not_found) throw;
    complain(object, error.what());
  }
}

/// The rows against each other: bins are numbered through, parts lie as chunks are laid out, and
/// each chunk's own footer says what the index says.
void check_rows(const Dataset& dataset, std::vector<BinRow> bins, const Complaint& complain,
                const Context& context) {
  const std::string& index = dataset.metadata().object(kPositionIndex).path;
  const FooterNumbers numbers(dataset);
  std::map<std::uint64_t, std::vector<BinRow>> chunks;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    if (bins[i].bin != i) complain(index, fmt::format("bin {} stands for bin {}", bins[i].bin, i));
    chunks[bins[i].chunk].push_back(std::move(bins[i]));
  }
  if (chunks.size() != dataset.metadata().chunks.num_chunks)
    complain(index, "it has another number of chunks than the manifest says");
  for (const auto& [number, rows] : chunks) {
    context.check("validate", index);
    telling_damage(index, complain, [&, chunk = number, &of_chunk = rows] {
      const std::string key = dataset.chunk_key(chunk);
      std::vector<BinRow> placed = of_chunk;
      place_parts(placed);
      if (placed != of_chunk)
        complain(index, fmt::format("parts of {} overlap or leave gaps", key));
      telling_damage(key, complain, [&] {
        const auto& storage = dataset.chunk_storage();
        const storage::Object trailer = storage->read_tail(key, kTrailerBytes, context);
        const storage::Object tail =
            storage->read_tail(key, ChunkFooter::tail_length(trailer.bytes, key), context);
        for (BinRow& row : placed) row = numbers.of(std::move(row));
        if (ChunkFooter::decode(tail.bytes, key).bins != ChunkFooter::of(placed).bins)
          complain(key, "its footer and the index disagree");
      });
    });
  }
}

/// The text as it comes, against the manifest's digest of it.
class TextCheck {
 public:
  explicit TextCheck(const Dataset& dataset, const Context& context)
      : dataset_(dataset),
        line_end_(dataset.crlf() ? 2 : 1),
        digest_(dataset.metadata().custom.at("text")) {
    digest_.update(as_bytes(dataset.header(context).text));
  }
  void add_bin(ByteSpan text, bool last) {
    if (last && !dataset_.final_newline())
      text = text.first(text.size() - std::min(line_end_, text.size()));
    digest_.update(text);
  }
  void finish(const Complaint& complain) {
    if (!digest_.finish()) {
      complain("data", fmt::format("its {} bytes of text are not those that were converted: "
                                   "length or SHA-256 differs",
                                   digest_.bytes()));
    }
  }

 private:
  const Dataset& dataset_;
  std::size_t line_end_;
  TextDigest digest_;
};

/// Digest of a list of IDs, to hold what the records say against the variant index.
class IdDigest {
 public:
  void add(std::uint64_t kept, std::uint64_t page) {
    const std::array<std::uint64_t, 2> values = {kept, page};
    digest_.update(std::as_bytes(std::span(values)));
  }
  [[nodiscard]] Sha256Digest finish() { return digest_.finish(); }

 private:
  Sha256 digest_;
};

void check_ids(const Dataset& dataset, IdSorter& ids, const std::vector<std::uint64_t>& order,
               const Complaint& complain, const Context& context) {
  const metadata::ObjectInfo& info = dataset.metadata().object(kVariantIndex);
  const IdBits bits = dataset.id_bits();
  telling_damage(info.path, complain, [&] {
    IdDigest of_records;
    ids.finish([&](const IdEntry& entry) { of_records.add(bits.kept_of(entry.hash), entry.page); },
               context);
    IdDigest of_index;
    bool keys_right = true;
    const auto tree = index::BTree::open(dataset.root(), info.path, context);
    tree.for_each(
        [&](const index::BTree::Row& row) {
          if (row.columns.size() != 2 || row.columns[1] / kBinPages >= order.size()) {
            keys_right = false;
            return;
          }
          const std::uint64_t bin = order[row.columns[1] / kBinPages];
          of_index.add(row.columns[0], bin * kBinPages + row.columns[1] % kBinPages);
          keys_right = keys_right &&
                       row.key == index::big_endian_key(row.columns[0] >> (bits.kept - bits.key));
        },
        context);
    if (!keys_right || of_records.finish() != of_index.finish())
      complain(info.path, "it does not list the IDs of the records");
  });
}

}  // namespace

void validate(const Dataset& dataset, Depth depth, const Complaint& complain,
              const query::ExecutorOptions& options, const Context& context) {
  const std::vector<BinRow> bins = dataset.all_bins(context);
  check_rows(dataset, bins, complain, context);

  // Which bin has which place in the position index.
  std::vector<std::uint64_t> order(bins.size());
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  std::ranges::stable_sort(order, {}, [&](std::uint64_t bin) {
    return std::pair(bins[bin].key.sequence, bins[bin].key.start);
  });

  const BinCheck check(dataset, depth);
  IdSorter ids(options.memory / 4, {});
  std::optional<TextCheck> text;
  if (depth == Depth::text) text.emplace(dataset, context);
  std::size_t next = 0;
  bool damaged = false;
  std::size_t checked = 0;
  worker::run_pipeline<std::size_t, CheckedBin>(
      {.threads = options.threads}, context,
      [&] { return next < bins.size() ? std::optional(next++) : std::nullopt; },
      [&](std::size_t bin) { return check.run(bins[bin], context); },
      [&](const CheckedBin& bin) {
        for (const std::string& what : bin.complaints) complain(bin.object, what);
        damaged = damaged || bin.damaged;
        for (std::size_t page = 0; page < bin.ids.size(); ++page) {
          for (const std::uint64_t hash : bin.ids[page])
            ids.add({.hash = hash, .page = checked * kBinPages + page});
        }
        ++checked;
        if (text) text->add_bin(bin.text, checked == bins.size());
      });
  // Of a damaged bin neither IDs nor text are known; it has been told.
  if (damaged) return;
  check_ids(dataset, ids, order, complain, context);
  if (text) text->finish(complain);
}

}  // namespace cnf::vcfs3
