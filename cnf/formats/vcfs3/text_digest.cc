// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/text_digest.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"

namespace cnf::vcfs3 {

TextDigest::TextDigest(const nlohmann::json& text) : expected_bytes_(text.at("bytes")) {
  if (!text.contains("segments")) {
    segments_.push_back({.bytes = expected_bytes_, .sha256 = text.at("sha256")});
    return;
  }
  for (const auto& segment : text.at("segments"))
    segments_.push_back({.bytes = segment.at("bytes"), .sha256 = segment.at("sha256")});
}

/// Those that are whole.
void TextDigest::end_segments() {
  while (current_ < segments_.size() && in_current_ == segments_[current_].bytes) {
    if (to_hex(digest_.finish()) != segments_[current_].sha256) right_ = false;
    digest_ = Sha256();
    in_current_ = 0;
    ++current_;
  }
}

void TextDigest::update(ByteSpan bytes) {
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    end_segments();
    if (current_ == segments_.size()) {
      right_ = false;
      return;
    }
    const std::size_t size =
        std::min<std::uint64_t>(bytes.size(), segments_[current_].bytes - in_current_);
    digest_.update(bytes.first(size));
    in_current_ += size;
    bytes = bytes.subspan(size);
  }
}

bool TextDigest::finish() {
  end_segments();
  return right_ && current_ == segments_.size() && bytes_ == expected_bytes_;
}

}  // namespace cnf::vcfs3
