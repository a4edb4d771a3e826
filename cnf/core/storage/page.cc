// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/page_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

std::vector<FileInfo> entries_of(ListPage page) {
  if (page.prefixes.empty()) return std::move(page.objects);
  std::vector<FileInfo> prefixes;
  prefixes.reserve(page.prefixes.size());
  for (std::string& prefix : page.prefixes) prefixes.push_back({.key = std::move(prefix)});
  std::vector<FileInfo> entries;
  entries.reserve(prefixes.size() + page.objects.size());
  std::merge(std::make_move_iterator(page.objects.begin()),
             std::make_move_iterator(page.objects.end()), std::make_move_iterator(prefixes.begin()),
             std::make_move_iterator(prefixes.end()), std::back_inserter(entries),
             [](const FileInfo& a, const FileInfo& b) { return a.key < b.key; });
  return entries;
}

const std::string& listed_up_to(const ListOptions& options, const std::string& token) {
  return std::max(options.start_after, token);
}

std::optional<std::string_view> fold(std::string_view key, const ListOptions& options) {
  if (options.delimiter.empty()) return std::nullopt;
  const std::size_t found = key.find(options.delimiter, options.prefix.size());
  if (found == std::string_view::npos) return std::nullopt;
  return key.substr(0, found + options.delimiter.size());
}

PageBuilder::Step PageBuilder::see(std::string_view key) {
  const std::optional<std::string_view> prefix = fold(key, options_);
  const std::string_view entry = prefix.value_or(key);
  if (prefix) folded_into_ = *prefix;
  const bool before = entry <= after_;
  if (!before && is_full()) {
    page_.next = last_;
    return Step::full;
  }
  if (!prefix) return before ? Step::before : Step::object;
  if (!before) {
    last_ = folded_into_;
    page_.prefixes.push_back(folded_into_);
  }
  return Step::folded;
}

void PageBuilder::add(FileInfo info) {
  last_ = info.key;
  page_.objects.push_back(std::move(info));
}

}  // namespace cnf::storage
