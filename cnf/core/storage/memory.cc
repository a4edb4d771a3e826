// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/memory.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/page_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::size_t kPageEntries = 1000;  // as S3
constexpr std::size_t kRemoveBatch = 1000;  // as S3
constexpr ReadProfile kReadProfile{.gap = std::uint64_t{64} << 10,
                                   .max_request = std::uint64_t{16} << 20};

// One version of an object; never changed once it is in the table.
struct Version {
  Buffer bytes;
  FileInfo info;
};

// The objects, apart from the store, so that a Writer can commit to it.
class Table {
 public:
  [[nodiscard]] std::shared_ptr<const Version> find(std::string_view key) const {
    const std::shared_lock lock(mutex_);
    const auto found = versions_.find(key);
    return found == versions_.end() ? nullptr : found->second;
  }

  // Puts a version under its key if the condition holds; `uri` is for the error.
  FileInfo commit(Buffer bytes, const std::string& key, const Condition& condition,
                  std::string_view uri) {
    const std::unique_lock lock(mutex_);
    const auto found = versions_.find(key);
    check(condition, found == versions_.end() ? nullptr : found->second.get(), uri);
    FileInfo info{
        .key = key,
        .size = bytes.size(),
        .etag = std::to_string(++commits_),
        .modified = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())};
    versions_.insert_or_assign(key,
                               std::make_shared<const Version>(Version{std::move(bytes), info}));
    return info;
  }

  void remove(const std::string& key) {
    const std::unique_lock lock(mutex_);
    versions_.erase(key);
  }

  [[nodiscard]] ListPage page(const ListOptions& options, const std::string& token) const {
    const std::shared_lock lock(mutex_);
    PageBuilder builder(options, token, kPageEntries);
    auto at = versions_.lower_bound(std::max(options.prefix, builder.after()));
    // What is folded into the entry that came last begins with it, so it sorts after it.
    while (at != versions_.end() && at->first.starts_with(options.prefix)) {
      switch (builder.see(at->first)) {
        case PageBuilder::Step::object:
          builder.add(at->second->info);
          ++at;
          break;
        case PageBuilder::Step::before:
          ++at;
          break;
        case PageBuilder::Step::folded:
          while (at != versions_.end() && at->first.starts_with(builder.folded_into())) ++at;
          break;
        case PageBuilder::Step::full:
          return builder.take();
      }
    }
    return builder.take();
  }

 private:
  static void check(const Condition& condition, const Version* current, std::string_view uri) {
    switch (condition.kind()) {
      case Condition::Kind::none:
        return;
      case Condition::Kind::if_absent:
        if (current == nullptr) return;
        throw Error(Errc::already_exists, "commit", uri, "the object exists");
      case Condition::Kind::if_match:
        if (current != nullptr && current->info.etag == condition.etag()) return;
        throw Error(Errc::precondition_failed, "commit", uri,
                    "the object was changed or removed since it was read", "read it again");
    }
  }

  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const Version>, std::less<>> versions_;
  std::uint64_t commits_ = 0;
};

class MemoryWriter final : public Writer {
 public:
  MemoryWriter(std::shared_ptr<Table> table, std::string key, std::string uri,
               const WriteOptions& options, Context context)
      : table_(std::move(table)),
        key_(std::move(key)),
        uri_(std::move(uri)),
        condition_(options.condition),
        context_(std::move(context)) {
    bytes_.reserve(std::min(options.size_hint.value_or(0), kReadProfile.max_request));
  }

  void write(ByteSpan bytes) override {
    bytes_.append(bytes);
    context_.accounting().add_sent(bytes.size());
  }
  FileInfo commit() override {
    context_.accounting().add_request(RequestKind::put);
    return table_->commit(std::move(bytes_), key_, condition_, uri_);
  }
  void abort() noexcept override { bytes_ = {}; }

 private:
  std::shared_ptr<Table> table_;
  std::string key_;
  std::string uri_;
  Condition condition_;
  Context context_;
  Buffer bytes_;
};

