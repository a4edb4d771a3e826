// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/error.h"

namespace cnf::testing::contract {

using Store = std::shared_ptr<storage::Storage>;

/// One promise, checked on an empty store.
struct Check {
  std::string_view name;
  void (*run)(const Store& store);
};

[[nodiscard]] std::vector<Check> read_checks();
[[nodiscard]] std::vector<Check> fetch_checks();
[[nodiscard]] std::vector<Check> write_checks();
[[nodiscard]] std::vector<Check> list_checks();

/// Bytes that tell where they come from: each seed gives others, and no run repeats soon.
[[nodiscard]] Buffer pattern(std::size_t size, std::uint64_t seed = 1);
/// True if equal; unlike EXPECT_EQ of the texts it prints no megabytes.
[[nodiscard]] ::testing::AssertionResult same_bytes(ByteSpan got, ByteSpan want);
/// The whole object.
[[nodiscard]] Buffer read(const Store& store, std::string_view key);
[[nodiscard]] std::vector<std::string> keys_of(storage::Listing listing);
[[nodiscard]] std::vector<std::string> keys_of(const Store& store);
/// Calls work(0) … work(count - 1), each on a thread of its own, all let go at once; rethrows the
/// first of what they throw. They throw what is wrong, for traces do not reach into threads.
void race(std::size_t count, const std::function<void(std::size_t)>& work);

/// Passes if `call` throws an Error with this code.
template <typename Call>
[[nodiscard]] ::testing::AssertionResult throws(Errc code, const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    if (error.code() == code) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "threw " << to_string(error.code()) << " instead of "
                                         << to_string(code) << ": " << error.what();
  }
  return ::testing::AssertionFailure() << "threw nothing instead of " << to_string(code);
}

}  // namespace cnf::testing::contract
