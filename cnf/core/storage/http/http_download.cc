// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "cnf/core/storage/http/http_download_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// Memory taken on the word of a Content-Length; a longer body takes more as it comes.
constexpr std::uint64_t kMostTrusted = std::uint64_t{64} << 20;

bool take_number(std::string_view& text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::optional<std::uint64_t> content_length(const HttpResponse& head) {
  auto text = head.header("content-length");
  std::uint64_t length = 0;
  if (!text || !take_number(*text, length) || !text->empty()) return std::nullopt;
  return length;
}

// Some stores (rclone serve s3) send the range with a Content-Range, and say 200: what was sent is
// what counts, and it is held to as much as under a 206.
bool is_partial(const HttpResponse& head) {
  return head.status == 206 || (head.status == 200 && head.header("content-range"));
}

// Only such an ETag promises the same bytes.
bool is_strong(std::string_view etag) { return !etag.empty() && !etag.starts_with("W/"); }

std::string range_text(std::uint64_t start, std::uint64_t stop) {
  return "bytes=" + std::to_string(start) + "-" + std::to_string(stop - 1);
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view value) {
  constexpr std::string_view kUnit = "bytes ";
  if (!value.starts_with(kUnit)) return std::nullopt;
  value.remove_prefix(kUnit.size());
  ContentRange out;
  if (value.starts_with('*')) {
    value.remove_prefix(1);
  } else {
    std::uint64_t first = 0;
    if (!take_number(value, first) || !value.starts_with('-')) return std::nullopt;
    value.remove_prefix(1);
    if (!take_number(value, out.last) || out.last < first) return std::nullopt;
    out.first = first;
  }
  if (!value.starts_with('/')) return std::nullopt;
  value.remove_prefix(1);
  if (value == "*") return out.first ? std::optional(out) : std::nullopt;
  std::uint64_t total = 0;
  if (!take_number(value, total) || !value.empty()) return std::nullopt;
  if (out.first && out.last >= total) return std::nullopt;
  out.total = total;
  return out;
}

void DownloadSink::refuse(Errc code, std::string_view why, std::string_view remedy) const {
  throw Error(code, doing_, subject_, why, remedy);
}

void DownloadSink::prepare(HttpRequest& request) {
  release();
  const bool resumable = begun_ && stop_ && is_strong(etag_) && etag_ == *pin_;
  if (!resumable || position_ == 0) {
    begun_ = false;
    position_ = 0;
    restart();
    if (auto range = first_range(); !range.empty()) request.headers.emplace_back("Range", range);
  } else {
    request.headers.emplace_back("Range", range_text(start_ + position_, *stop_));
  }
  if (is_strong(*pin_)) {
    request.headers.emplace_back("If-Match", quote_etag(*pin_));
  }
}

bool DownloadSink::prepare_twin() {
  if (begun_ && !is_strong(etag_)) return false;
  if (!claim_) claim_ = std::make_shared<const DownloadSink*>(nullptr);
  return true;
}

void DownloadSink::claim(const HttpResponse& head) {
  if (!claim_) return;
  if (*claim_ != nullptr && *claim_ != this) {
    refuse(Errc::corrupt_data, "two answers without a strong ETag may be two versions");
  }
  if (!is_strong(unquote_etag(head.header("etag").value_or("")))) *claim_ = this;
}

void DownloadSink::release() noexcept {
  if (claim_ && *claim_ == this) *claim_ = nullptr;
}

void DownloadSink::check_etag(const HttpResponse& head) {
  const auto etag = unquote_etag(head.header("etag").value_or(""));
  if (pin_->empty()) {
    *pin_ = etag;
  } else if (etag != *pin_) {
    refuse(Errc::corrupt_data, "the object changed while it was read", "read it again");
  }
}

void DownloadSink::check_resumed(const HttpResponse& head) const {
  const auto range = parse_content_range(head.header("content-range").value_or(""));
  if (!is_partial(head) || !range || range->first != start_ + position_ ||
      range->last + 1 != *stop_) {
    refuse(Errc::corrupt_data, "the store did not go on where the first answer broke off",
           "read it again");
  }
}

void DownloadSink::begin(const HttpResponse& head) {
  claim(head);
  check_etag(head);
  if (begun_) {
    check_resumed(head);
  } else {
    std::tie(start_, stop_) = expect(head);
    begun_ = true;
    etag_ = unquote_etag(head.header("etag").value_or(""));
  }
  const auto length = content_length(head);
  if (stop_ && length && *length != *stop_ - start_ - position_) {
    refuse(Errc::corrupt_data, "Content-Length and Content-Range contradict each other");
  }
}

void DownloadSink::write(ByteSpan bytes) {
  if (stop_ && bytes.size() > *stop_ - start_ - position_) {
    refuse(Errc::corrupt_data, "the answer is longer than its range");
  }
  store(bytes);
  position_ += bytes.size();
}

void DownloadSink::end() {
  if (!begun_ || !stop_ || position_ == *stop_ - start_) return;
  refuse(Errc::corrupt_data, "the answer ended after " + std::to_string(position_) + " of " +
                                 std::to_string(*stop_ - start_) + " bytes");
}

RangeSink::RangeSink(std::string subject, std::uint64_t offset, std::uint64_t length,
                     std::span<const Transfer::Piece> pieces, EtagPin pin, Whole whole)
    : DownloadSink("read", std::move(subject), std::move(pin)),
      offset_(offset),
      length_(length),
      pieces_(pieces),
      whole_(whole) {}

std::unique_ptr<HttpSink> RangeSink::twin() {
  return prepare_twin() ? std::make_unique<RangeSink>(*this) : nullptr;
}

std::string RangeSink::first_range() const { return range_text(offset_, offset_ + length_); }

std::pair<std::uint64_t, std::optional<std::uint64_t>> RangeSink::expect(const HttpResponse& head) {
  if (!is_partial(head)) {
    const std::uint64_t length = expect_whole(head);
    before_ = offset_;
    return {0, length};
  }
  const auto range = parse_content_range(head.header("content-range").value_or(""));
  if (!range || range->first != offset_) {
    refuse(Errc::corrupt_data, "the answer's Content-Range is missing or not the one asked for");
  }
  const auto last = offset_ + length_ - 1;
  if (range->last < last && range->total == range->last + 1) {
    refuse(Errc::corrupt_data, "the object ends at byte " + std::to_string(*range->total) +
                                   ", before the range that was asked for");
  }
  if (range->last != last) {
    refuse(Errc::corrupt_data, "the answer's Content-Range is not the one asked for");
  }
  return {offset_, offset_ + length_};
}

// The length of an object that comes whole, where a range was asked for.
std::uint64_t RangeSink::expect_whole(const HttpResponse& head) const {
  const std::optional<std::uint64_t> length = content_length(head);
  if (whole_ == Whole::refuse || !length || *length > kSmallWhole) {
    refuse(Errc::unsupported, "asked for a range, the server sent the whole object",
           "use a store that serves ranges");
  }
  if (*length < offset_ + length_) {
    refuse(Errc::corrupt_data, "the object ends at byte " + std::to_string(*length) +
                                   ", before the range that was asked for");
  }
  return *length;
}

void RangeSink::store(ByteSpan bytes) {
  const auto dropped = std::min<std::uint64_t>(before_, bytes.size());
  before_ -= dropped;
  bytes = bytes.subspan(dropped);
  while (!bytes.empty() && piece_ < pieces_.size()) {
    const auto& piece = pieces_[piece_];
    std::uint64_t now = 0;
    if (in_piece_ < piece.skip) {
      now = std::min<std::uint64_t>(bytes.size(), piece.skip - in_piece_);
    } else {
      const auto at = in_piece_ - piece.skip;
      now = std::min<std::uint64_t>(bytes.size(), piece.into.size() - at);
      if (now != 0) std::memcpy(piece.into.data() + at, bytes.data(), now);
    }
    bytes = bytes.subspan(now);
    in_piece_ += now;
    if (in_piece_ == piece.skip + piece.into.size()) {
      ++piece_;
      in_piece_ = 0;
    }
  }
}

void RangeSink::restart() {
  before_ = 0;
  piece_ = 0;
  in_piece_ = 0;
}

ObjectSink::ObjectSink(std::string subject, std::optional<std::uint64_t> tail, std::uint64_t limit,
                       Object& into)
    : DownloadSink("read", std::move(subject), std::make_shared<std::string>()),
      tail_(tail),
      limit_(limit),
      into_(into) {}

std::string ObjectSink::first_range() const {
  return tail_ ? "bytes=-" + std::to_string(*tail_) : std::string();
}

std::pair<std::uint64_t, std::optional<std::uint64_t>> ObjectSink::expect(
    const HttpResponse& head) {
  std::uint64_t start = 0;
  std::optional<std::uint64_t> stop = content_length(head);
  if (tail_ && is_partial(head)) {
    const auto range = parse_content_range(head.header("content-range").value_or(""));
    if (!range || !range->first || !range->total || range->last + 1 != *range->total ||
        *range->first != *range->total - std::min(*tail_, *range->total)) {
      refuse(Errc::corrupt_data, "the answer's Content-Range is missing or not the one asked for");
    }
    start = *range->first;
    stop = range->total;
  } else if (head.status != 200 || (tail_ && (!stop || *stop > *tail_))) {
    // Some stores answer 200 when the tail is all of the object, as they may.
    refuse(Errc::unsupported, "the answer is not the part of the object that was asked for",
           "use a store that serves ranges");
  }
  if (!stop && !head.header("transfer-encoding")) {
    refuse(Errc::unsupported,
           "the answer does not say how long it is, so that its end is not known");
  }
  const auto coming = stop ? *stop - start : 0;
  if (coming > limit_) {
    refuse(Errc::corrupt_data, "it has " + std::to_string(coming) + " bytes, more than the " +
                                   std::to_string(limit_) + " that it may have");
  }
  into_.bytes.reserve(std::min(coming, kMostTrusted));
  into_.info.size = stop.value_or(0);
  return {start, stop};
}

// What comes now may be another version than what was lost.
void ObjectSink::restart() {
  into_.bytes.clear();
  unpin();
}

void ObjectSink::store(ByteSpan bytes) {
  if (bytes.size() > limit_ - into_.bytes.size()) {
    refuse(Errc::corrupt_data,
           "it has more than the " + std::to_string(limit_) + " bytes that it may have");
  }
  into_.bytes.append(bytes);
  into_.info.size = std::max<std::uint64_t>(into_.info.size, into_.bytes.size());
}

}  // namespace cnf::storage
