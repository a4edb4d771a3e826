// SPDX-License-Identifier: Apache-2.0
// Variant files: the input as a file in memory, VCF or BCF. What is read are whole lines, with
// residuals for each or none.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "fuzz/harness.h"
#include "fuzz/memory_file.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/parse.h"
#include "cnf/formats/vcfs3/source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  using cnf::fuzz::require;
  const cnf::fuzz::MemoryFile file(cnf::fuzz::bytes_of(data, size));
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    const std::unique_ptr<cnf::vcfs3::Source> source =
        cnf::vcfs3::open_source(file.path(), {.threads = 1}, {});
    while (auto slab = source->next()) {
      const auto lines = std::ranges::count(cnf::as_text(slab->text), '\n');
      require(slab->residuals.empty() || slab->residuals.size() == static_cast<std::size_t>(lines),
              "residuals and lines differ in number");
      (void)cnf::vcfs3::parse_slab(std::move(*slab), source->header());
    }
  });
  return 0;
}
