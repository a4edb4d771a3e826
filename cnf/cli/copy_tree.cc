// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/copy_tree.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/cli/place.h"
#include "cnf/cli/same_object.h"
#include "cnf/cli/session.h"
#include "cnf/cli/transfer.h"
#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/worker/pool.h"

namespace cnf::cli {
namespace {

// Gives the memory back when the copy it was lent for has ended, however it ended.
class Loan {
 public:
  Loan(MemoryBudget& budget, std::uint64_t bytes, const Context& context)
      : budget_(budget), bytes_(bytes) {
    budget_.acquire(bytes_, context);
  }
  ~Loan() { budget_.release(bytes_); }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;

 private:
  MemoryBudget& budget_;
  const std::uint64_t bytes_;
};

}  // namespace

Route route_between(const Place& source, const Place& target, Route how) {
  how.from = source.location().storage;
  how.to = target.location().storage;
  how.within_store = how.from->identity() == how.to->identity();
  return how;
}

Usage usage_to_copy(const Route& route, std::uint64_t bytes, std::string_view source,
                    std::string_view target, const Session& session) {
  Usage usage;
  const auto requests = [&usage](RequestKind kind) -> std::uint64_t& {
    return usage.requests[static_cast<std::size_t>(kind)];
  };
  if (route.within_store) {
    requests(RequestKind::copy) = is_remote(target) ? 1 : 0;
    return usage;
  }
  if (is_remote(source)) requests(RequestKind::get) = requests_to_read(bytes);
  if (is_remote(target)) requests(RequestKind::put) = requests_to_write(bytes, session);
  usage.bytes_fetched = bytes;
  usage.bytes_sent = bytes;
  return usage;
}

Tree::Tree(const Place& source, const Place& target, std::string target_key, const Route& how)
    : source_(source),
      route_(route_between(source, target, how)),
      target_key_(std::move(target_key)) {}

void Tree::refuse_itself() const {
  std::string from = source_.location().storage->uri(source_.location().key);
  std::string to = target_uri();
  for (std::string* uri : {&from, &to}) {
    if (!uri->ends_with('/')) *uri += '/';
  }
  if (to.starts_with(from)) {
    throw Error(Errc::invalid_argument, "copy", source_.uri(),
                "the target is the source or lies in it", "copy it to another place");
  }
}

void Tree::refuse_existing(const Context& context) const {
  const std::string prefix = target_key_.empty() ? "" : target_key_ + "/";
  const storage::ListPage page =
      route_.to->list_page({.prefix = prefix, .delimiter = "/"}, {}, context);
  if (page.objects.empty() && page.prefixes.empty()) return;
  throw Error(Errc::already_exists, "copy to", target_uri(), "objects lie below it",
              "--overwrite replaces those of the same name");
}

// Both lists are in the order of keys, so they are read side by side.
void Tree::for_each(const Context& context, const std::function<void(Pair)>& visit) const {
  const std::string prefix = target_key_.empty() ? "" : target_key_ + "/";
  std::optional<storage::Listing> targets;
  std::optional<storage::FileInfo> target;
  if (route_.resume != Route::Resume::no) {
    targets = route_.to->list({.prefix = prefix}, context);
    target = targets->next();
  }
  for (const storage::FileInfo& info : source_.folder()->list({}, context)) {
    const std::string key = prefix + info.key;
    while (target && target->key < key) target = targets->next();
    Pair pair{info, std::nullopt};
    if (target && target->key == key) pair.existing = target;
    visit(std::move(pair));
  }
}

Usage Tree::estimate(std::string_view source, std::string_view target, CopyTotals& totals,
                     Session& session) const {
  Usage sum;
  for_each(session.context(), [&](const Pair& pair) {
    const storage::FileInfo& info = pair.source;
    ++totals.objects;
    totals.bytes += info.size;
    if (pair.existing && is_copy_by_lists(route_, info, *pair.existing)
                             .value_or(pair.existing->modified > info.modified)) {
      ++totals.kept;
      return;
    }
    const Usage one = usage_to_copy(route_, info.size, source, target, session);
    for (std::size_t kind = 0; kind < kRequestKinds; ++kind) {
      sum.requests[kind] += one.requests[kind];
    }
    sum.bytes_fetched += one.bytes_fetched;
    sum.bytes_sent += one.bytes_sent;
  });
  return sum;
}

CopyTotals Tree::copy(Session& session) const {
  CopyTotals totals;
  std::atomic<std::uint64_t> kept{0};
  const auto progress = session.progress();
  MemoryBudget budget(session.options().memory);
  const std::string& from = source_.location().key;
  const auto copy_one = [&](Pair pair) {
    const std::string below = pair.source.key;
    pair.source.key = storage::join_key(from, below);
    const Copied copied = copy_object(route_, pair.source, storage::join_key(target_key_, below),
                                      pair.existing, session, *progress);
    if (copied == Copied::was_there) ++kept;
  };

  std::vector<Pair> manifests;
  worker::Pool pool(session.transfers(), session.context());
  for_each(session.context(), [&](Pair pair) {
    const std::uint64_t size = pair.source.size;
    ++totals.objects;
    totals.bytes += size;
    progress->set_total(totals.bytes);
    if (is_manifest(pair.source.key)) {
      manifests.push_back(std::move(pair));
      return;
    }
    auto loan = std::make_shared<Loan>(budget, copy_memory(size, session), session.context());
    pool.submit([&copy_one, pair = std::move(pair), loan = std::move(loan)]() mutable {
      const auto held = std::move(loan);
      copy_one(std::move(pair));
    });
  });
  pool.wait();
  for (Pair& manifest : manifests) copy_one(std::move(manifest));
  totals.kept = kept;
  return totals;
}

}  // namespace cnf::cli
