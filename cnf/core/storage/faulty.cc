// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/faulty.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/retry.h"

namespace cnf::storage {
namespace {

// Counts calls and says what happens at each. Shared with writers, which may outlive the store.
class Faults {
 public:
  enum class Verdict : std::uint8_t { pass, fail, spoil };

  explicit Faults(const FaultPlan& plan) : plan_(plan) {}

  // Counts one call; a delay is slept here.
  [[nodiscard]] Verdict meet(std::string_view doing, const std::string& uri,
                             const Context& context) {
    const std::uint64_t call = ++*calls_;
    const bool ever_after = plan_.persistence == FaultPlan::Persistence::ever_after;
    if (call < plan_.nth || (call > plan_.nth && !ever_after)) return Verdict::pass;
    if (plan_.kind == FaultPlan::Kind::fail) return Verdict::fail;
    if (plan_.kind != FaultPlan::Kind::delay) return Verdict::spoil;
    Clock::system().sleep_until(std::min(Context::Clock::now() + plan_.delay, context.deadline()),
                                context.stop());
    context.check(doing, uri);
    return Verdict::pass;
  }

  // For calls that read no bytes, of which there is nothing to spoil.
  void check(std::string_view doing, const std::string& uri, const Context& context) {
    if (meet(doing, uri, context) == Verdict::fail) fail(doing, uri);
  }

  // For calls that change the store: the fault may lie before or behind what they do.
  template <typename Change>
  auto change(std::string_view doing, const std::string& uri, const Context& context,
              const Change& apply) {
    const Verdict verdict = meet(doing, uri, context);
    if (verdict == Verdict::fail) {
      if (plan_.seed % 2 == 1) apply();
      fail(doing, uri);
    }
    return apply();
  }

  [[noreturn]] void fail(std::string_view doing, const std::string& uri) const {
    throw Error(plan_.code, doing, uri, "a fault that was planned");
  }

  // Throws for truncate, flips one bit for corrupt. `pieces` are what was read.
  void spoil(std::span<const Transfer::Piece> pieces, const std::string& uri) const {
    std::uint64_t size = 0;
    for (const Transfer::Piece& piece : pieces) size += piece.into.size();
    if (size == 0) return;
    const std::uint64_t at = std::mt19937_64(plan_.seed)() % (8 * size);
    if (plan_.kind == FaultPlan::Kind::truncate) {
      throw Error(Errc::corrupt_data, "read", uri,
                  "the answer ends after " + std::to_string(at / 8) + " of " +
                      std::to_string(size) + " bytes (a fault that was planned)");
    }
    std::uint64_t begin = 0;
    for (const Transfer::Piece& piece : pieces) {
      if (at / 8 < begin + piece.into.size()) {
        piece.into[at / 8 - begin] ^= std::byte{1} << static_cast<int>(at % 8);
        return;
      }
      begin += piece.into.size();
    }
  }

  [[nodiscard]] std::shared_ptr<const std::atomic<std::uint64_t>> calls() const { return calls_; }

 private:
  FaultPlan plan_;
  std::shared_ptr<std::atomic<std::uint64_t>> calls_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);
};

class FaultyWriter final : public Writer {
 public:
  FaultyWriter(std::unique_ptr<Writer> inner, std::shared_ptr<Faults> faults, std::string uri,
               Context context)
      : inner_(std::move(inner)),
        faults_(std::move(faults)),
        uri_(std::move(uri)),
        context_(std::move(context)) {}

  void write(ByteSpan bytes) override {
    faults_->check("write", uri_, context_);
    inner_->write(bytes);
  }
  FileInfo commit() override {
    return faults_->change("commit", uri_, context_, [&] { return inner_->commit(); });
  }
  void abort() noexcept override { inner_->abort(); }

 private:
  std::unique_ptr<Writer> inner_;
  std::shared_ptr<Faults> faults_;
  std::string uri_;
  Context context_;
};

class FaultyStorage final : public StorageWrapper {
 public:
  FaultyStorage(std::shared_ptr<Storage> inner, std::shared_ptr<Faults> faults)
      : StorageWrapper(std::move(inner)), faults_(std::move(faults)) {}

 private:
  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override;

  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override {
    const std::string uri = do_uri(key);
    const Faults::Verdict verdict = faults_->meet("read", uri, context);
    if (verdict == Faults::Verdict::fail) faults_->fail("read", uri);
    Object object = StorageWrapper::do_read(key, tail, limit, context);
    const Transfer::Piece all{0, object.bytes.span()};
    if (verdict == Faults::Verdict::spoil) faults_->spoil(std::span(&all, 1), uri);
    return object;
  }

  [[nodiscard]] std::unique_ptr<Writer> do_create(std::string_view key, const WriteOptions& options,
                                                  const Context& context) override {
    return std::make_unique<FaultyWriter>(StorageWrapper::do_create(key, options, context), faults_,
                                          do_uri(key), context);
  }

  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override {
    faults_->check("list", do_uri(options.prefix), context);
    return StorageWrapper::do_list_page(options, token, context);
  }

  void do_remove(std::span<const std::string> keys, const Context& context) override {
    faults_->change("remove", do_uri(keys.front()), context,
                    [&] { StorageWrapper::do_remove(keys, context); });
  }

  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override {
    faults_->check("stat", do_uri(key), context);
    return StorageWrapper::do_stat(key, context);
  }

  FileInfo do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                   const Context& context) override {
    return faults_->change("copy", do_uri(from), context,
                           [&] { return StorageWrapper::do_copy(from, to, options, context); });
  }

  [[nodiscard]] std::vector<UnfinishedUpload> do_uploads(std::string_view prefix,
                                                         const Context& context) const override {
    faults_->check("list the uploads of", do_uri(prefix), context);
    return StorageWrapper::do_uploads(prefix, context);
  }

  void do_abort_uploads(std::span<const UnfinishedUpload> uploads,
                        const Context& context) override {
    faults_->change("abort", do_uri(uploads.front().key), context,
                    [&] { StorageWrapper::do_abort_uploads(uploads, context); });
  }

  std::shared_ptr<Faults> faults_;
};

void FaultyStorage::do_fetch(std::span<const Transfer> transfers, const Context& context,
                             const TransferDone& done) const {
  struct Sent {
    std::size_t index = 0;
    bool spoilt = false;
  };
  std::vector<Sent> sent;
  std::vector<Transfer> passed;
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    const std::string uri = do_uri(transfers[i].key);
    try {
      const Faults::Verdict verdict = faults_->meet("read", uri, context);
      if (verdict == Faults::Verdict::fail) faults_->fail("read", uri);
      sent.push_back({i, verdict == Faults::Verdict::spoil});
      passed.push_back(transfers[i]);
    } catch (const Error& error) {
      done(i, &error);
    }
  }
  StorageWrapper::do_fetch(passed, context, [&](std::size_t i, const Error* error) {
    const Sent& which = sent[i];
    if (error != nullptr || !which.spoilt) return done(which.index, error);
    try {
      faults_->spoil(passed[i].pieces, do_uri(passed[i].key));
    } catch (const Error& short_body) {
      return done(which.index, &short_body);
    }
    done(which.index, nullptr);
  });
}

}  // namespace

Faulty make_faulty(std::shared_ptr<Storage> inner, const FaultPlan& plan) {
  auto faults = std::make_shared<Faults>(plan);
  auto calls = faults->calls();
  return {std::make_shared<FaultyStorage>(std::move(inner), std::move(faults)), std::move(calls)};
}

}  // namespace cnf::storage
