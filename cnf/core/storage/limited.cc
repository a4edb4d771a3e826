// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/limited.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/limiter_internal.h"
#include "cnf/core/storage/parallel_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::size_t kTransfersAtOnce = 16;  // of one fetch, where concurrency is not limited
constexpr std::size_t kRemoveBatch = 1000;    // keys that most stores remove by one request

class LimitedWriter final : public Writer {
 public:
  LimitedWriter(std::unique_ptr<Writer> inner, std::shared_ptr<Limiter> limiter, std::string uri,
                std::uint64_t part_size, Context context)
      : inner_(std::move(inner)),
        limiter_(std::move(limiter)),
        uri_(std::move(uri)),
        part_size_(part_size),
        context_(std::move(context)) {}

  void write(ByteSpan bytes) override {
    while (!bytes.empty()) {
      const std::uint64_t in_part = written_ % part_size_;
      const auto piece = bytes.first(
          static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), part_size_ - in_part)));
      const Limiter::Turns turn =
          limiter_->take(context_, "write", uri_,
                         in_part == 0 ? Limiter::Counts::as_request : Limiter::Counts::as_work);
      inner_->write(piece);
      written_ += piece.size();
      bytes = bytes.subspan(piece.size());
    }
  }

  FileInfo commit() override {
    // One PUT was counted with its bytes; the end of an upload in parts is a request more.
    const bool counted = written_ > 0 && written_ <= part_size_;
    const Limiter::Turns turn = limiter_->take(
        context_, "commit", uri_, counted ? Limiter::Counts::as_work : Limiter::Counts::as_request);
    return inner_->commit();
  }

  void abort() noexcept override { inner_->abort(); }

 private:
  std::unique_ptr<Writer> inner_;
  std::shared_ptr<Limiter> limiter_;
  std::string uri_;
  std::uint64_t part_size_;
  Context context_;
  std::uint64_t written_ = 0;
};

class LimitedStorage final : public StorageWrapper {
 public:
  LimitedStorage(std::shared_ptr<Storage> inner, const LimitOptions& options)
      : StorageWrapper(std::move(inner)),
        part_size_(std::max<std::uint64_t>(options.part_size, 1)),
        at_once_(options.concurrency == 0
                     ? kTransfersAtOnce
                     : std::min<std::size_t>(options.concurrency, kTransfersAtOnce)),
        limiter_(std::make_shared<Limiter>(options.rate,
                                           options.burst != 0
                                               ? static_cast<double>(options.burst)
                                               : std::max(1.0, std::floor(options.rate)),
                                           options.concurrency)) {}

 private:
  [[nodiscard]] Limiter::Turns turn(const Context& context, std::string_view doing,
                                    std::string_view key) const {
    return limiter_->take(context, doing, do_uri(key));
  }

  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override;
  void fetch_in_turn(std::span<const Transfer> transfers, const Context& context,
                     const TransferDone& done) const;
  void fetch_one(const Transfer& transfer, std::size_t index, const Context& context,
                 const TransferDone& done) const;
  [[nodiscard]] std::optional<std::string> etag_for(std::span<const Transfer> of_one_key,
                                                    const Context& context) const;

  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override {
    const auto held = turn(context, "read", key);
    return StorageWrapper::do_read(key, tail, limit, context);
  }
  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) override {
    return std::make_unique<LimitedWriter>(StorageWrapper::do_create(key, options, context),
                                           limiter_, do_uri(key), part_size_, context);
  }
  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override {
    const auto held = turn(context, "list", options.prefix);
    return StorageWrapper::do_list_page(options, token, context);
  }
  void do_remove(std::span<const std::string> keys, const Context& context) override {
    while (!keys.empty()) {
      const auto batch = keys.first(std::min(keys.size(), kRemoveBatch));
      const auto held = turn(context, "remove", batch.front());
      StorageWrapper::do_remove(batch, context);
      keys = keys.subspan(batch.size());
    }
  }
  [[nodiscard]] std::vector<UnfinishedUpload> do_uploads(std::string_view prefix,
                                                         const Context& context) const override {
    const auto held = turn(context, "list the uploads of", prefix);
    return StorageWrapper::do_uploads(prefix, context);
  }
  void do_abort_uploads(std::span<const UnfinishedUpload> uploads,
                        const Context& context) override {
    for (std::size_t i = 0; i < uploads.size(); ++i) {
      const auto held = turn(context, "abort", uploads[i].key);
      StorageWrapper::do_abort_uploads(uploads.subspan(i, 1), context);
    }
  }
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override {
    const auto held = turn(context, "stat", key);
    return StorageWrapper::do_stat(key, context);
  }
  FileInfo do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                   const Context& context) override {
    const auto held = turn(context, "copy", from);
    return StorageWrapper::do_copy(from, to, options, context);
  }

  const std::uint64_t part_size_;
  const std::size_t at_once_;
  std::shared_ptr<Limiter> limiter_;  // shared with writers, which may outlive the store
};

