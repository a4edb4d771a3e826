// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
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

/// Counts of 64-bit keys, which can be emptied at once.
class Counts {
 public:
  explicit Counts(std::size_t keys) : mask_(std::bit_ceil(keys * 2) - 1), slots_(mask_ + 1) {}
  void clear() { ++round_; }
  /// How often the key came before.
  std::uint32_t add(std::uint64_t key) { return find(key).count++; }
  [[nodiscard]] std::uint32_t of(std::uint64_t key) { return find(key).count; }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t count = 0;
    std::uint32_t round = 0;  ///< Of an earlier one: free.
  };

  Slot& find(std::uint64_t key) {
    std::size_t at = static_cast<std::size_t>((key * 0x9e3779b97f4a7c15U) >> 20U) & mask_;
    while (slots_[at].round == round_ && slots_[at].key != key) at = (at + 1) & mask_;
    if (slots_[at].round != round_) slots_[at] = {.key = key, .round = round_};
    return slots_[at];
  }

  std::size_t mask_;
  std::uint32_t round_ = 1;
  std::vector<Slot> slots_;
};

/// The trials of one stream.
class Search {
 public:
  Search(std::span<const std::uint32_t> symbols, std::span<const std::uint32_t> cells,
         Features& features, std::size_t size)
      : features_(features), context_counts_(size), symbol_counts_(size) {
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

  /// What is to be foretold: the symbols, or differences.
  struct Aim {
    std::vector<std::uint32_t> symbols = {};
    std::vector<float> alone = {};  ///< Per symbol, its bits without any context.
  };
  struct Trial {
    StreamModel model = {};
    std::shared_ptr<const Aim> aim = nullptr;
    std::vector<std::uint64_t> contexts = {};  ///< Per symbol, the hash of its contexts.
    double bits = 0;
  };

  [[nodiscard]] Trial start(const Feature* base) {
    const auto aim = std::make_shared<Aim>(Aim{.symbols = symbols_});
    Trial trial{.aim = aim, .contexts = std::vector<std::uint64_t>(symbols_.size())};
    if (base != nullptr) {
      trial.model.differences = true;
      trial.model.base = *base;
      const auto values = features_.get(*base);
      for (std::size_t i = 0; i < symbols_.size(); ++i) {
        if (symbols_[i] < kNumberSymbol) continue;
        const std::int64_t feature = std::max(values[cells_[i]], kNumberSymbol);
        aim->symbols[i] =
            kNumberSymbol + static_cast<std::uint32_t>(zigzag(std::int64_t{symbols_[i]} - feature));
      }
    }
    std::ranges::transform(aim->symbols, aim->symbols.begin(), coarse);
    symbol_counts_.clear();
    for (const std::uint32_t symbol : aim->symbols) symbol_counts_.add(symbol);
    for (const std::uint32_t symbol : aim->symbols) {
      aim->alone.push_back(logs_[symbols_.size()] - logs_[symbol_counts_.of(symbol)]);
      trial.bits += aim->alone.back();
    }
    return trial;
  }

  /// The trial with one more context.
  [[nodiscard]] Trial extended(const Trial& trial, const Feature& context) {
    Trial next = trial;
    next.model.contexts.push_back(context);
    const auto values = features_.get(context);
    next.bits = 0;
    context_counts_.clear();
    symbol_counts_.clear();
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      std::uint64_t& hash = next.contexts[i];
      hash = (hash + coarse(values[cells_[i]]) + 1) * 0xd6e8feb86659fd93U;
      hash ^= hash >> 32U;
      const std::uint32_t before = context_counts_.add(hash);
      const std::uint32_t same =
          symbol_counts_.add(hash * 0x9fb21c651e98df25U + next.aim->symbols[i]);
      next.bits += logs_[before + 1];
      next.bits += same == 0 ? next.aim->alone[i] : -logs_[same];
    }
    return next;
  }

  /// True if there is next to nothing left to be saved.
  [[nodiscard]] bool is_done(const Trial& trial) const {
    constexpr double kNextToNothing = 0.02;  // bits a symbol
    return trial.bits < kNextToNothing * static_cast<double>(symbols_.size());
  }

 private:
  Features& features_;
  Counts context_counts_, symbol_counts_;
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
  Search search(symbols, cells, features, sample_size(symbols.size(), level));
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
    if (search.is_done(best)) break;
    for (const Feature& context : pool.contexts) {
      Search::Trial trial = search.extended(start, context);
      if (trial.bits < best.bits * kWorthIt) best = std::move(trial);
    }
  }
  while (!best.model.contexts.empty() && best.model.contexts.size() < kMaxContexts &&
         !search.is_done(best)) {
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
