// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// Objects and common prefixes of a page as one run in ascending byte order of keys; a common
/// prefix is an entry whose key ends in the delimiter.
[[nodiscard]] std::vector<FileInfo> entries_of(ListPage page);

/// Where a listing stands: only entries that sort after this belong to its next page. Tokens of
/// pages that this process makes itself are the last entry of the page before.
[[nodiscard]] const std::string& listed_up_to(const ListOptions& options, const std::string& token);

/// The common prefix that `key` is folded into, or nullopt if it stands for itself.
[[nodiscard]] std::optional<std::string_view> fold(std::string_view key,
                                                   const ListOptions& options);

/// Makes one page out of keys that come in ascending order and begin with the prefix.
class PageBuilder {
 public:
  PageBuilder(const ListOptions& options, const std::string& token, std::size_t max_entries)
      : options_(options), after_(listed_up_to(options, token)), max_entries_(max_entries) {}

  /// What there is to do with a key.
  enum class Step : std::uint8_t {
    object,  ///< Call add() with what the store knows of it.
    folded,  ///< It is in a common prefix: folded_into(). Go on after all keys that begin with it.
    before,  ///< It was listed on an earlier page, or was not asked for.
    full,    ///< It belongs to the next page: the page is done.
  };
  [[nodiscard]] Step see(std::string_view key);
  void add(FileInfo info);
  [[nodiscard]] const std::string& folded_into() const noexcept { return folded_into_; }
  [[nodiscard]] const std::string& after() const noexcept { return after_; }
  [[nodiscard]] ListPage take() { return std::move(page_); }

 private:
  [[nodiscard]] bool is_full() const {
    return page_.objects.size() + page_.prefixes.size() >= max_entries_;
  }

  const ListOptions& options_;
  std::string after_;
  std::size_t max_entries_;
  std::string last_;
  std::string folded_into_;
  ListPage page_;
};

}  // namespace cnf::storage
