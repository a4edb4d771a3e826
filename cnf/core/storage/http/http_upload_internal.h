// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_write_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/outstanding_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

// An object in one request or in parallel parts: everything but how one store spells it.
namespace cnf::storage {

/// What a store allows of an object's parts.
struct UploadLimits {
  std::uint64_t smallest_part = 1;  ///< Bytes; of every part but the last.
  std::uint64_t largest_part = 0;
  std::uint64_t most_parts = 0;
  /// Parts that are never completed go by themselves and cost nothing: there is nothing to abort.
  bool parts_expire = false;
};

/// One part of an upload, on its way or already there.
struct UploadPart {
  unsigned number = 1;  ///< From 1; parts are put together in this order.
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  ByteSpan bytes = {};        ///< Empty once sent, and for a part that is copied on the store.
  Buffer memory = {};         ///< Where they are, unless they are the caller's.
  std::string checksum = {};  ///< For the protocol: what it sent along, and
  std::string receipt = {};   ///< what the store answered: an ETag, the id of a block.
};

/// How one store spells the writing of one object. Upload and UploadWriter say when.
///
/// Threads: one at a time, but accept(), which runs on the engine's.
class UploadProtocol {
 public:
  virtual ~UploadProtocol() = default;

  [[nodiscard]] virtual const ObjectWrite& object() const = 0;
  [[nodiscard]] virtual UploadLimits limits() const = 0;
  virtual void submit(HttpCall call, HttpEngine::Done done) const = 0;

  /// The whole object by one request, which decides the condition; conclude_write() reads its
  /// answer.
  [[nodiscard]] virtual FileInfo put(ByteSpan whole) = 0;
  /// Before the first part. Throws what the store answers; then nothing is left to abort.
  virtual void start() = 0;
  /// The request that sends `part` (its body must be part.bytes) or, if that has no bytes, copies
  /// it. \param context  the object's, with another stop.
  [[nodiscard]] virtual HttpCall part_call(UploadPart& part, const Context& context) = 0;
  /// Keeps what a good answer says about the part. Throws Error if it says too little.
  virtual void accept(UploadPart& part, const HttpResponse& response) const = 0;
  /// Makes the object visible: the request that decides the condition. All parts are there.
  [[nodiscard]] virtual FileInfo complete(const std::deque<UploadPart>& parts,
                                          std::uint64_t size) = 0;
  /// Sends one request that gives the upload up. \return  true if the store no longer knows it.
  /// Not called if parts_expire.
  virtual bool abort(const Context& context) = 0;
};

/// An object that is sent in parts: they go out while the next one is filled, the first failure
/// ends all, and none is left behind unless complete() returned.
///
/// Memory: the parts in flight and one spare. Threads: one at a time.
class Upload {
 public:
  /// Starts it. \param in_flight  parts at once, at least 1.
  Upload(UploadProtocol& protocol, unsigned in_flight);
  /// Aborts, unless it was completed. What is under way has a moment to end before.
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  /// Sends the next part; blocks while too many are in flight. Throws the first failure of any.
  void add(Buffer bytes);
  /// The same; `bytes` must stay as they are until the upload is completed or gone.
  void add(ByteSpan bytes);
  /// The next part has so many bytes, which the store copies by itself.
  void add_copy(std::uint64_t size);
  /// An empty buffer, used before if there is one.
  [[nodiscard]] Buffer spare();
  [[nodiscard]] std::uint64_t parts() const noexcept { return parts_.size(); }
  /// Waits for all parts and makes the object visible.
  [[nodiscard]] FileInfo complete();

 private:
  struct GiveUp {
    std::stop_source* source;
    void operator()() const noexcept { source->request_stop(); }
  };

  UploadPart& next_part(std::uint64_t size);
  void send(UploadPart& part);
  void finish(const HttpOutcome& outcome, UploadPart& part);
  void wait_until_at_most(unsigned in_flight);
  void abort() noexcept;

  UploadProtocol& protocol_;
  const unsigned most_in_flight_;
  std::stop_source give_up_;  // ends waiting: set by the caller's stop and by the first failure
  std::stop_source cut_off_;  // ends the parts
  std::stop_callback<GiveUp> on_stop_;
  bool completed_ = false;
  std::uint64_t size_ = 0;

  // A part is the engine's until its call is over; then mutex_ hands it back.
  std::deque<UploadPart> parts_;  // a deque: completions point into it
  std::mutex mutex_;
  std::vector<Buffer> spare_;   // guarded by mutex_
  std::optional<Error> error_;  // guarded by mutex_: the first failure
  Outstanding outstanding_;     // last: it waits for all calls that point here
};

/// Bytes of each part: `options.part_size`, more where the object would not fit otherwise. All
/// parts have one size (some stores demand it), so the first must know what the last will need.
[[nodiscard]] std::uint64_t part_size_for(const UploadLimits& limits, const Options& options,
                                          std::optional<std::uint64_t> size_hint);

/// One request if the object fits a part, else an Upload.
class UploadWriter final : public Writer {
 public:
  UploadWriter(std::unique_ptr<UploadProtocol> protocol, const Options& options);
  ~UploadWriter() override { abort(); }
  UploadWriter(const UploadWriter&) = delete;
  UploadWriter& operator=(const UploadWriter&) = delete;

  void write(ByteSpan bytes) override;
  FileInfo commit() override;
  FileInfo commit_with(ByteSpan last) override;
  void abort() noexcept override { upload_.reset(); }

 private:
  [[nodiscard]] Upload& upload_for_next_part();
  void flush();
  [[nodiscard]] FileInfo complete();

  const std::unique_ptr<UploadProtocol> protocol_;
  const std::uint64_t part_size_;
  const unsigned in_flight_;
  Buffer buffer_;
  std::unique_ptr<Upload> upload_;
};

}  // namespace cnf::storage
