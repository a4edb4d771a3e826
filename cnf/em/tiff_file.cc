// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <tiff.h>
#include <tiffio.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/em/tiff_file_internal.h"

namespace cnf::em {

namespace {

/// Directories and the tables of strips are all that libtiff allocates: data lie in the mapping.
constexpr tmsize_t kMaxAllocation = tmsize_t{128} << 20U;
constexpr std::size_t kMaxText = std::size_t{64} << 10U;

/// Of a tag that is no standard one: libtiff gives those as a count and an array. A TIFFDataType,
/// or whatever else stands in the file.
int anonymous_type(TIFF* handle, std::uint32_t tag) {
  const TIFFField* field = TIFFFindField(handle, tag, TIFF_ANY);
  const bool as_array = field != nullptr && TIFFFieldPassCount(field) != 0 &&
                        TIFFFieldReadCount(field) == TIFF_VARIABLE2;
  return as_array ? static_cast<int>(TIFFFieldDataType(field)) : TIFF_NOTYPE;
}

/// Bytes of the character that `text` begins with; 0 if they are not UTF-8 (RFC 3629, 4).
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2   ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0U) != 0x80U) return 0;
  }
  // Longer than need be, surrogates, and what lies beyond Unicode.
  const unsigned second = at(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
      (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

}  // namespace

/// What libtiff's callbacks see, and these.
struct TiffFile::Client {
  ByteSpan bytes;
  std::string subject;
  std::uint64_t position = 0;
  std::string said = {};  // the first error since it was last cleared

  static tmsize_t read(thandle_t handle, void* into, tmsize_t wanted) {
    auto& client = *static_cast<Client*>(handle);
    const std::uint64_t end = client.bytes.size();
    const std::uint64_t size =
        std::min(end - std::min(client.position, end), static_cast<std::uint64_t>(wanted));
    if (size != 0) std::memcpy(into, client.bytes.data() + client.position, size);
    client.position += size;
    return static_cast<tmsize_t>(size);
  }
  static tmsize_t refuse_write(thandle_t /*handle*/, void* /*from*/, tmsize_t /*size*/) {
    return 0;
  }
  static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    auto& client = *static_cast<Client*>(handle);
    if (whence == SEEK_SET) client.position = offset;
    if (whence == SEEK_CUR) client.position += offset;
    if (whence == SEEK_END) client.position = client.bytes.size() + offset;
    return client.position;
  }
  static int close(thandle_t /*handle*/) { return 0; }
  static toff_t size(thandle_t handle) { return static_cast<Client*>(handle)->bytes.size(); }
  static int map(thandle_t handle, void** base, toff_t* size) {
    auto& client = *static_cast<Client*>(handle);
    // libtiff's pointer is not const, but a file opened to be read is never written.
    *base = const_cast<std::byte*>(client.bytes.data());
    *size = client.bytes.size();
    return 1;
  }
  static void unmap(thandle_t /*handle*/, void* /*base*/, toff_t /*size*/) {}

  // Both return 1: told, so that no handler of the process is called.
  static int remember(TIFF* /*handle*/, void* data, const char* /*module*/, const char* format,
                      va_list arguments) {
    auto& client = *static_cast<Client*>(data);
    if (client.said.empty()) {
      std::array<char, 256> line{};
      // libtiff hands its messages over as a format and a list; nothing else takes those.
      std::vsnprintf(line.data(), line.size(), format, arguments);
      client.said = line.data();
    }
    return 1;
  }
  static int ignore(TIFF* /*handle*/, void* /*data*/, const char* /*module*/,
                    const char* /*format*/, va_list /*arguments*/) {
    return 1;
  }
};

TiffFile::TiffFile(ByteSpan bytes, std::string subject)
    : client_(std::make_unique<Client>(Client{.bytes = bytes, .subject = std::move(subject)})) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(
      TIFFOpenOptionsAlloc(), &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxAllocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), Client::remember, client_.get());
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), Client::ignore, nullptr);
  handle_ = TIFFClientOpenExt(client_->subject.c_str(), "r", client_.get(), Client::read,
                              Client::refuse_write, Client::seek, Client::close, Client::size,
                              Client::map, Client::unmap, options.get());
  if (handle_ == nullptr) fail("not a TIFF file");
}

