// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::storage::local {

/// A gap of a page is copied along; a longer one costs more than another system call.
inline constexpr ReadProfile kReadProfile{.gap = std::uint64_t{4} << 10,
                                          .max_request = std::uint64_t{8} << 20};

/// Where the object of a key lies; may throw an Error.
using PathOf = std::function<std::string(std::string_view key)>;

/// Storage::do_fetch on files. A run of transfers of one key opens its file once, so that they read
/// one version. Much to read is spread over up to `concurrency` threads, little is not.
void read_transfers(std::span<const Transfer> transfers, const PathOf& path_of,
                    unsigned concurrency, const Context& context, const TransferDone& done);

/// Storage::do_read on the file at `path`.
[[nodiscard]] Object read_object(const std::string& path, std::optional<std::uint64_t> tail,
                                 std::uint64_t limit, const Context& context);

}  // namespace cnf::storage::local
