// SPDX-License-Identifier: Apache-2.0
// A thousand faults by a seed between our stores and real servers: what is reported as done is
// done, what is read is what was written, and what fails says so with a code that fits.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fault_proxy.h"
#include "real_stores.h"
#include "test_bytes.h"
#include <gtest/gtest.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::storage::real {
namespace {

using std::chrono::milliseconds;
using testing::FaultProxy;
using testing::WireRequest;

constexpr std::uint64_t kFaults = 1'000;
constexpr std::uint64_t kLimit = std::uint64_t{64} << 20;
constexpr std::uint64_t kPart = std::uint64_t{5} << 20;
constexpr std::size_t kKeys = 12;

std::uint64_t seed() {
  const char* const given = std::getenv("CNF_SEED");
  return given == nullptr ? 20'261'123 : std::strtoull(given, nullptr, 10);
}

// Works on a store through faults, and asks the store itself what has become of it.
class Trial {
 public:
  Trial(const Kind& kind, std::string error_in_200, std::uint64_t part_size = kPart)
      : bucket_(kind.new_bucket()),
        direct_(kind.open(bucket_, {})),
        proxy_({.upstream = kind.endpoint(),
                .seed = seed(),
                .error_in_200 = std::move(error_in_200),
                .whole = [this](const WireRequest& request) { return whole(request); }}),
        random_(seed()) {
    Route route;
    route.endpoint = proxy_.endpoint();
    route.options.max_retries = 3;
    route.options.concurrency = 4;
    route.options.part_size = part_size;
    route.options.stall_timeout = milliseconds(2'000);
    route.retry = {.base = milliseconds(1), .cap = milliseconds(4)};
    store_ = kind.open(bucket_, route);
  }

  void run() {
    using Step = void (Trial::*)();
    constexpr std::pair<unsigned, Step> kSteps[] = {
        {20, &Trial::write}, {15, &Trial::write_if_absent}, {10, &Trial::write_if_match},
        {15, &Trial::read},  {15, &Trial::read_ranges},     {8, &Trial::read_tail},
        {8, &Trial::list},   {6, &Trial::remove},           {8, &Trial::copy},
        {4, &Trial::stat},
    };
    std::vector<Step> steps;
    for (const auto& [weight, step] : kSteps) steps.insert(steps.end(), weight, step);
    while (proxy_.fault_count() < kFaults && !::testing::Test::HasFailure()) {
      ++steps_;
      (this->*steps[below(steps.size())])();
    }
    tell();
  }

 private:
  using Bytes = std::optional<std::string>;  // nullopt: no object

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }
  std::string any_key() { return "k" + std::to_string(below(kKeys)); }
  std::string any_bytes();
  [[nodiscard]] std::string whole(const WireRequest& request) const;
  [[nodiscard]] Bytes on_store(const std::string& key) const;

  // What the call threw; nullopt if it did what it says.
  std::optional<Errc> call(const std::set<Errc>& allowed, const std::function<void()>& action);
  // The same of a call that replaces an object: what is there then is the old or the new bytes.
  std::optional<Errc> change(const std::string& key, const Bytes& after, std::set<Errc> allowed,
                             const std::function<void()>& action);

  void write();
  void write_if_absent();
  void write_if_match();
  void read();
  void read_ranges();
  void read_tail();
  void list();
  void remove();
  void copy();
  void stat();
  void tell() const;

