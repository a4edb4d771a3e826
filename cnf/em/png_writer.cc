// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/png_writer.h"

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <png.h>
#include <pngconf.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::em {
namespace {

// One file being written. libpng is C: what fails in it comes back by longjmp, past frames that
// must hold nothing to be destroyed.
struct PngFile {
  Buffer bytes;
  bool out_of_memory = false;
};

void append(png_structp png, png_bytep data, std::size_t size) {
  auto* const file = static_cast<PngFile*>(png_get_io_ptr(png));
  try {
    file->bytes.append({reinterpret_cast<const std::byte*>(data), size});
  } catch (const std::bad_alloc&) {
    file->out_of_memory = true;
  }
}

void flush(png_structp /*png*/) {}

struct Image {
  const png_byte* rows;
  png_uint_32 width, height;
  std::size_t row_bytes;
  int bits;
};

// False if libpng gave up. No object here needs a destructor, and none changes after setjmp.
bool write_png(png_structp png, png_infop info, const Image& image) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;  // NOLINT(cert-err52-cpp): libpng's only way
  png_set_IHDR(png, info, image.width, image.height, image.bits, PNG_COLOR_TYPE_GRAY,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  if (image.bits == 16) png_set_swap(png);  // PNG is big-endian
  for (png_uint_32 row = 0; row < image.height; ++row) {
    png_write_row(png, image.rows + row * image.row_bytes);
  }
  png_write_end(png, info);
  return true;
}

}  // namespace

Buffer to_png(ByteSpan grey, std::uint64_t width, std::uint64_t height, int bits) {
  const auto refuse = [](const std::string& why) {
    throw Error(Errc::invalid_argument, "write", "PNG", why);
  };
  if (bits != 8 && bits != 16) refuse(fmt::format("{} bits a pixel; it is 8 or 16", bits));
  if (width == 0 || height == 0 || width > PNG_UINT_31_MAX || height > PNG_UINT_31_MAX) {
    refuse(fmt::format("an image of {} by {} pixels", width, height));
  }
  const std::size_t row_bytes = width * (bits == 16 ? 2 : 1);
  if (grey.size() != row_bytes * height) refuse("pixels and size disagree");

  PngFile file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  bool written = false;
  if (info != nullptr) {
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_write_fn(png, &file, append, flush);
    written = write_png(png, info,
                        {.rows = reinterpret_cast<const png_byte*>(grey.data()),
                         .width = static_cast<png_uint_32>(width),
                         .height = static_cast<png_uint_32>(height),
                         .row_bytes = row_bytes,
                         .bits = bits});
  }
  png_destroy_write_struct(&png, &info);
  if (!written || file.out_of_memory) {
    throw Error(Errc::out_of_space, "write", "PNG", "libpng gave up, for lack of memory");
  }
  return std::move(file.bytes);
}

}  // namespace cnf::em
