// SPDX-License-Identifier: Apache-2.0
// TIFF and EER files. What can be opened has a shape; its first rows, read twice, are the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/eer_internal.h"
#include "cnf/em/input_file.h"
#include "cnf/em/source.h"
#include "cnf/em/tiff_internal.h"

namespace {

std::unique_ptr<cnf::em::Source> open(cnf::ByteSpan bytes) {
  cnf::em::InputFile file(cnf::Buffer::copy_of(bytes), "input");
  const bool events = cnf::em::is_eer(file);
  return events ? cnf::em::open_eer(std::move(file), {.eer = {.frames = 2}})
                : cnf::em::open_tiff(std::move(file), {});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  const auto codes = {Errc::corrupt_data, Errc::unsupported, Errc::invalid_argument,
                      Errc::out_of_space};
  cnf::fuzz::returns(codes, [&] {
    const auto source = open(cnf::fuzz::bytes_of(data, size));
    const cnf::em::SourceInfo& info = source->info();
    cnf::Box box = cnf::Box::of(info.shape);
    cnf::fuzz::require(!box.empty(), "an empty image");
    box.end = {1, std::min<std::uint64_t>(info.shape[1], 4),
               std::min<std::uint64_t>(info.shape[2], 64)};
    std::vector<std::byte> first(box.shape().elements() * cnf::size_of(info.type));
    std::vector<std::byte> again(first.size());
    source->read(box, first, {});
    source->read(box, again, {});
    cnf::fuzz::require(first == again, "the same rows differ");
    static_cast<void>(info.fields.dump());  // throws unless all text is UTF-8
  });
  return 0;
}
