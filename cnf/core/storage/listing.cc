// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/storage/page_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {

Listing::Listing(std::shared_ptr<const Storage> storage, ListOptions options, Context context)
    : storage_(std::move(storage)), options_(std::move(options)), context_(std::move(context)) {}

std::optional<FileInfo> Listing::next() {
  while (position_ == page_.size()) {
    if (last_) return std::nullopt;
    fetch_page();  // may be empty and not the last
  }
  return std::move(page_[position_++]);
}

void Listing::fetch_page() {
  ListPage page = storage_->list_page(options_, token_, context_);
  token_ = std::move(page.next);
  last_ = token_.empty();
  // Each token is compared with one of an ever older page: a circle is found within two rounds.
  if (!last_ && token_ == earlier_token_) {
    throw Error(Errc::corrupt_data, "list", storage_->uri(options_.prefix),
                "the store goes round in a circle: it says twice how to go on");
  }
  if (std::has_single_bit(++pages_)) earlier_token_ = token_;
  // Some stores begin a page with the common prefix that ended the one before.
  if (!last_prefix_.empty()) std::erase(page.prefixes, last_prefix_);
  if (!page.prefixes.empty()) last_prefix_ = page.prefixes.back();
  page_ = entries_of(std::move(page));
  position_ = 0;
}

}  // namespace cnf::storage
