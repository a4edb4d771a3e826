// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/outstanding_internal.h"
#include "cnf/core/storage/s3_client_internal.h"
#include "cnf/core/storage/s3_xml_internal.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// What every way of writing an object has in common: its name, type and condition, and the mark by
/// which a write is known again whose answer was lost.
class S3Commit {
 public:
  S3Commit(std::shared_ptr<S3Client> client, std::string key, const WriteOptions& options,
           Context context);

  [[nodiscard]] S3Client& client() const noexcept { return *client_; }
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] const Context& context() const noexcept { return context_; }

  /// Adds the type and the mark, to what makes the object.
  void describe(HttpRequest& request) const;
  /// Adds If-None-Match or If-Match, to what makes it visible.
  void condition(HttpRequest& request) const;
  /// What the final answer means. A refusal of a request that went out twice may be the echo of
  /// its own success: then one HEAD decides.
  /// Throws already_exists, precondition_failed, or the outcome's error.
  [[nodiscard]] FileInfo conclude(const HttpOutcome& outcome, std::uint64_t size) const;

 private:
  [[nodiscard]] std::optional<FileInfo> find_own() const;

  std::shared_ptr<S3Client> client_;
  std::string key_;
  WriteOptions options_;
  Context context_;
  std::string mark_;
};

/// The value of x-amz-checksum-crc32c for these bytes.
[[nodiscard]] std::string crc32c_header(ByteSpan bytes);

/// A multipart upload: parts go out while the next one is filled, and none is left behind unless
/// complete() returned.
///
/// Memory: the parts in flight and one spare. Threads: one at a time.
class S3Multipart {
 public:
  /// Where the parts come from: add() or add_copy(), not both. Only what is sent has a checksum.
  enum class Source : std::uint8_t { sent, copied };

  /// Starts the upload. \param in_flight  parts at once, at least 1.
  S3Multipart(const S3Commit& commit, Source source, unsigned in_flight);
  /// Aborts the upload, unless it was completed. What is under way has a moment to end before.
  ~S3Multipart();
  S3Multipart(const S3Multipart&) = delete;
  S3Multipart& operator=(const S3Multipart&) = delete;

  /// Sends the next part; blocks while too many are in flight. Throws the first failure of any.
  void add(Buffer bytes);
  /// The next part is [offset, offset + length) of another object of this bucket.
  void add_copy(std::string_view source, std::string_view etag, std::uint64_t offset,
                std::uint64_t length);
  /// An empty buffer, used before if there is one.
  [[nodiscard]] Buffer spare();
  /// Waits for all parts and makes the object visible.
  [[nodiscard]] FileInfo complete();

 private:
  struct Part {
    Buffer bytes;
    S3Part result;
  };

  void start();
  Part& next_part();
  [[nodiscard]] HttpCall part_call() const;
  void send(HttpCall call, Part& part);
  void finish(const HttpOutcome& outcome, Part& part);
  void wait_until_at_most(unsigned in_flight);
  void abort() noexcept;

  const S3Commit& commit_;
  const Source source_;
  const unsigned most_in_flight_;
  std::stop_source give_up_;  // ends waiting: set by the caller's stop and by the first failure
  std::stop_source cut_off_;  // ends the parts
  struct GiveUp {
    std::stop_source* source;
    void operator()() const noexcept { source->request_stop(); }
  };
  std::stop_callback<GiveUp> on_stop_;
  bool checksums_ = false;
  bool completed_ = false;
  std::string upload_id_;
  std::uint64_t size_ = 0;

  // A part's result and bytes are the engine's until its call is over; then mutex_ hands them back.
  std::vector<std::unique_ptr<Part>> parts_;
  std::mutex mutex_;
  std::vector<Buffer> spare_;   // guarded by mutex_
  std::optional<Error> error_;  // guarded by mutex_: the first failure
  Outstanding outstanding_;     // last: it waits for all calls that point here
};

/// One PUT if the object fits a part, else a multipart upload.
class S3Writer final : public Writer {
 public:
  S3Writer(std::shared_ptr<S3Client> client, std::string_view key, const WriteOptions& options,
           const Context& context);
  ~S3Writer() override { abort(); }
  S3Writer(const S3Writer&) = delete;
  S3Writer& operator=(const S3Writer&) = delete;

  void write(ByteSpan bytes) override;
  FileInfo commit() override;
  void abort() noexcept override { upload_.reset(); }

 private:
  void flush();
  [[nodiscard]] FileInfo put();

  S3Commit commit_;
  std::uint64_t part_size_;
  unsigned in_flight_;
  std::uint64_t parts_ = 0;
  Buffer buffer_;
  std::unique_ptr<S3Multipart> upload_;
};

}  // namespace cnf::storage
