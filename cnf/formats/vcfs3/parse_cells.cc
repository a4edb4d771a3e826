// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/genotype_codes_internal.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/parse_cells_internal.h"
#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {
namespace {

// Nearly every genotype has three characters, "0|1" or "./.": with what ends the cell they are one
// word, and one look-up.
constexpr std::ptrdiff_t kWord = 4;
constexpr std::size_t kUsualText = 3;
// Words of records whose FORMAT goes on after GT may end in ':', and are kept apart by this bit.
constexpr std::uint64_t kMayGoOn = std::uint64_t{1} << 40;

std::uint64_t load_word(const char* at) noexcept {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

const char* find_tab(const char* at, const char* end) noexcept {
  const void* const tab = std::memchr(at, '\t', static_cast<std::size_t>(end - at));
  return tab == nullptr ? end : static_cast<const char*>(tab);
}

std::string_view between(const char* begin, const char* end) noexcept {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

CellParser::CellParser(std::size_t samples, Genotypes& genotypes, FormatCells& cells)
    : samples_(samples), genotypes_(genotypes), cells_(cells), texts_(genotypes.texts) {
  genotypes_.samples = samples;
  cells_.samples = samples;
}

bool CellParser::add(std::string_view text, const Site& site) {
  const std::size_t codes = genotypes_.codes.size();
  const std::size_t escapes = genotypes_.escapes.size();
  const std::size_t rests = cells_.text.size();
  genotypes_.codes.resize(codes + samples_);
  const char* const end = text.data() + text.size();
  Outcome outcome = Outcome::has_rests;
  if (site.format == "GT") outcome = add_genotypes(text.data(), end, &genotypes_.codes[codes]);
  if (outcome == Outcome::has_rests) {
    genotypes_.escapes.resize(escapes);
    const bool matches =
        add_cells(text.data(), end, site.has_genotypes(), &genotypes_.codes[codes]);
    outcome = matches ? Outcome::done : Outcome::mismatch;
  } else if (!cells_.offsets.empty()) {
    cells_.offsets.resize(codes + samples_ + 1, cells_.offsets.back());
  }
  if (outcome == Outcome::mismatch) {
    genotypes_.codes.resize(codes);
    genotypes_.escapes.resize(escapes);
    cells_.text.resize(rests);
    if (!cells_.offsets.empty()) cells_.offsets.resize(codes + 1);
    return false;
  }
  genotypes_.present.push_back(site.has_genotypes() ? 1 : 0);
  ++genotypes_.records;
  return true;
}

void CellParser::add_empty() {
  const std::size_t cells = genotypes_.codes.size() + samples_;
  genotypes_.codes.resize(cells);
  if (!cells_.offsets.empty()) cells_.offsets.resize(cells + 1, cells_.offsets.back());
  genotypes_.present.push_back(0);
  ++genotypes_.records;
}

void CellParser::finish() {
  cells_.records = genotypes_.records;
  if (cells_.text.empty()) cells_.offsets.clear();
}

// The columns of a record whose FORMAT is GT alone.
CellParser::Outcome CellParser::add_genotypes(const char* at, const char* end,
                                              std::uint8_t* codes) {
  const std::size_t first_cell = genotypes_.records * samples_;
  for (std::size_t sample = 0; sample < samples_; ++sample) {
    if (end - at >= kWord) {
      const int code = words_.find(load_word(at));
      if (code != CodeCache::kMissing) {
        codes[sample] = static_cast<std::uint8_t>(code);
        at += kWord;
        continue;
      }
    }
    const char* const tab = find_tab(at, end);
    const std::string_view text = between(at, tab);
    if (text.find(':') != std::string_view::npos) return Outcome::has_rests;
    codes[sample] = code_of(text, first_cell + sample);
    if (tab == end) return sample + 1 == samples_ ? Outcome::done : Outcome::mismatch;
    if (text.size() == kUsualText && codes[sample] != Genotypes::kEscape) {
      words_.put(load_word(at), codes[sample]);
    }
    at = tab + 1;
  }
  return Outcome::mismatch;  // a tab behind the last cell
}

// The columns of any record. False if they are not one per sample.
bool CellParser::add_cells(const char* at, const char* end, bool has_genotypes,
                           std::uint8_t* codes) {
  const std::size_t first_cell = genotypes_.records * samples_;
  cells_.offsets.resize(first_cell + samples_ + 1,
                        cells_.offsets.empty() ? 0 : cells_.offsets.back());
  const std::size_t rests = cells_.text.size();
  std::byte* const begin = cells_.text.extend(static_cast<std::size_t>(end - at)).data();
  std::byte* out = begin;
  for (std::size_t sample = 0; sample < samples_; ++sample) {
    const char* rest = at;
    if (has_genotypes) {
      const bool has_word = end - at >= kWord;
      const std::uint64_t word = has_word ? load_word(at) | kMayGoOn : 0;
      const int code = has_word ? words_.find(word) : CodeCache::kMissing;
      if (code != CodeCache::kMissing) {
        codes[sample] = static_cast<std::uint8_t>(code);
        rest = at + kUsualText;
      } else {
        while (rest != end && *rest != ':' && *rest != '\t') ++rest;
        const std::string_view text = between(at, rest);
        codes[sample] = code_of(text, first_cell + sample);
        if (has_word && text.size() == kUsualText && codes[sample] != Genotypes::kEscape) {
          words_.put(word, codes[sample]);
        }
      }
    }
    const char* const tab = rest != end && *rest == '\t' ? rest : find_tab(rest, end);
    const std::string_view text = between(rest, tab);
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    out += text.size();
    cells_.offsets[first_cell + sample + 1] =
        static_cast<std::uint32_t>(rests + static_cast<std::size_t>(out - begin));
    if (tab == end) {
      cells_.text.resize(rests + static_cast<std::size_t>(out - begin));
      return sample + 1 == samples_;
    }
    at = tab + 1;
  }
  return false;  // a tab behind the last cell
}

std::uint8_t CellParser::code_of(std::string_view text, std::uint64_t cell) {
  constexpr std::size_t kShort = 6;
  std::uint64_t key = 0;
  if (text.size() <= kShort) {
    for (const char c : text) key = key << 8U | static_cast<unsigned char>(c);
    key |= (text.size() + 1) << 48U;
    const int code = short_.find(key);
    if (code != CodeCache::kMissing) return static_cast<std::uint8_t>(code);
  }
  const std::uint32_t index = texts_.index_of(text);
  if (index >= Genotypes::kEscape) {
    genotypes_.escapes.push_back({.cell = cell, .text = index});
    return Genotypes::kEscape;
  }
  const auto code = static_cast<std::uint8_t>(index);
  if (key != 0) short_.put(key, code);
  return code;
}

}  // namespace cnf::vcfs3
