// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/gcs/gcs_storage_internal.h"
#include "cnf/core/storage/http/http_download_internal.h"
#include "cnf/core/storage/http/http_read_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

ReadProfile GcsStorage::do_read_profile() const { return client_->read_profile(); }

void GcsStorage::do_fetch(std::span<const Transfer> transfers, const Context& context,
                          const TransferDone& done) const {
  fetch_over_http(*client_, transfers, RangeSink::Whole::refuse, context, done);
}

Object GcsStorage::do_read(std::string_view key, std::optional<std::uint64_t> tail,
                           std::uint64_t limit, const Context& context) const {
  return read_over_http(*client_, key, tail, limit, context);
}

std::optional<FileInfo> GcsStorage::do_stat(std::string_view key, const Context& context) const {
  return stat_over_http(*client_, key, context);
}

}  // namespace cnf::storage
