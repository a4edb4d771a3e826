// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Complete, not json_fwd.hpp: the manifest's custom is a json value.
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"

namespace cnf::vcfs3 {

/// Holds a dataset's text, as it comes, against what the manifest says of it: one digest, or one of
/// each part that it was converted in (SPEC.md, "Manifest"). Threads: one at a time.
class TextDigest {
 public:
  /// \param text  `text` of the manifest's custom, by the schema.
  explicit TextDigest(const nlohmann::json& text);
  void update(ByteSpan bytes);
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }  ///< So far.
  /// True if it was all of the text and nothing else. Once, at the end.
  [[nodiscard]] bool finish();

 private:
  struct Segment {
    std::uint64_t bytes = 0;
    std::string sha256 = {};
  };
  void end_segments();

  std::vector<Segment> segments_;
  std::uint64_t expected_bytes_;
  std::size_t current_ = 0;
  std::uint64_t in_current_ = 0;  // bytes
  Sha256 digest_;
  std::uint64_t bytes_ = 0;
  bool right_ = true;
};

}  // namespace cnf::vcfs3
