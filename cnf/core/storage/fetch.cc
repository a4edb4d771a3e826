// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/transfer_plan_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// One call of Storage::fetch: which requests wait for which transfers, and who was told.
class FetchRun {
 public:
  FetchRun(std::span<FetchRequest> requests, const FetchDone& done)
      : requests_(requests), done_(done), states_(requests.size()) {}

  // Settles what needs no transfer; the indices of what does.
  std::vector<std::size_t> admit(const Storage& store, const Context& context);

  void start(const TransferPlan& plan, Sharing sharing);
  // Called for each transfer, from any thread.
  void finish(const TransferPlan& plan, std::size_t transfer, const Error* error);
  // What the backend did not report has failed with `error`.
  void finish_rest(const TransferPlan& plan, const Error& error);

  // Requests that failed with others in one transfer, and may not be to blame.
  [[nodiscard]] std::vector<std::size_t> take_suspects() { return std::exchange(suspects_, {}); }
  void rethrow_first();

 private:
  struct State {
    std::size_t pending = 0;  // transfers it waits for
    bool suspect = false;
  };

  void note_failure(std::size_t index, const Error& error, bool shared);
  void settle(std::size_t index);

  std::span<FetchRequest> requests_;
  const FetchDone& done_;
  std::mutex mutex_;  // guards all below and calls of done_
  std::vector<State> states_;
  std::vector<char> reported_;  // of the transfers under way
  Sharing sharing_ = Sharing::together;
  std::vector<std::size_t> suspects_;
  std::exception_ptr thrown_by_done_;
};

std::vector<std::size_t> FetchRun::admit(const Storage& store, const Context& context) {
  std::vector<std::size_t> wanted;
  const std::string root = store.uri();
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    FetchRequest& request = requests_[i];
    request.error.reset();
    const std::uint64_t size = request.into.size();
    try {
      check_key("read", request.key, root);
      context.check("read", root);
      if (request.offset > std::numeric_limits<std::uint64_t>::max() - size) {
        throw Error(Errc::invalid_argument, "read", store.uri(request.key),
                    "the range ends beyond 2^64 bytes");
      }
    } catch (const Error& error) {
      request.error = error;
    }
    context.accounting().add_wanted(size);
    if (size > 0 && !request.error) {
      wanted.push_back(i);
    } else {
      settle(i);
    }
  }
  return wanted;
}

void FetchRun::start(const TransferPlan& plan, Sharing sharing) {
  sharing_ = sharing;
  reported_.assign(plan.transfers.size(), 0);
  for (const TransferPlan::Share& share : plan.shares) {
    for (const std::size_t index : share.requests) ++states_[index].pending;
  }
}

void FetchRun::finish(const TransferPlan& plan, std::size_t transfer, const Error* error) {
  const TransferPlan::Share& share = plan.shares[transfer];
  // Copies come before anybody is told: an owner's buffer is the caller's again after that.
  if (error == nullptr) {
    for (const TransferPlan::Copy& copy : share.copies) std::memmove(copy.to, copy.from, copy.size);
  }
  const std::lock_guard lock(mutex_);
  reported_[transfer] = 1;
  for (const std::size_t index : share.requests) {
    if (error != nullptr) note_failure(index, *error, share.requests.size() > 1);
    if (--states_[index].pending == 0) settle(index);
  }
}

void FetchRun::finish_rest(const TransferPlan& plan, const Error& error) {
  for (std::size_t i = 0; i < plan.transfers.size(); ++i) {
    if (reported_[i] == 0) finish(plan, i, &error);
  }
}

void FetchRun::note_failure(std::size_t index, const Error& error, bool shared) {
  FetchRequest& request = requests_[index];
  if (request.error) return;
  request.error = error;
  // A range past the end spoils its neighbours in the same transfer; alone they may succeed.
  states_[index].suspect =
      shared && sharing_ == Sharing::together && error.code() == Errc::corrupt_data;
}

void FetchRun::settle(std::size_t index) {
  if (std::exchange(states_[index].suspect, false)) {
    requests_[index].error.reset();
    suspects_.push_back(index);
    return;
  }
  if (!done_) return;
  try {
    done_(index);
  } catch (...) {
    if (!thrown_by_done_) thrown_by_done_ = std::current_exception();
  }
}

void FetchRun::rethrow_first() {
  if (thrown_by_done_) std::rethrow_exception(thrown_by_done_);
  for (const FetchRequest& request : requests_) {
    if (request.error) throw Error(*request.error);
  }
}

}  // namespace

void Storage::fetch(std::span<FetchRequest> requests, const Context& context, const FetchDone& done,
                    const FetchOptions& options) const {
  const ReadProfile profile = do_read_profile();
  const std::uint64_t longest =
      options.max_request != 0 ? options.max_request : profile.max_request;
  const PlanLimits limits{.gap = options.gap != 0 ? options.gap : profile.gap,
                          .max_request = std::max(longest, std::uint64_t{1}),
                          .small_gap = options.gap != 0 ? options.gap : profile.small_gap};
  FetchRun run(requests, done);
  std::vector<std::size_t> which = run.admit(*this, context);
  for (const Sharing sharing : {Sharing::together, Sharing::alone}) {
    if (which.empty()) break;
    const TransferPlan plan = plan_transfers(requests, std::move(which), limits, sharing);
    run.start(plan, sharing);
    try {
      do_fetch(plan.transfers, context,
               [&](std::size_t i, const Error* error) { run.finish(plan, i, error); });
      run.finish_rest(plan, Error(Errc::internal, "read", uri(), "a transfer was not reported"));
    } catch (const Error& error) {
      run.finish_rest(plan, error);
    }
    which = run.take_suspects();
  }
  run.rethrow_first();
}

}  // namespace cnf::storage
