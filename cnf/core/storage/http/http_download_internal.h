// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// "bytes 10-19/100" or "bytes */100" of a Content-Range header.
struct ContentRange {
  std::optional<std::uint64_t> first;  ///< nullopt: "*", the range could not be met.
  std::uint64_t last = 0;              ///< The last byte's own offset.
  std::optional<std::uint64_t> total;  ///< nullopt: "*", not known.
};
/// nullopt for anything that is not a well-formed byte range with first <= last < total.
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view value);

/// The ETag that all parts of one read must carry; the first answer sets it if nobody did.
/// Without quotes. Shared by the sinks of one engine, so its thread is the only one to touch it.
using EtagPin = std::shared_ptr<std::string>;

/// Takes bytes of one object and checks that they are the ones that were asked for: status,
/// Content-Range, length and ETag before a byte is used, the count at the end. A body that breaks
/// off goes on where it ended, under the same ETag.
class DownloadSink : public HttpSink {
 public:
  ~DownloadSink() override { release(); }
  DownloadSink& operator=(const DownloadSink&) = delete;
  void prepare(HttpRequest& request) final;
  void begin(const HttpResponse& head) final;
  void write(ByteSpan bytes) final;
  void end() final;
  [[nodiscard]] std::uint64_t kept() const noexcept final { return position_; }
  void lost() noexcept final { release(); }

 protected:
  DownloadSink(std::string doing, std::string subject, EtagPin pin)
      : doing_(std::move(doing)), subject_(std::move(subject)), pin_(std::move(pin)) {}

  [[noreturn]] void refuse(Errc code, std::string_view why, std::string_view remedy = {}) const;
  void unpin() noexcept { pin_->clear(); }
  /// Twins are copies: they go on where this one is.
  DownloadSink(const DownloadSink&) = default;
  /// False if a twin's bytes could be those of another version than what this one has.
  [[nodiscard]] bool prepare_twin();

 private:
  /// The first request's Range header; empty for the whole object.
  [[nodiscard]] virtual std::string first_range() const = 0;
  /// Reads the first good head: the object's bytes [first, second) are coming.
  [[nodiscard]] virtual std::pair<std::uint64_t, std::optional<std::uint64_t>> expect(
      const HttpResponse& head) = 0;
  virtual void store(ByteSpan bytes) = 0;
  /// Forgets what was stored: it comes anew.
  virtual void restart() = 0;

  void check_etag(const HttpResponse& head);
  void claim(const HttpResponse& head);
  void release() noexcept;
  void check_resumed(const HttpResponse& head) const;

  std::string doing_;
  std::string subject_;
  EtagPin pin_;
  /// Which of the twins alone may write, as no strong ETag tells that both bring the same bytes.
  std::shared_ptr<const DownloadSink*> claim_;
  bool begun_ = false;
  std::string etag_;                   // of the answer that begun
  std::uint64_t start_ = 0;            // in the object, once begun
  std::optional<std::uint64_t> stop_;  // one past the last; nullopt: not told
  std::uint64_t position_ = 0;         // bytes stored
};

/// A range of a known length, scattered into the caller's pieces; bytes between them are dropped.
class RangeSink final : public DownloadSink {
 public:
  /// What to do with a server that ignores ranges and sends the whole object.
  enum class Whole : std::uint8_t {
    refuse,
    accept_small,  ///< Up to kSmallWhole bytes are read, and what is not wanted is dropped.
  };
  static constexpr std::uint64_t kSmallWhole = std::uint64_t{16} << 20;

  RangeSink(std::string subject, std::uint64_t offset, std::uint64_t length,
            std::span<const Transfer::Piece> pieces, EtagPin pin, Whole whole = Whole::refuse);
  [[nodiscard]] std::unique_ptr<HttpSink> twin() override;

 private:
  [[nodiscard]] std::string first_range() const override;
  [[nodiscard]] std::pair<std::uint64_t, std::optional<std::uint64_t>> expect(
      const HttpResponse& head) override;
  [[nodiscard]] std::uint64_t expect_whole(const HttpResponse& head) const;
  void store(ByteSpan bytes) override;
  void restart() override;

  std::uint64_t offset_;
  std::uint64_t length_;
  std::span<const Transfer::Piece> pieces_;
  Whole whole_;
  std::uint64_t before_ = 0;  // bytes yet to drop that lie before the range
  std::size_t piece_ = 0;
  std::uint64_t in_piece_ = 0;  // bytes of the piece's skip and memory that are done
};

/// A whole object, or its last bytes, into a buffer; refused if it has over `limit` bytes.
class ObjectSink final : public DownloadSink {
 public:
  /// \param into  its bytes and info.size are set; must outlive the call.
  /// \param tail  nullopt for the whole object; more than 0.
  ObjectSink(std::string subject, std::optional<std::uint64_t> tail, std::uint64_t limit,
             Object& into);

 private:
  [[nodiscard]] std::string first_range() const override;
  [[nodiscard]] std::pair<std::uint64_t, std::optional<std::uint64_t>> expect(
      const HttpResponse& head) override;
  void store(ByteSpan bytes) override;
  void restart() override;

  std::optional<std::uint64_t> tail_;
  std::uint64_t limit_;
  Object& into_;
};

}  // namespace cnf::storage
