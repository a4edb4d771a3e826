// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "cnf/core/storage/limiter_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// A wait is cut into such pieces: a token that comes in years may not be added to a clock.
constexpr std::chrono::seconds kLongestWait{3'600};

}  // namespace

void TokenBucket::fill(Time now) {
  if (filled_ == Time{}) filled_ = now;
  if (now <= filled_) return;
  const std::chrono::duration<double> passed = now - filled_;
  tokens_ = std::min(burst_, tokens_ + passed.count() * rate_);
  filled_ = now;
}

bool TokenBucket::take(double count, Time now) {
  fill(now);
  if (tokens_ < count) return false;
  tokens_ -= count;
  return true;
}

TokenBucket::Time TokenBucket::ready_at(Time now) {
  fill(now);
  if (tokens_ >= 1) return now;
  const std::chrono::duration<double> wait((1 - tokens_) / rate_);
  if (wait > kLongestWait) return now + kLongestWait;
  return now + std::chrono::ceil<Context::Clock::duration>(wait);
}

Limiter::Turns Limiter::take(const Context& context, std::string_view doing, const std::string& uri,
                             Counts counts) {
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = next_ticket_++;
  waiting_.push_back(ticket);
  const bool is_next = changed_.wait_until(lock, context.stop(), context.deadline(), [&] {
    return waiting_.front() == ticket && (concurrency_ == 0 || held_ < concurrency_);
  });
  const bool admitted =
      is_next && (counts == Counts::as_work || !has_rate_ || wait_for_token(lock, context));
  std::erase(waiting_, ticket);
  if (admitted) ++held_;
  lock.unlock();
  changed_.notify_all();  // the next in line may have room, too
  if (admitted) return {*this, 1};
  context.check(doing, uri);
  throw Error(Errc::internal, doing, uri, "the wait for a turn ended early");
}

bool Limiter::wait_for_token(std::unique_lock<std::mutex>& lock, const Context& context) {
  for (;;) {
    const auto now = Context::Clock::now();
    if (context.stop().stop_requested() || now >= context.deadline()) return false;
    if (bucket_.take(1, now)) return true;
    const auto ready = bucket_.ready_at(now);
    changed_.wait_until(lock, context.stop(), std::min(ready, context.deadline()),
                        [] { return false; });
  }
}

std::unique_ptr<Limiter::Turns> Limiter::take_now(unsigned count) {
  const std::lock_guard lock(mutex_);
  if (!waiting_.empty()) return nullptr;
  if (concurrency_ != 0 && (held_ >= concurrency_ || count > concurrency_ - held_)) return nullptr;
  if (has_rate_ && !bucket_.take(count, Context::Clock::now())) return nullptr;
  held_ += count;
  return std::make_unique<Turns>(*this, count);
}

std::size_t Limiter::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

void Limiter::release(unsigned count) {
  if (count == 0) return;
  {
    const std::lock_guard lock(mutex_);
    held_ -= count;
  }
  changed_.notify_all();
}

}  // namespace cnf::storage
