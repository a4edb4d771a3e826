// SPDX-License-Identifier: Apache-2.0
#include "cnf/testing/storage_contract.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <latch>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/testing/storage_contract_internal.h"

namespace cnf::testing {
namespace contract {

Buffer pattern(std::size_t size, std::uint64_t seed) {
  Buffer bytes(size);
  std::uint64_t state = seed;
  for (std::byte& byte : bytes.span()) {
    // Knuth's MMIX generator; its high bits are the good ones.
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::byte>(state >> 56U);
  }
  return bytes;
}

::testing::AssertionResult same_bytes(ByteSpan got, ByteSpan want) {
  if (got.size() != want.size()) {
    return ::testing::AssertionFailure() << got.size() << " bytes instead of " << want.size();
  }
  const auto differ = std::mismatch(got.begin(), got.end(), want.begin());
  if (differ.first == got.end()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "byte " << differ.first - got.begin() << " differs";
}

Buffer read(const Store& store, std::string_view key) {
  return store->read_all(key, std::uint64_t{1} << 30).bytes;
}

std::vector<std::string> keys_of(storage::Listing listing) {
  std::vector<std::string> keys;
  while (auto entry = listing.next()) keys.push_back(std::move(entry->key));
  return keys;
}

std::vector<std::string> keys_of(const Store& store) { return keys_of(store->list()); }

void race(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::latch start(static_cast<std::ptrdiff_t>(count));
  std::vector<std::exception_ptr> thrown(count);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      try {
        work(i);
      } catch (...) {
        thrown[i] = std::current_exception();
      }
    });
  }
  threads.clear();
  for (const std::exception_ptr& exception : thrown) {
    if (exception) std::rethrow_exception(exception);
  }
}

}  // namespace contract

void check_storage(std::string_view name, const StorageFactory& make,
                   const std::set<std::string, std::less<>>& without) {
  std::size_t left_out = 0;
  for (const auto& group : {contract::read_checks(), contract::fetch_checks(),
                            contract::write_checks(), contract::list_checks()}) {
    for (const contract::Check& check : group) {
      if (without.contains(check.name)) {
        ++left_out;
        continue;
      }
      SCOPED_TRACE(std::string(name) + ": " + std::string(check.name));
      try {
        check.run(make());
      } catch (const std::exception& error) {
        ADD_FAILURE() << "threw " << error.what();
      }
    }
  }
  EXPECT_EQ(left_out, without.size()) << "a check that is to be left out is none";
}

}  // namespace cnf::testing
