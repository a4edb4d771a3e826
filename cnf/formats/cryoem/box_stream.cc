// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/box_stream.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/array.h"

namespace cnf::cryoem {
namespace {

/// How a box is cut: axes before `axis` are gone through one by one, so many elements of `axis` fit
/// into memory, and axes behind it come whole.
struct Cut {
  std::size_t axis = 0;
  std::uint64_t fits = 1;
};

Cut cut_of(const Shape& shape, std::uint64_t element, std::uint64_t memory) {
  std::uint64_t bytes = element;
  Cut cut{.axis = shape.size() - 1};
  while (cut.axis > 0 && bytes <= memory / shape[cut.axis]) bytes *= shape[cut.axis--];
  cut.fits = std::max<std::uint64_t>(memory / bytes, 1);
  return cut;
}

// Where the slab ends that begins at `begin`: with a chunk, unless a chunk is too much.
std::uint64_t end_of(std::uint64_t begin, std::uint64_t fits, std::uint64_t chunk,
                     std::uint64_t end) {
  if (fits >= end - begin) return end;
  const std::uint64_t aligned = (begin + fits) / chunk * chunk;
  return aligned > begin ? aligned : begin + fits;
}

// Moves a slab of one element along each axis before `cut` to the next place; false behind the
// last.
bool advance(Box& slab, const Box& box, std::size_t cut) {
  for (std::size_t axis = cut; axis-- > 0;) {
    const bool more = slab.end[axis] < box.end[axis];
    slab.begin[axis] = more ? slab.begin[axis] + 1 : box.begin[axis];
    slab.end[axis] = slab.begin[axis] + 1;
    if (more) return true;
  }
  return false;
}

}  // namespace

void stream_box(const zarr::Array& array, const Box& box, const std::function<void(ByteSpan)>& sink,
                const StreamOptions& options, const Context& context) {
  check_within(box, array.shape(), array.uri());
  if (box.empty()) return;
  const std::size_t element = size_of(array.metadata().type);
  const Cut cut = cut_of(box.shape(), element, options.memory);
  const std::uint64_t chunk = array.metadata().inner_chunk()[cut.axis];
  Box slab = box;
  for (std::size_t axis = 0; axis < cut.axis; ++axis) slab.end[axis] = slab.begin[axis] + 1;
  Buffer values;
  do {
    std::uint64_t begin = box.begin[cut.axis];
    while (begin < box.end[cut.axis]) {
      slab.begin[cut.axis] = begin;
      slab.end[cut.axis] = begin = end_of(begin, cut.fits, chunk, box.end[cut.axis]);
      values.resize(slab.shape().elements() * element);
      array.read(slab, values.span(), options.read, context);
      sink(values);
      if (options.progress != nullptr) options.progress->add(values.size(), 0);
    }
  } while (advance(slab, box, cut.axis));
}

}  // namespace cnf::cryoem
