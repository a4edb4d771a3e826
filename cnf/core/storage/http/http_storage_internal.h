// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/http/http_download_internal.h"
#include "cnf/core/storage/http/http_read_internal.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

/// What every store of objects over HTTP answers alike: its names, what it costs, and reads. A
/// Client has, beside what http_read_internal.h wants, identity(), read_profile() and prices().
template <typename Client>
class StorageOverHttp : public Storage {
 protected:
  explicit StorageOverHttp(std::shared_ptr<Client> client) : client_(std::move(client)) {}

  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override {
    return read_over_http(*client_, key, tail, limit, context);
  }
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override {
    return stat_over_http(*client_, key, context);
  }

  const std::shared_ptr<Client> client_;

 private:
  [[nodiscard]] std::string do_uri(std::string_view key) const final { return client_->uri(key); }
  [[nodiscard]] std::string do_identity() const final { return client_->identity(); }
  [[nodiscard]] ReadProfile do_read_profile() const final { return client_->read_profile(); }
  [[nodiscard]] const PriceTable& do_prices() const final { return client_->prices(); }
  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const final {
    fetch_over_http(*client_, transfers, RangeSink::Whole::refuse, context, done);
  }
};

}  // namespace cnf::storage
