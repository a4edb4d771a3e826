// SPDX-License-Identifier: Apache-2.0
// MRC files: the first byte chooses the kind that is asked for, the others are the file.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/input_file.h"
#include "cnf/em/mrc.h"
#include "cnf/em/mrc_writer.h"
#include "cnf/em/source.h"

namespace {

// What was read can be written again: the same file, however it is cut.
void copy(const cnf::em::Source& source, cnf::ByteSpan file, std::uint64_t max_bytes) {
  using cnf::fuzz::require;
  const std::vector<cnf::em::Attachment> attachments = source.attachments();
  require(cnf::em::is_copy_of(attachments, source.info()), "a copy that is of another file");
  cnf::Buffer out;
  cnf::em::MrcWriter writer(attachments, source.info(),
                            [&out](cnf::ByteSpan bytes) { out.append(bytes); });
  cnf::Buffer elements;
  for (cnf::Box box = writer.next(max_bytes); box.begin.size() != 0; box = writer.next(max_bytes)) {
    elements.resize(box.shape().elements() * cnf::size_of(source.info().type));
    source.read(box, elements.span(), {});
    writer.write(elements);
  }
  writer.finish();
  require(cnf::as_text(out) == cnf::as_text(file), "a copy that is not the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  if (size == 0) return 0;
  cnf::em::SourceOptions options;
  if (data[0] % 6 != 0) options.kind = static_cast<cnf::em::Kind>(data[0] % 6 - 1);
  const cnf::ByteSpan file = cnf::fuzz::bytes_of(data + 1, size - 1);
  cnf::fuzz::returns({Errc::corrupt_data, Errc::invalid_argument}, [&] {
    const auto source =
        cnf::em::open_mrc(cnf::em::InputFile(cnf::Buffer::copy_of(file), "x.mrc"), options);
    (void)source->info().fields.dump();
    copy(*source, file, 1 + data[0]);
    copy(*source, file, 1U << 20U);
  });
  return 0;
}