  std::string bucket_;
  std::shared_ptr<Storage> direct_;
  FaultProxy proxy_;
  std::shared_ptr<Storage> store_;
  std::mt19937_64 random_;
  std::map<std::string, Bytes> model_;
  std::uint64_t steps_ = 0;
  std::uint64_t failed_ = 0;
};

std::string Trial::any_bytes() {
  // Most are small; some are several parts.
  const std::size_t draw = below(100);
  const std::size_t size = draw < 10   ? draw
                           : draw < 98 ? 1 + below(200'000)
                                       : kPart * (1 + below(2)) + below(3);
  return pattern(size, random_());
}

std::string Trial::whole(const WireRequest& request) const {
  const std::string path = request.target.substr(0, request.target.find('?'));
  return on_store(path.substr(path.rfind('/') + 1)).value_or("");
}

Trial::Bytes Trial::on_store(const std::string& key) const {
  if (!direct_->exists(key)) return std::nullopt;
  return std::string(as_text(direct_->read_all(key, kLimit).bytes));
}

std::optional<Errc> Trial::call(const std::set<Errc>& allowed,
                                const std::function<void()>& action) {
  try {
    action();
    return std::nullopt;
  } catch (const Error& error) {
    ++failed_;
    const bool fits = error.is_transient() || allowed.contains(error.code());
    EXPECT_TRUE(fits) << "step " << steps_ << ": " << error.what();
    return error.code();
  }
}

std::optional<Errc> Trial::change(const std::string& key, const Bytes& after,
                                  std::set<Errc> allowed, const std::function<void()>& action) {
  allowed.insert(Errc::corrupt_data);  // an answer that makes no sense
  const auto thrown = call(allowed, action);
  const Bytes now = on_store(key);
  if (!thrown) {
    EXPECT_TRUE(now == after) << "step " << steps_ << ": done, but " << key << " is not so";
  } else {
    EXPECT_TRUE(now == after || now == model_[key])
        << "step " << steps_ << ": failed, and " << key << " is neither as before nor as wanted";
  }
  model_[key] = now;
  return thrown;
}

void Trial::write() {
  const auto key = any_key();
  const auto bytes = any_bytes();
  change(key, bytes, {}, [&] { store_->put(key, as_bytes(bytes)); });
}

void Trial::write_if_absent() {
  const auto key = any_key();
  const auto bytes = any_bytes();
  const bool there = model_[key].has_value();
  const auto thrown = change(key, bytes, {Errc::already_exists}, [&] {
    store_->put(key, as_bytes(bytes), {.condition = Condition::if_absent()});
  });
  EXPECT_FALSE(there && !thrown) << "step " << steps_ << ": " << key << " was there";
}

void Trial::write_if_match() {
  const auto key = any_key();
  const auto bytes = any_bytes();
  const bool right = model_[key] && below(3) != 0;
  const auto etag = right ? direct_->stat(key).etag : std::string("0123456789abcdef");
  const auto thrown = change(key, bytes, {Errc::precondition_failed}, [&] {
    store_->put(key, as_bytes(bytes), {.condition = Condition::if_match(etag)});
  });
  EXPECT_FALSE(!right && !thrown) << "step " << steps_ << ": " << key << " had another ETag";
}

void Trial::read() {
  const auto key = any_key();
  std::string got;
  const auto thrown = call({Errc::corrupt_data, Errc::not_found},
                           [&] { got = as_text(store_->read_all(key, kLimit).bytes); });
  if (thrown == Errc::not_found) {
    EXPECT_FALSE(model_[key]) << "step " << steps_;
  } else if (!thrown) {
    EXPECT_TRUE(model_[key] == got) << "step " << steps_ << ": " << key << " was read wrong";
  }
}

void Trial::read_ranges() {
  std::vector<FetchRequest> requests;
  std::vector<std::string> into(1 + below(8));
  for (auto& bytes : into) {
    const auto key = any_key();
    const std::size_t size = model_[key].value_or("absent").size();
    const std::size_t offset = below(size + 1);
    bytes.resize(below(std::min<std::size_t>(size - offset, 100'000) + 1));
    requests.push_back({key, offset, std::as_writable_bytes(std::span(bytes))});
  }
  static_cast<void>(call({Errc::corrupt_data, Errc::not_found, Errc::unsupported},
                         [&] { store_->fetch(requests); }));
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto& request = requests[i];
    if (request.error || into[i].empty()) continue;
    const auto& object = model_[request.key];
    EXPECT_TRUE(object && object->substr(request.offset, into[i].size()) == into[i])
        << "step " << steps_ << ": " << request.key << " at " << request.offset;
  }
}

void Trial::read_tail() {
  const auto key = any_key();
  const std::size_t length = 1 + below(10'000);
  Object tail;
  const auto thrown = call({Errc::corrupt_data, Errc::not_found, Errc::unsupported},
                           [&] { tail = store_->read_tail(key, length); });
  if (thrown) {
    EXPECT_FALSE(model_[key] && thrown == Errc::not_found) << "step " << steps_;
    return;
  }
  ASSERT_TRUE(model_[key]) << "step " << steps_;
  const std::string& object = *model_[key];
  EXPECT_EQ(tail.info.size, object.size()) << "step " << steps_;
  EXPECT_TRUE(as_text(tail.bytes) == object.substr(object.size() - std::min(length, object.size())))
      << "step " << steps_ << ": the tail of " << key;
}

void Trial::list() {
  std::map<std::string, std::uint64_t> got;
  const auto thrown = call({Errc::corrupt_data}, [&] {
    for (const auto& info : store_->list()) got[info.key] = info.size;
  });
  if (thrown) return;
  std::map<std::string, std::uint64_t> want;
  for (const auto& [key, bytes] : model_) {
    if (bytes) want[key] = bytes->size();
  }
  EXPECT_EQ(got, want) << "step " << steps_;
}

void Trial::remove() {
  const auto key = any_key();
  static_cast<void>(change(key, std::nullopt, {}, [&] { store_->remove(key); }));
}

void Trial::copy() {
  const auto from = any_key();
  const auto to = any_key();
  if (from == to) return;
  const Bytes source = model_[from];
  const auto thrown =
      change(to, source ? source : model_[to], {Errc::not_found}, [&] { store_->copy(from, to); });
  EXPECT_FALSE(!source && !thrown) << "step " << steps_ << ": copied what is not there";
  EXPECT_FALSE(source && thrown == Errc::not_found) << "step " << steps_;
}

void Trial::stat() {
  const auto key = any_key();
  std::optional<FileInfo> info;
  if (call({}, [&] { info = store_->try_stat(key); })) return;
  EXPECT_EQ(info.has_value(), model_[key].has_value()) << "step " << steps_;
  if (!info || !model_[key]) return;
  EXPECT_EQ(info->size, model_[key]->size()) << "step " << steps_;
}

void Trial::tell() const {
  std::cout << steps_ << " calls, " << failed_ << " failed, after";
  for (const auto& [name, count] : proxy_.faults()) std::cout << "\n  " << count << " x " << name;
  std::cout << '\n';
  EXPECT_GE(proxy_.fault_count(), kFaults);
  EXPECT_LT(failed_, steps_ / 2) << "then the faults were too many to tell anything";
}

TEST(RandomFaults, S3) {
  SCOPED_TRACE("CNF_SEED=" + std::to_string(seed()));
  Trial(kind("s3"), "<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>").run();
}

TEST(RandomFaults, Azure) {
  SCOPED_TRACE("CNF_SEED=" + std::to_string(seed()));
  Trial(kind("azure"), {}).run();
}

// Each object in one request: fake-gcs-server ends an upload when it is asked how far it came.
TEST(RandomFaults, Gcs) {
  SCOPED_TRACE("CNF_SEED=" + std::to_string(seed()));
  Trial(kind("gcs"), {}, 4 * kPart).run();
}

}  // namespace
}  // namespace cnf::storage::real
