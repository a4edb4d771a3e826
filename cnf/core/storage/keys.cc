// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/keys.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// What is wrong with the '/'-separated segments of `path`, or an empty text.
std::string_view wrong_segment(std::string_view path) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment.empty()) return "has an empty segment ('/' at an end, or two in a row)";
    if (segment == "." || segment == "..") return "has a segment '.' or '..'";
    begin = end + 1;
  }
  return {};
}

std::string_view wrong_text(std::string_view text) {
  if (text.size() > kMaxKeyBytes) return "is longer than 1024 bytes";
  if (std::any_of(text.begin(), text.end(), is_control)) return "has a control character";
  return {};
}

void refuse(std::string_view doing, std::string_view what, std::string_view text,
            std::string_view store, std::string_view why) {
  if (why.empty()) return;
  std::string reason(what);
  reason.append(" '").append(text.substr(0, 100)).append("' ").append(why);
  throw Error(Errc::invalid_argument, doing, store, reason);
}

}  // namespace

void check_key(std::string_view doing, std::string_view key, std::string_view store) {
  if (key.empty()) throw Error(Errc::invalid_argument, doing, store, "the key is empty");
  refuse(doing, "key", key, store, wrong_text(key));
  refuse(doing, "key", key, store, wrong_segment(key));
}

void check_prefix(std::string_view doing, std::string_view prefix, std::string_view store) {
  refuse(doing, "prefix", prefix, store, wrong_text(prefix));
  const std::size_t folder = prefix.rfind('/');
  if (folder == std::string_view::npos) return;
  refuse(doing, "prefix", prefix, store, wrong_segment(prefix.substr(0, folder)));
}

std::string join_key(std::string_view folder, std::string_view key) {
  std::string joined(folder);
  if (!folder.empty() && !key.empty()) joined += '/';
  return joined.append(key);
}

std::string key_in_uri(std::string_view key) {
  std::string text;
  text.reserve(key.size());
  for (const char c : key) {
    switch (c) {
      case '%':
        text += "%25";
        break;
      case '?':
        text += "%3F";
        break;
      case '#':
        text += "%23";
        break;
      default:
        text += c;
    }
  }
  return text;
}

}  // namespace cnf::storage