class MemoryStorage final : public Storage {
 public:
  explicit MemoryStorage(std::string name) : root_("memory:" + std::move(name)) {}

 private:
  [[nodiscard]] std::string do_uri(std::string_view key) const override {
    return join_key(root_, key_in_uri(key));
  }
  // Other stores may have the same name, and their ETags begin at 1, too.
  [[nodiscard]] std::string do_identity() const override { return root_ + '#' + id_; }
  [[nodiscard]] ReadProfile do_read_profile() const override { return kReadProfile; }

  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override {
    std::shared_ptr<const Version> version;
    for (std::size_t i = 0; i < transfers.size(); ++i) {
      const Transfer& transfer = transfers[i];
      try {
        context.check("read", root_);
        // Neighbours of one key read one version.
        if (i == 0 || transfer.key != transfers[i - 1].key) version = table_->find(transfer.key);
        context.accounting().add_request(RequestKind::get);
        scatter(version.get(), transfer);
      } catch (const Error& error) {
        done(i, &error);
        continue;
      }
      context.accounting().add_fetched(transfer.length);
      done(i, nullptr);
    }
  }

  void scatter(const Version* version, const Transfer& transfer) const {
    if (version == nullptr) {
      throw Error(Errc::not_found, "read", do_uri(transfer.key), "no such object");
    }
    if (!transfer.etag.empty() && transfer.etag != version->info.etag) {
      throw Error(Errc::corrupt_data, "read", do_uri(transfer.key),
                  "the object was replaced while it was read", "start again");
    }
    const ByteSpan bytes = version->bytes;
    if (transfer.offset > bytes.size() || transfer.length > bytes.size() - transfer.offset) {
      throw Error(Errc::corrupt_data, "read", do_uri(transfer.key),
                  "it ends at " + std::to_string(bytes.size()) + ", before byte " +
                      std::to_string(transfer.offset + transfer.length));
    }
    const std::byte* from = bytes.data() + transfer.offset;
    for (const Transfer::Piece& piece : transfer.pieces) {
      std::memcpy(piece.into.data(), from + piece.skip, piece.into.size());
      from += piece.skip + piece.into.size();
    }
  }

  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override {
    context.accounting().add_request(RequestKind::get);
    const std::shared_ptr<const Version> version = table_->find(key);
    if (!version) throw Error(Errc::not_found, "read", do_uri(key), "no such object");
    const std::uint64_t size = std::min(tail.value_or(version->info.size), version->info.size);
    if (size > limit) {
      throw Error(Errc::corrupt_data, "read", do_uri(key),
                  "it has " + std::to_string(size) + " bytes, more than the " +
                      std::to_string(limit) + " it may have");
    }
    context.accounting().add_fetched(size);
    return {Buffer::copy_of(version->bytes.span().last(size)), version->info};
  }

  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) override {
    return std::make_unique<MemoryWriter>(table_, std::string(key), do_uri(key), options, context);
  }

  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override {
    context.accounting().add_request(RequestKind::list);
    return table_->page(options, token);
  }

  void do_remove(std::span<const std::string> keys, const Context& context) override {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (i % kRemoveBatch == 0) context.accounting().add_request(RequestKind::remove);
      table_->remove(keys[i]);
    }
  }

  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override {
    context.accounting().add_request(RequestKind::head);
    const std::shared_ptr<const Version> version = table_->find(key);
    if (!version) return std::nullopt;
    return version->info;
  }

  FileInfo do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                   const Context& context) override {
    context.accounting().add_request(RequestKind::copy);
    const std::shared_ptr<const Version> version = table_->find(from);
    if (!version) throw Error(Errc::not_found, "copy", do_uri(from), "no such object");
    return table_->commit(Buffer::copy_of(version->bytes), std::string(to), options.condition,
                          do_uri(to));
  }

  std::string root_;
  std::string id_ = random_id();
  std::shared_ptr<Table> table_ = std::make_shared<Table>();
};

}  // namespace

std::shared_ptr<Storage> make_memory(std::string name) {
  return std::make_shared<MemoryStorage>(std::move(name));
}

}  // namespace cnf::storage
