// SPDX-License-Identifier: Apache-2.0
// NumPy files.

#include <cstddef>
#include <cstdint>
#include <utility>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/input_file.h"
#include "cnf/em/npy.h"
#include "cnf/em/npy_writer.h"
#include "cnf/em/source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  using cnf::fuzz::require;
  const cnf::ByteSpan file = cnf::fuzz::bytes_of(data, size);
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported, Errc::invalid_argument}, [&] {
    const auto source = cnf::em::open_npy(cnf::em::InputFile(cnf::Buffer::copy_of(file), "x.npy"));
    const cnf::em::SourceInfo& info = source->info();
    cnf::Buffer elements(info.shape.elements() * cnf::size_of(info.type));
    source->read(cnf::Box::of(info.shape), elements.span(), {});

    // Written again in C order and little-endian, it is the same array.
    cnf::Buffer again =
        cnf::Buffer::copy_of(cnf::as_bytes(cnf::em::npy_header(info.type, info.shape)));
    again.append(elements);
    const auto same = cnf::em::open_npy(cnf::em::InputFile(std::move(again), "x.npy"));
    require(same->info().shape == info.shape && same->info().type == info.type, "another array");
    cnf::Buffer read(elements.size());
    same->read(cnf::Box::of(info.shape), read.span(), {});
    require(cnf::as_text(read) == cnf::as_text(elements), "other elements");
  });
  return 0;
}
