// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/npy.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"

namespace cnf::em {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

[[noreturn]] void refuse(Errc code, std::string_view subject, const std::string& why,
                         std::string_view remedy = {}) {
  throw Error(code, "read", subject, why, remedy);
}

// The literal of a Python dict with three known keys; no more of Python than NumPy writes.
class DictReader {
 public:
  DictReader(std::string_view text, std::string_view subject) : text_(text), subject_(subject) {}

  NpyHeader read() {
    expect('{');
    while (!take('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr") {
        type(string_or_unsupported());
      } else if (key == "fortran_order") {
        header_.fortran_order = boolean();
      } else if (key == "shape") {
        shape();
      } else {
        fail("its header has an unknown key");
      }
      if (!take(',') && peek() != '}') fail("its header is no dict");
      ++keys_;
    }
    if (keys_ != 3 || !has_type_ || !has_shape_) fail("its header lacks descr, order or shape");
    return header_;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    refuse(Errc::corrupt_data, subject_, "it is no NumPy file: " + why);
  }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(std::string("its header has no '") + c + "' where one must be");
  }
  std::string_view string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("its header has no text where one must be");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a text of its header has no end");
    const std::string_view text = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return text;
  }
  std::string_view string_or_unsupported() {
    if (peek() == '[') {
      refuse(Errc::unsupported, subject_, "its elements are records", "save one field of them");
    }
    return string();
  }
  bool boolean() {
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      skip_spaces();
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    fail("fortran_order is neither True nor False");
  }

  void type(std::string_view descr) {
    const bool has_order =
        !descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
    header_.big_endian = has_order && descr[0] == '>';
    const std::string_view code = descr.substr(has_order ? 1 : 0);
    const std::optional<DataType> type = type_of(code);
    if (!type) {
      refuse(Errc::unsupported, subject_,
             "its elements are of type '" + std::string(descr.substr(0, 20)) + "'",
             "save numbers: array.astype('float32')");
    }
    header_.type = *type;
    has_type_ = true;
  }
  static std::optional<DataType> type_of(std::string_view code) {
    if (code == "b1") return DataType::bool8;
    if (code.size() < 2) return std::nullopt;
    unsigned bytes = 0;
    const auto [end, error] = std::from_chars(code.data() + 1, code.data() + code.size(), bytes);
    if (error != std::errc() || end != code.data() + code.size() || bytes > 16) return std::nullopt;
    const std::string bits = std::to_string(bytes * 8);
    switch (code[0]) {
      case 'i':
        return data_type("int" + bits);
      case 'u':
        return data_type("uint" + bits);
      case 'f':
        return data_type("float" + bits);
      case 'c':
        return data_type("complex" + bits);
      default:
        return std::nullopt;
    }
  }

  void shape() {
    expect('(');
    while (!take(')')) {
      if (header_.shape.size() == kMaxDimensions) {
        refuse(Errc::unsupported, subject_, "it has more than eight axes");
      }
      header_.shape.push_back(count());
      if (!take(',') && peek() != ')') fail("its shape is no tuple");
    }
    has_shape_ = true;
  }
  std::uint64_t count() {
    skip_spaces();
    std::uint64_t count = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), count);
    if (error != std::errc()) fail("its shape has no numbers");
    at_ = static_cast<std::size_t>(end - text_.data());
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // of Python 2
    return count;
  }

  std::string_view text_;
  std::string_view subject_;
  std::size_t at_ = 0;
  NpyHeader header_;
  int keys_ = 0;
  bool has_type_ = false;
  bool has_shape_ = false;
};

void check_size(const NpyHeader& header, std::uint64_t file_size, std::string_view subject) {
  std::uint64_t bytes = size_of(header.type);
  bool overflows = false;
  for (const std::uint64_t count : header.shape) {
    overflows = __builtin_mul_overflow(bytes, count, &bytes) || overflows;
  }
  if (header.shape.size() == 0 || bytes == 0) {
    refuse(Errc::corrupt_data, subject, "its array has no elements");
  }
  if (!overflows && bytes <= file_size - header.data_offset) return;
  refuse(Errc::corrupt_data, subject,
         "its header tells of " + to_string(header.shape) + " elements of " +
             std::string(to_string(header.type)) + ", but only " +
             std::to_string(file_size - header.data_offset) + " bytes follow",
         "it may be cut off: fetch or copy it again");
}

}  // namespace

bool looks_like_npy(ByteSpan file) noexcept { return as_text(file).starts_with(kMagic); }

NpyHeader parse_npy_header(ByteSpan file, std::string_view subject) {
  constexpr std::size_t kFront = 12;  // magic, version, and the longer of the two lengths
  if (!looks_like_npy(file) || file.size() < kFront) {
    refuse(Errc::corrupt_data, subject, "it is no NumPy file");
  }
  const auto version = std::to_integer<unsigned>(file[kMagic.size()]);
  if (version < 1 || version > 3) {
    refuse(Errc::unsupported, subject, "its version is " + std::to_string(version));
  }
  const std::size_t width = version == 1 ? 2 : 4;
  std::uint32_t length = 0;
  std::memcpy(&length, file.data() + kMagic.size() + 2, width);
  const std::size_t begin = kMagic.size() + 2 + width;
  if (length > file.size() - begin) {
    refuse(Errc::corrupt_data, subject, "its header would end behind the file");
  }
  NpyHeader header = DictReader(as_text(file.subspan(begin, length)), subject).read();
  header.data_offset = begin + length;
  check_size(header, file.size(), subject);
  return header;
}

}  // namespace cnf::em
