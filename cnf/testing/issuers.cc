// SPDX-License-Identifier: Apache-2.0
#include "cnf/testing/issuers.h"

#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cnf/testing/http_server.h"
#include "cnf/testing/issuers_internal.h"

namespace cnf::testing {

std::string time_after(std::chrono::seconds life) {
  const auto when = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + life);
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  std::string out(sizeof "2019-11-09T13:34:41Z", '\0');
  out.resize(std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &parts));
  return out;
}

class FakeIssuer::Impl {
 public:
  mutable std::mutex mutex;
  // Guarded by mutex:
  std::size_t issued = 0;
  std::chrono::seconds life{3'600};
  std::vector<std::string> complaints;
  Spoil spoil;

  std::unique_ptr<HttpServer> server;
};

FakeIssuer::FakeIssuer() : impl_(std::make_unique<Impl>()) {}

FakeIssuer::~FakeIssuer() = default;

void FakeIssuer::start() {
  impl_->server = std::make_unique<HttpServer>([this](const WireRequest& request) {
    Spoil spoil;
    {
      const std::lock_guard lock(impl_->mutex);
      spoil = impl_->spoil;
    }
    auto reply = spoil ? spoil(request) : std::nullopt;
    return reply ? *std::move(reply) : answer(request);
  });
}

void FakeIssuer::stop() { impl_->server.reset(); }

std::string FakeIssuer::endpoint() const { return impl_->server->endpoint(); }

std::vector<WireRequest> FakeIssuer::requests() const { return impl_->server->requests(); }

std::size_t FakeIssuer::issued() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->issued;
}

std::vector<std::string> FakeIssuer::complaints() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->complaints;
}

void FakeIssuer::set_life(std::chrono::seconds life) {
  const std::lock_guard lock(impl_->mutex);
  impl_->life = life;
}

void FakeIssuer::spoil(Spoil spoil) {
  const std::lock_guard lock(impl_->mutex);
  impl_->spoil = std::move(spoil);
}

std::size_t FakeIssuer::issue() {
  const std::lock_guard lock(impl_->mutex);
  return ++impl_->issued;
}

std::chrono::seconds FakeIssuer::life() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->life;
}

WireReply FakeIssuer::refuse(int status, const std::string& complaint, const std::string& body) {
  const std::lock_guard lock(impl_->mutex);
  impl_->complaints.push_back(complaint);
  return {.status = status, .body = body};
}

}  // namespace cnf::testing
