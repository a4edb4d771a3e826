// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/storage/page_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

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
  page_ = entries_of(std::move(page));
  position_ = 0;
}

}  // namespace cnf::storage