TiffFile::~TiffFile() { TIFFClose(handle_); }

bool TiffFile::advance() {
  if (TIFFLastDirectory(handle_) != 0) return false;
  client_->said.clear();
  if (TIFFReadDirectory(handle_) == 0) fail("a directory is broken");
  return true;
}

std::uint64_t TiffFile::directory() const { return TIFFCurrentDirOffset(handle_); }

void TiffFile::go_to(std::uint64_t directory) {
  client_->said.clear();
  if (TIFFSetSubDirectory(handle_, directory) == 0) fail("a directory is broken");
}

std::uint32_t TiffFile::number(std::uint32_t tag, std::uint32_t otherwise) const {
  std::uint32_t value = 0;  // of tags of 16 bits, its low half is set
  return TIFFGetFieldDefaulted(handle_, tag, &value) != 0 ? value : otherwise;
}

std::optional<double> TiffFile::real(std::uint32_t tag) const {
  float value = 0;
  if (TIFFGetField(handle_, tag, &value) == 0) return std::nullopt;
  return value;
}

std::string TiffFile::text(std::uint32_t tag) const {
  const char* value = nullptr;
  if (TIFFGetField(handle_, tag, &value) == 0 || value == nullptr) return {};
  return to_utf8(std::string_view(value).substr(0, kMaxText));
}

std::optional<std::uint64_t> TiffFile::private_number(std::uint32_t tag) const {
  std::uint32_t count = 0;
  const void* values = nullptr;
  const int type = anonymous_type(handle_, tag);
  if (type == TIFF_NOTYPE || TIFFGetField(handle_, tag, &count, &values) == 0 ||
      values == nullptr || count == 0) {
    return std::nullopt;
  }
  if (type == TIFF_BYTE) return *static_cast<const std::uint8_t*>(values);
  if (type == TIFF_SHORT) return *static_cast<const std::uint16_t*>(values);
  if (type == TIFF_LONG) return *static_cast<const std::uint32_t*>(values);
  if (type == TIFF_LONG8) return *static_cast<const std::uint64_t*>(values);
  return std::nullopt;
}

std::string TiffFile::private_text(std::uint32_t tag) const {
  std::uint32_t count = 0;
  const char* values = nullptr;
  const int type = anonymous_type(handle_, tag);
  if (type != TIFF_ASCII && type != TIFF_UNDEFINED && type != TIFF_BYTE) return {};
  if (TIFFGetField(handle_, tag, &count, &values) == 0 || values == nullptr) return {};
  const std::string_view text(values, std::min<std::size_t>(count, kMaxText));
  return to_utf8(text.substr(0, text.find('\0')));
}

std::uint32_t TiffFile::pieces() const {
  return TIFFIsTiled(handle_) != 0 ? TIFFNumberOfTiles(handle_) : TIFFNumberOfStrips(handle_);
}

ByteSpan TiffFile::stored(std::uint32_t piece) const {
  const std::uint64_t offset = TIFFGetStrileOffset(handle_, piece);
  const std::uint64_t size = TIFFGetStrileByteCount(handle_, piece);
  const std::uint64_t end = client_->bytes.size();
  if (offset > end || size > end - offset) {
    throw Error(Errc::corrupt_data, "read", client_->subject,
                fmt::format("data at {} end at {}, the file at {}", offset, offset + size, end),
                "it seems to be cut short: fetch it again");
  }
  return client_->bytes.subspan(offset, size);
}

void TiffFile::fail(std::string_view why) const {
  throw Error(Errc::corrupt_data, "read", client_->subject,
              client_->said.empty() ? std::string(why) : to_utf8(client_->said));
}

std::unique_ptr<TiffFile> TiffPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto file = std::move(idle_.back());
      idle_.pop_back();
      return file;
    }
  }
  return std::make_unique<TiffFile>(bytes_, subject_);
}

void TiffPool::give(std::unique_ptr<TiffFile> file) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(file));
}

std::string to_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length != 0) {
      out.append(text.substr(i, length));
    } else {
      const auto byte = static_cast<unsigned char>(text[i]);
      out.push_back(static_cast<char>(0xC0U | (byte >> 6U)));
      out.push_back(static_cast<char>(0x80U | (byte & 0x3FU)));
    }
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

}  // namespace cnf::em
