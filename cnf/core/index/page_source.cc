// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::index {
namespace {

class ObjectPages final : public PageSource {
 public:
  ObjectPages(std::shared_ptr<const storage::Storage> storage, std::string key)
      : storage_(std::move(storage)), key_(std::move(key)), subject_(storage_->uri(key_)) {}

  void read(std::span<const Page> pages, const Context& context) const override {
    std::vector<storage::FetchRequest> requests;
    requests.reserve(pages.size());
    for (const Page& page : pages) {
      requests.push_back({.key = key_, .offset = page.offset, .into = page.into});
    }
    storage_->fetch(requests, context);
  }
  [[nodiscard]] const std::string& subject() const noexcept override { return subject_; }

 private:
  std::shared_ptr<const storage::Storage> storage_;
  std::string key_;
  std::string subject_;
};

class MemoryPages final : public PageSource {
 public:
  MemoryPages(Buffer saved, std::string subject)
      : saved_(std::move(saved)), subject_(std::move(subject)) {}

  void read(std::span<const Page> pages, const Context& context) const override {
    context.check("read index", subject_);
    for (const Page& page : pages) {
      if (page.offset > saved_.size() || page.into.size() > saved_.size() - page.offset) {
        throw_corrupt(page_subject(*this, page.offset), "the page reaches past the end");
      }
      const ByteSpan bytes = saved_.span().subspan(page.offset, page.into.size());
      if (!bytes.empty()) std::memcpy(page.into.data(), bytes.data(), bytes.size());
    }
  }
  [[nodiscard]] const std::string& subject() const noexcept override { return subject_; }

 private:
  Buffer saved_;
  std::string subject_;
};

}  // namespace

std::shared_ptr<const PageSource> object_pages(std::shared_ptr<const storage::Storage> storage,
                                               std::string key) {
  return std::make_shared<ObjectPages>(std::move(storage), std::move(key));
}

std::shared_ptr<const PageSource> memory_pages(Buffer saved, std::string subject) {
  return std::make_shared<MemoryPages>(std::move(saved), std::move(subject));
}

}  // namespace cnf::index