void LimitedStorage::do_fetch(std::span<const Transfer> transfers, const Context& context,
                              const TransferDone& done) const {
  constexpr std::size_t kMost = 100'000;  // turns at once: more are never free
  if (const auto turns = transfers.size() <= kMost
                             ? limiter_->take_now(static_cast<unsigned>(transfers.size()))
                             : nullptr) {
    StorageWrapper::do_fetch(transfers, context, [&](std::size_t i, const Error* error) {
      turns->give_back();
      done(i, error);
    });
    return;
  }
  fetch_in_turn(transfers, context, done);
}

// Each transfer is sent by itself, so those of one object must agree on its ETag.
void LimitedStorage::fetch_in_turn(std::span<const Transfer> transfers, const Context& context,
                                   const TransferDone& done) const {
  std::vector<Transfer> pinned(transfers.begin(), transfers.end());
  std::vector<std::string> etags;
  etags.reserve(transfers.size());  // transfers hold views of them
  std::vector<std::size_t> wanted;
  for (std::size_t begin = 0; begin < pinned.size();) {
    std::size_t end = begin + 1;
    while (end < pinned.size() && pinned[end].key == pinned[begin].key) ++end;
    const auto of_one_key = std::span(pinned).subspan(begin, end - begin);
    try {
      if (auto etag = etag_for(of_one_key, context)) {
        etags.push_back(*std::move(etag));
        for (Transfer& transfer : of_one_key) {
          if (transfer.etag.empty()) transfer.etag = etags.back();
        }
      }
      for (std::size_t i = begin; i < end; ++i) wanted.push_back(i);
    } catch (const Error& error) {
      for (std::size_t i = begin; i < end; ++i) done(i, &error);
    }
    begin = end;
  }
  parallel_for(wanted.size(), at_once_,
               [&](std::size_t i) { fetch_one(pinned[wanted[i]], wanted[i], context, done); });
}

// Null where nothing need be asked.
std::optional<std::string> LimitedStorage::etag_for(std::span<const Transfer> of_one_key,
                                                    const Context& context) const {
  const bool has_open = std::any_of(of_one_key.begin(), of_one_key.end(),
                                    [](const Transfer& one) { return one.etag.empty(); });
  if (of_one_key.size() == 1 || !has_open) return std::nullopt;
  const std::string_view key = of_one_key.front().key;
  std::optional<FileInfo> info = do_stat(key, context);
  if (!info) throw Error(Errc::not_found, "read", do_uri(key), "no such object");
  return std::move(info->etag);
}

void LimitedStorage::fetch_one(const Transfer& transfer, std::size_t index, const Context& context,
                               const TransferDone& done) const {
  bool reported = false;
  try {
    const auto held = turn(context, "read", transfer.key);
    StorageWrapper::do_fetch(std::span(&transfer, 1), context,
                             [&](std::size_t /*only*/, const Error* error) {
                               reported = true;
                               done(index, error);
                             });
  } catch (const Error& error) {
    if (!reported) done(index, &error);
  }
}

}  // namespace

std::shared_ptr<Storage> limited(std::shared_ptr<Storage> inner, const LimitOptions& options) {
  if (!(options.rate >= 0) || !std::isfinite(options.rate)) {
    throw Error(Errc::invalid_argument, "limit", inner->uri(),
                "the rate is " + std::to_string(options.rate) + " requests a second",
                "give a number above 0, or 0 for no limit");
  }
  return std::make_shared<LimitedStorage>(std::move(inner), options);
}

}  // namespace cnf::storage
