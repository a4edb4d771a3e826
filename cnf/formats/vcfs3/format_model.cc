// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/format_columns_internal.h"
#include "cnf/formats/vcfs3/format_features_internal.h"
#include "cnf/formats/vcfs3/format_model_internal.h"
#include "cnf/formats/vcfs3/format_stream_internal.h"

namespace cnf::vcfs3 {
namespace {

/// Symbols that models are tried on, taken evenly from the whole stream.
std::size_t sample_size(std::size_t symbols, int level) {
  if (level >= 15) return std::min<std::size_t>(symbols, 65536);
  return std::clamp<std::size_t>(symbols / 16, std::min<std::size_t>(symbols, 512), 4096);
}

/// Its five highest bits: what is foretold of a number is mostly how great it is.
std::uint32_t coarse(std::uint32_t symbol) noexcept {
  constexpr int kBits = 5;
  const int drop = std::max(0, static_cast<int>(std::bit_width(symbol)) - kBits);
  return symbol >> drop << drop;
}

/// Counts of 64-bit keys.
class Counts {
 public:
  explicit Counts(std::size_t keys)
      : mask_(std::bit_ceil(keys * 2) - 1), slots_(mask_ + 1, Slot{0, 0}) {}
  /// How often the key came before.
  std::uint32_t add(std::uint64_t key) { return find(key).count++; }
  [[nodiscard]] std::uint32_t of(std::uint64_t key) { return find(key).count; }

 private:
  struct Slot {
    std::uint64_t key;
    std::uint32_t count;
  };

  Slot& find(std::uint64_t key) {
    std::size_t at = static_cast<std::size_t>((key * 0x9e3779b97f4a7c15U) >> 20U) & mask_;
    while (slots_[at].count != 0 && slots_[at].key != key) at = (at + 1) & mask_;
    slots_[at].key = key;
    return slots_[at];
  }

  std::size_t mask_;
  std::vector<Slot> slots_;
};

/// The trials of one stream.
class Search {
 public:
  Search(std::span<const std::uint32_t> symbols, std::span<const std::uint32_t> cells,
         Features& features, int level)
      : features_(features) {
    const std::size_t size = sample_size(symbols.size(), level);
    for (std::size_t k = 0; k < size; ++k) {
      const std::size_t i = k * symbols.size() / size;
      symbols_.push_back(symbols[i]);
      cells_.push_back(cells[i]);
    }
    logs_.resize(size + 2);
    for (std::size_t i = 1; i < logs_.size(); ++i) {
      logs_[i] = std::log2(static_cast<float>(i));
    }
  }

  struct Trial {
    StreamModel model = {};
    std::vector<std::uint32_t> symbols = {};
    std::vector<float> alone = {};             ///< Per symbol, its bits without any context.
    std::vector<std::uint64_t> contexts = {};  ///< Per symbol, the hash of its contexts.
    double bits = 0;
  };

  [[nodiscard]] Trial start(const Feature* base) {
    Trial trial{.symbols = symbols_};
    if (base != nullptr) {
      trial.model.differences = true;
      trial.model.base = *base;
      const auto values = features_.get(*base);
      for (std::size_t i = 0; i < symbols_.size(); ++i) {
        if (symbols_[i] < kNumberSymbol) continue;
        const std::int64_t feature = std::max(values[cells_[i]], kNumberSymbol);
        trial.symbols[i] =
            kNumberSymbol + static_cast<std::uint32_t>(zigzag(std::int64_t{symbols_[i]} - feature));
      }
    }
    std::ranges::transform(trial.symbols, trial.symbols.begin(), coarse);
    count_alone(trial);
    trial.contexts.assign(symbols_.size(), 0);
    return trial;
  }

  /// The trial with one more context.
  [[nodiscard]] Trial extended(const Trial& trial, const Feature& context) {
    Trial next = trial;
    next.model.contexts.push_back(context);
    const auto values = features_.get(context);
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      next.contexts[i] = (trial.contexts[i] + coarse(values[cells_[i]]) + 1) * 0xd6e8feb86659fd93U;
      next.contexts[i] ^= next.contexts[i] >> 32U;
    }
    next.bits = bits_of(next);
    return next;
  }

 private:
  void count_alone(Trial& trial) {
    Counts counts(trial.symbols.size());
    for (const std::uint32_t symbol : trial.symbols) counts.add(symbol);
    trial.bits = 0;
    for (const std::uint32_t symbol : trial.symbols) {
      trial.alone.push_back(logs_[trial.symbols.size()] - logs_[counts.of(symbol)]);
      trial.bits += trial.alone.back();
    }
  }

  [[nodiscard]] double bits_of(const Trial& trial) const {
    Counts contexts(trial.symbols.size()), symbols(trial.symbols.size());
    double bits = 0;
    for (std::size_t i = 0; i < trial.symbols.size(); ++i) {
      const std::uint32_t before = contexts.add(trial.contexts[i]);
      const std::uint32_t same =
          symbols.add(trial.contexts[i] * 0x9fb21c651e98df25U + trial.symbols[i]);
      bits += logs_[before + 1] - logs_[std::max(1U, same)];
      if (same == 0) bits += trial.alone[i];
    }
    return bits;
  }

  Features& features_;
  std::vector<std::uint32_t> symbols_, cells_;
  std::vector<float> logs_;
};

/// Another context must save this much, for sorting by it takes time.
constexpr double kWorthIt = 0.98;

}  // namespace

StreamModel choose_model(std::span<const std::uint32_t> symbols,
                         std::span<const std::uint32_t> cells, const ModelPool& pool,
                         Features& features, int level) {
  if (symbols.empty() || std::ranges::all_of(symbols, [&](auto s) { return s == symbols[0]; })) {
    return {};
  }
  Search search(symbols, cells, features, level);
  Search::Trial best = search.start(nullptr);
  std::vector<Search::Trial> starts = {best};
  for (const Feature& base : pool.bases) {
    Search::Trial trial = search.start(&base);
    if (trial.bits < starts[0].bits) starts.push_back(trial);
    if (trial.bits < best.bits) best = std::move(trial);
  }
  // The first context may be worth more without the base, so it is sought for the best two.
  if (best.model.differences) starts = {starts[0], best};
  for (const Search::Trial& start : starts) {
    for (const Feature& context : pool.contexts) {
      Search::Trial trial = search.extended(start, context);
      if (trial.bits < best.bits * kWorthIt) best = std::move(trial);
    }
  }
  while (!best.model.contexts.empty() && best.model.contexts.size() < kMaxContexts) {
    const Search::Trial from = best;
    for (const Feature& context : pool.contexts) {
      Search::Trial trial = search.extended(from, context);
      if (trial.bits < std::min(best.bits, from.bits * kWorthIt)) best = std::move(trial);
    }
    if (best.model.contexts.size() == from.model.contexts.size()) break;
  }
  return best.model;
}

}  // namespace cnf::vcfs3
