// SPDX-License-Identifier: Apache-2.0
// The one object of an array: a byte that says which codecs it has, then the object. Where all of
// it can be read, each part can, and is the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "fuzz/harness.h"
#include "fuzz/zarr_chains.h"

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/metadata.h"

namespace {

constexpr std::uint64_t kRows = 6;
constexpr std::uint64_t kColumns = 7;
constexpr std::size_t kElement = 2;

/// On which a request costs nothing, so that each part of a frame is fetched alone.
class CheapRequests final : public cnf::storage::StorageWrapper {
 public:
  explicit CheapRequests(std::shared_ptr<Storage> inner) : StorageWrapper(std::move(inner)) {}

 private:
  [[nodiscard]] cnf::storage::ReadProfile do_read_profile() const override { return {.gap = 1}; }
};

bool read(const cnf::zarr::Array& array, const cnf::Box& box, std::vector<std::byte>& out) {
  out.assign(box.shape().elements() * kElement, std::byte{});
  return cnf::fuzz::returns({cnf::Errc::corrupt_data, cnf::Errc::unsupported},
                            [&] { array.read(box, out, {.threads = 1}); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto store = cnf::storage::make_memory();
  store->put("c/0/0", cnf::fuzz::bytes_of(data, size).subspan(1));
  const cnf::zarr::ArrayMetadata metadata = cnf::fuzz::zarr_array(data[0]);
  std::vector<std::byte> all;
  if (!read({store, "", metadata}, cnf::Box::of(metadata.shape), all)) return 0;
  const cnf::zarr::Array parts(std::make_shared<CheapRequests>(store), "", metadata);
  std::vector<std::byte> part;
  for (std::uint64_t row = 0; row < kRows; ++row) {
    for (std::uint64_t column = 0; column < kColumns; column += 3) {
      const std::uint64_t end = std::min(column + 3, kColumns);
      cnf::fuzz::require(read(parts, {{row, column}, {row + 1, end}}, part),
                         "a part of what can be read cannot");
      const auto expected =
          std::span(all).subspan((row * kColumns + column) * kElement, (end - column) * kElement);
      cnf::fuzz::require(std::ranges::equal(part, expected), "a part differs from the whole");
    }
  }
  return 0;
}
