// SPDX-License-Identifier: Apache-2.0
// Saved trees. The first byte says what the rest is: an even one a whole saved tree of either kind,
// an odd one the content of a page as it stands after its checksum was right, for no fuzzer guesses
// a CRC32C.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "cnf/core/index/btree_internal.h"
#include "cnf/core/index/interval_internal.h"
#include "cnf/core/index/page_content_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace {

using cnf::index::BTreeTraits;
using cnf::index::IntervalTraits;

template <typename Traits>
void read_tree(cnf::ByteSpan saved, const typename Traits::Query& query) {
  const cnf::index::Tree<Traits> tree(
      cnf::index::memory_pages(cnf::Buffer::copy_of(saved), "input"), saved);
  std::uint64_t rows = 0;
  tree.for_each([&](const auto&) { ++rows; }, {});
  if (rows != tree.rows() || tree.find(query, {}).size() > rows) std::abort();
}

template <typename Traits>
void read_page(cnf::ByteSpan content, std::uint8_t choice) {
  cnf::Buffer stored(1);
  stored.span()[0] = std::byte{0};  // coding: the content follows as it is
  stored.append(content);
  const std::size_t columns = choice / 16U;
  const cnf::index::TreeShape shape{
      .kind = Traits::Codec::kKind, .columns = columns, .summed = columns / 2};
  (void)cnf::index::decode_page<Traits>(stored, shape, std::uint64_t{1} << 40, "input");
}

template <typename Call>
void expect_no_harm(const Call& call) {
  try {
    call();
  } catch (const cnf::Error& error) {
    if (error.code() != cnf::Errc::corrupt_data && error.code() != cnf::Errc::unsupported) {
      std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  const cnf::ByteSpan rest = std::as_bytes(std::span(data, size)).subspan(1);
  if (choice % 2 == 0) {
    expect_no_harm([&] { read_tree<IntervalTraits>(rest, {{0, 100, 200}, {1, 0, 50}}); });
    expect_no_harm([&] { read_tree<BTreeTraits>(rest, {{.first = "a", .last = "n"}}); });
  } else {
    expect_no_harm([&] { read_page<IntervalTraits>(rest, choice); });
    expect_no_harm([&] { read_page<BTreeTraits>(rest, choice); });
  }
  return 0;
}
