// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::em {

/// "Key = Value" lines, in their order.
class MdocEntries {
 public:
  void add(std::string key, std::string value) {
    entries_.emplace_back(std::move(key), std::move(value));
  }
  /// The first of that name; nullopt if there is none.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const noexcept;
  /// As a number; nullopt where it is none, or absent.
  [[nodiscard]] std::optional<double> number(std::string_view key) const noexcept;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const noexcept {
    return entries_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

/// What SerialEM writes beside a stack: a global section, titles, and a section an image.
/// Source: SerialEM's help, "About Metadata Files"; IMOD's autodoc format.
struct Mdoc {
  struct Section {
    std::string kind;  ///< "ZValue" of images in a stack, "MontSection", "FrameSet".
    std::string name;  ///< "0"
    MdocEntries entries;
  };

  MdocEntries global;
  std::vector<std::string> titles;  ///< "[T = …]", their blanks trimmed.
  std::vector<Section> sections;

  /// The sections of images 0 to `images` - 1, whatever order they stand in; empty unless each
  /// image has exactly one and there is no other.
  [[nodiscard]] std::vector<const Section*> of_images(std::uint64_t images) const;
};

/// Line ends of either kind, comments (#) and blank lines are passed over. Throws Error
/// corrupt_data, naming the line, where one is neither "Key = Value" nor "[Key = Value]".
[[nodiscard]] Mdoc parse_mdoc(ByteSpan text, std::string_view subject);

/// A list of angles (.tlt, .rawtlt): degrees, one a line. Throws Error corrupt_data, naming the
/// line.
[[nodiscard]] std::vector<double> parse_tilts(ByteSpan text, std::string_view subject);

}  // namespace cnf::em
