// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/outstanding_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"

namespace cnf::storage {

/// Our own word for an upload that the store knows no longer: HttpOutcome::provider_code.
inline constexpr std::string_view kGcsUploadGone = "uploadGone";

/// What every way of making an object has in common.
class GcsCommit {
 public:
  GcsCommit(std::shared_ptr<GcsClient> client, ObjectWrite write)
      : client_(std::move(client)), write_(std::move(write)) {}

  [[nodiscard]] GcsClient& client() const noexcept { return *client_; }
  [[nodiscard]] const ObjectWrite& write() const noexcept { return write_; }

  /// Adds ifGenerationMatch. Throws Error precondition_failed for an ETag that is no generation.
  void condition(HttpRequest& request) const;
  /// What the answer means that decides the write; the store tells an object of `size` bytes with
  /// that CRC32C (base64), or it is removed again. Throws as conclude_write(), and corrupt_data.
  [[nodiscard]] FileInfo conclude(const HttpOutcome& outcome, std::uint64_t size,
                                  std::string_view crc32c) const;
  /// Throws as conclude_write() does, for an answer that refuses.
  [[nodiscard]] FileInfo conclude_refusal(const HttpOutcome& outcome) const;
  /// Takes back what the store made of the write, as far as it is still there.
  void remove(const FileInfo& written) const noexcept;

 private:
  const std::shared_ptr<GcsClient> client_;
  const ObjectWrite write_;
};

/// A CRC32C as GCS writes it.
[[nodiscard]] std::string crc32c_text(std::uint32_t crc);

/// A resumable upload: chunks go one after the other, each while the next is filled. What the store
/// did not keep of one is sent again, from where it says; nothing is left behind unless complete()
/// returned.
///
/// Memory: the chunk under way and one spare. Threads: one at a time.
class GcsUpload {
 public:
  /// Every chunk but the last has a multiple of so many bytes.
  static constexpr std::uint64_t kChunkUnit = std::uint64_t{256} << 10;

  /// Starts it. \param commit  must outlive it.
  explicit GcsUpload(const GcsCommit& commit);
  /// Cancels it, unless it was completed.
  ~GcsUpload();
  GcsUpload(const GcsUpload&) = delete;
  GcsUpload& operator=(const GcsUpload&) = delete;

  /// Sends the next chunk, when the store has all of the one before.
  /// \param skip  bytes at the beginning of `bytes` that are not the object's.
  void add(Buffer bytes, std::size_t skip);
  /// The same with the last chunk; makes the object visible.
  [[nodiscard]] FileInfo complete(Buffer bytes, std::size_t skip);
  /// An empty buffer, used before if there is one.
  [[nodiscard]] Buffer spare();

 private:
  struct GiveUp {
    std::stop_source* source;
    void operator()() const noexcept { source->request_stop(); }
  };

  void start();
  void take(Buffer bytes, std::size_t skip);
  [[nodiscard]] HttpCall chunk_call() const;
  [[nodiscard]] HttpOutcome settle();
  void settle_and_go_on();
  [[nodiscard]] bool advance(const HttpResponse& response);
  void abort() noexcept;
  [[noreturn]] void refuse(std::string_view why) const;

  const GcsCommit& commit_;
  std::stop_source cut_off_;  // ends the chunk: set by the caller's stop
  std::stop_callback<GiveUp> on_stop_;
  std::string upload_id_;
  bool completed_ = false;
  std::uint32_t crc_ = 0;
  std::optional<std::uint64_t> total_;  // the object's size, once the last chunk is there

  // The chunk under way; the engine's until its call is over.
  Buffer bytes_;
  ByteSpan rest_;             // of bytes_, that the store is not known to have
  std::uint64_t offset_ = 0;  // of rest_ in the object
  HttpOutcome outcome_;
  Buffer spare_;
  Outstanding outstanding_;  // last: it waits for the call that points here
};

/// One request if the object fits a chunk, else a GcsUpload.
class GcsWriter final : public Writer {
 public:
  GcsWriter(std::shared_ptr<GcsClient> client, ObjectWrite write);
  ~GcsWriter() override { abort(); }
  GcsWriter(const GcsWriter&) = delete;
  GcsWriter& operator=(const GcsWriter&) = delete;

  void write(ByteSpan bytes) override;
  FileInfo commit() override;
  void abort() noexcept override { upload_.reset(); }

 private:
  void begin_body();
  void flush();
  [[nodiscard]] FileInfo put();

  const GcsCommit commit_;
  const std::uint64_t chunk_size_;
  const std::string boundary_;
  // The object's bytes, behind what goes before them in a body of several parts: so that one
  // request needs no copy of them.
  Buffer buffer_;
  std::size_t head_ = 0;      // bytes of buffer_ that are not the object's
  std::size_t checksum_ = 0;  // where in them the CRC32C will stand
  std::unique_ptr<GcsUpload> upload_;
};

}  // namespace cnf::storage
