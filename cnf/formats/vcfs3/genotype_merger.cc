// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "cnf/formats/vcfs3/genotype_merger_internal.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::uint32_t kUnknown = std::numeric_limits<std::uint32_t>::max();

}  // namespace

GenotypeMerger::GenotypeMerger(std::size_t samples, Genotypes& into)
    : into_(into), texts_(into.texts) {
  into_.samples = samples;
}

void GenotypeMerger::append(const Genotypes& from, std::size_t first, std::size_t count) {
  indices_.assign(from.texts.size(), kUnknown);
  unknown_ = indices_.size();
  escapes_ = from.texts.size() > Genotypes::kEscape;
  const std::size_t cells = into_.codes.size() + count * into_.samples;
  if (cells > into_.codes.capacity()) into_.codes.reserve(std::max(cells, cells / 2 * 3));
  for (std::size_t record = first; record < first + count; ++record) {
    into_.present.push_back(from.present[record]);
    if (from.present[record] == 0) {
      into_.codes.resize(into_.codes.size() + into_.samples);
    } else if (unknown_ != 0 || escapes_) {
      translate(from, record);
    } else {
      copy(&from.codes[record * into_.samples]);
    }
    ++into_.records;
  }
}

std::uint32_t GenotypeMerger::index_of(const Genotypes& from, std::uint32_t text) {
  std::uint32_t& index = indices_[text];
  if (index == kUnknown) {
    index = texts_.index_of(from.texts[text]);
    --unknown_;
    escapes_ = escapes_ || index >= Genotypes::kEscape;
  }
  return index;
}

// Any record.
void GenotypeMerger::translate(const Genotypes& from, std::size_t record) {
  const std::uint64_t cell = record * into_.samples;
  auto escape = std::ranges::lower_bound(from.escapes, cell, {}, &Genotypes::Escape::cell);
  for (std::uint64_t sample = 0; sample < into_.samples; ++sample) {
    std::uint32_t text = from.codes[cell + sample];
    if (text == Genotypes::kEscape) text = (escape++)->text;
    const std::uint32_t index = index_of(from, text);
    if (index >= Genotypes::kEscape) {
      into_.escapes.push_back({.cell = into_.codes.size(), .text = index});
    }
    into_.codes.push_back(
        static_cast<std::uint8_t>(std::min<std::uint32_t>(index, Genotypes::kEscape)));
  }
}

// A record all of whose codes are known.
void GenotypeMerger::copy(const std::uint8_t* codes) {
  std::array<std::uint8_t, std::size_t{Genotypes::kEscape} + 1> table{};
  bool same = true;
  for (std::size_t text = 0; text < indices_.size(); ++text) {
    table[text] = static_cast<std::uint8_t>(indices_[text]);
    same = same && table[text] == text;
  }
  const std::size_t at = into_.codes.size();
  into_.codes.insert(into_.codes.end(), codes, codes + into_.samples);
  if (same) return;
  for (std::size_t i = at; i < into_.codes.size(); ++i) into_.codes[i] = table[into_.codes[i]];
}

}  // namespace cnf::vcfs3
