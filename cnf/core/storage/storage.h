// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {

/// An object as a store describes it.
struct FileInfo {
  std::string key{};
  std::uint64_t size = 0;
  std::string etag{};  ///< Changes whenever the bytes do; opaque; empty if the store has none.
  std::chrono::sys_seconds modified{};
  std::string storage_class{};  ///< As the store spells it; empty where it has no such thing.
};

/// A whole object, or a tail of it, with what the same answer said about it.
struct Object {
  Buffer bytes;
  FileInfo info;
};

/// What must hold on the store for a write to take effect, decided by the store at commit.
class Condition {
 public:
  enum class Kind : std::uint8_t { none, if_absent, if_match };

  Condition() = default;
  [[nodiscard]] static Condition if_absent() { return {Kind::if_absent, {}}; }
  [[nodiscard]] static Condition if_match(std::string etag) {
    return {Kind::if_match, std::move(etag)};
  }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& etag() const noexcept { return etag_; }

 private:
  Condition(Kind kind, std::string etag) : kind_(kind), etag_(std::move(etag)) {}
  Kind kind_ = Kind::none;
  std::string etag_;
};

struct WriteOptions {
  Condition condition = {};
  std::string content_type = "application/octet-stream";
  std::optional<std::uint64_t> size_hint = {};  ///< Lets a backend choose its part size.
};

/// One range of one object, wanted in the caller's own memory.
struct FetchRequest {
  std::string key;
  std::uint64_t offset = 0;
  MutableByteSpan into;             ///< Its size is the range's length; all of it or an error.
  std::string etag = {};            ///< If set, the object must still have it: else corrupt_data.
  std::optional<Error> error = {};  ///< Set when this request failed; then `into` is unspecified.
};

/// Told the index of a request whose outcome is known; after that its buffer is not touched again.
/// Runs on the thread that received the bytes, for one request of a fetch() at a time: keep it
/// short, and do not call the storage from it. What it throws, fetch() rethrows when all is over.
using FetchDone = std::function<void(std::size_t index)>;

/// How fetch() turns what is wanted into requests. 0 means: what the backend finds best.
struct FetchOptions {
  std::uint64_t gap = 0;  ///< Ranges of one object at most this far apart become one request.
  std::uint64_t max_request =
      0;  ///< No request is longer: long ranges are split, merging stops here.
};

struct ListOptions {
  std::string prefix = {};
  std::string delimiter =
      {};  ///< "/" lists one level: deeper keys are folded into common prefixes.
  std::string start_after = {};  ///< Only entries (keys, common prefixes) that sort after it.
};

/// One page of a listing, in ascending byte order of keys.
struct ListPage {
  std::vector<FileInfo> objects;
  std::vector<std::string> prefixes;  ///< Common prefixes, ending in the delimiter.
  std::string next;                   ///< Continuation token; empty on the last page.
};

/// An object that somebody began to write in parts, and has neither committed nor given up: one at
/// work, or one that is gone. Its parts cost what data costs, and no list shows them.
struct UnfinishedUpload {
  std::string key{};
  std::string id{};  ///< For the store.
  std::chrono::sys_seconds begun{};
};

class Storage;
struct PriceTable;

/// Pages are fetched as the iteration needs them: `for (const FileInfo& info : storage->list(…))`.
/// Common prefixes come as FileInfo with a key that ends in the delimiter and size 0.
class Listing {
 public:
  Listing(std::shared_ptr<const Storage> storage, ListOptions options, Context context);

  /// The next entry, nullopt at the end. Throws what Storage::list_page throws.
  [[nodiscard]] std::optional<FileInfo> next();

  class Iterator {
   public:
    using value_type = FileInfo;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(Listing& listing) : listing_(&listing), current_(listing.next()) {}
    const FileInfo& operator*() const { return *current_; }
    Iterator& operator++() {
      current_ = listing_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !current_; }

   private:
    Listing* listing_;
    std::optional<FileInfo> current_;
  };
  [[nodiscard]] Iterator begin() { return Iterator(*this); }
  [[nodiscard]] static std::default_sentinel_t end() { return {}; }

 private:
  void fetch_page();

  std::shared_ptr<const Storage> storage_;
  ListOptions options_;
  Context context_;
  std::vector<FileInfo> page_;  // objects and prefixes of the page, merged in key order
  std::size_t position_ = 0;
  std::string token_;
  std::string earlier_token_;  // of some page before, to see when tokens go round in a circle
  std::uint64_t pages_ = 0;
  std::string last_prefix_;
  bool last_ = false;
};

/// Reads one object. Nothing is fetched before the first read, and no state is held on the store.
///
/// Once the size is known, later reads are pinned to the ETag that came with it: an object that
/// was replaced meanwhile is corrupt_data, never a mixture.
/// Threads: size, read_at and read_ranges may be called concurrently; read and seek may not.
class Reader {
 public:
  Reader(std::shared_ptr<const Storage> storage, std::string key);

  /// The object's size in bytes; one request, once. Throws not_found.
  [[nodiscard]] std::uint64_t size(const Context& context = {}) const;

  /// Reads up to `into.size()` bytes at the current position and moves it; 0 at the end.
  [[nodiscard]] std::size_t read(MutableByteSpan into, const Context& context = {});
  void seek(std::uint64_t position) noexcept { position_ = position; }
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

  /// Reads exactly `into.size()` bytes; throws corrupt_data if the object ends before.
  void read_at(std::uint64_t offset, MutableByteSpan into, const Context& context = {}) const;

  struct Range {
    std::uint64_t offset = 0;
    MutableByteSpan into;
  };
  /// Many ranges at once, as Storage::fetch reads them.
  void read_ranges(std::span<const Range> ranges, const Context& context = {}) const;

 private:
  [[nodiscard]] std::string etag() const;  // empty while the size is not known

  std::shared_ptr<const Storage> storage_;
  std::string key_;
  std::uint64_t position_ = 0;
  mutable std::mutex mutex_;
  mutable std::optional<FileInfo> info_;  // guarded by mutex_
};

/// Writes one object: all of it becomes visible in commit(), or nothing ever.
///
/// A Writer destroyed without commit() aborts; so does one whose write() or commit() threw, and a
/// call after either throws invalid_argument. It keeps the Context it was created with.
/// Memory: at most part_size × (concurrency + 1). Threads: one at a time.
class Writer {
 public:
  virtual ~Writer() = default;
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Appends; blocks while too many parts are in flight. Throws what the store answers.
  virtual void write(ByteSpan bytes) = 0;
  /// Makes the object visible, if the condition holds. Throws already_exists (if_absent) or
  /// precondition_failed (if_match); then the object on the store is as it was.
  virtual FileInfo commit() = 0;
  /// write(last), then commit(). A backend may send `last` from where it is, without a copy; it is
  /// done with it when this returns or throws.
  virtual FileInfo commit_with(ByteSpan last);
  /// Gives up: nothing becomes visible and nothing is left on the store, as far as it can be told.
  virtual void abort() noexcept = 0;
};

/// One request that a backend sends: a range of an object, scattered into pieces of memory.
struct Transfer {
  /// `skip` bytes that nobody wants, then bytes for `into`.
  struct Piece {
    std::uint64_t skip = 0;
    MutableByteSpan into;
  };
  std::string_view key;
  std::string_view etag;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  ///< The sum of all skips and pieces.
  std::vector<Piece> pieces;
};

/// Told the index of a transfer and, if it failed, why.
using TransferDone = std::function<void(std::size_t index, const Error* error)>;

/// What a read is good at on this backend; fetch() plans with it.
struct ReadProfile {
  std::uint64_t gap = 0;  ///< Bytes that cost about as much to read as another request.
  std::uint64_t max_request = std::uint64_t{16} << 20;
  /// Over a gap longer than this ranges are joined only while at least half of what is read is
  /// wanted.
  std::uint64_t small_gap = std::numeric_limits<std::uint64_t>::max();
};

/// A store of immutable objects under flat, '/'-separated keys.
///
/// Threads: every member may be called concurrently. Lifetime: always in a shared_ptr; Readers,
/// Writers and Listings keep it alive. Keys are relative, 1 to 1024 bytes, without empty, "." or
/// ".." segments and without control characters: anything else throws invalid_argument. Any call
/// throws Error permission_denied, unauthenticated, throttled or unavailable (after retries),
/// deadline_exceeded or cancelled.
/// Backends override the do_ members only, and must pass testing::check_storage().
class Storage : public std::enable_shared_from_this<Storage> {
 public:
  virtual ~Storage() = default;
  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  [[nodiscard]] std::unique_ptr<Reader> open(std::string_view key) const;
  [[nodiscard]] std::unique_ptr<Writer> create(std::string_view key,
                                               const WriteOptions& options = {},
                                               const Context& context = {});
  /// create, write, commit.
  FileInfo put(std::string_view key, ByteSpan bytes, const WriteOptions& options = {},
               const Context& context = {});

  /// The whole object in one request; throws not_found, and corrupt_data if it has over `limit`
  /// bytes.
  [[nodiscard]] Object read_all(std::string_view key, std::uint64_t limit,
                                const Context& context = {}) const;
  /// The last `length` bytes (all of a shorter object) and its size, in one request; two on Azure.
  [[nodiscard]] Object read_tail(std::string_view key, std::uint64_t length,
                                 const Context& context = {}) const;

  /// Fetches many ranges of many objects at once, straight into the callers' buffers.
  ///
  /// Near ranges of one object are coalesced, long ones are split; ranges may overlap and repeat,
  /// and an empty one costs nothing. `done` runs once per request as soon as its bytes are whole.
  /// Returns when every outcome is known. Every request's own failure is in its `error`, as if it
  /// had been alone: not_found, corrupt_data (the object ends before, or has another ETag), or as
  /// any call. The error of the lowest index is thrown at the end.
  void fetch(std::span<FetchRequest> requests, const Context& context = {},
             const FetchDone& done = {}, const FetchOptions& options = {}) const;

  /// All objects under a prefix, lazily; of one level if a delimiter is given.
  [[nodiscard]] Listing list(ListOptions options = {}, const Context& context = {}) const;
  [[nodiscard]] ListPage list_page(const ListOptions& options, const std::string& token,
                                   const Context& context = {}) const;

  /// Removes objects, in batches where the store can; an absent one is no error.
  void remove(std::string_view key, const Context& context = {});
  void remove(std::span<const std::string> keys, const Context& context = {});

  [[nodiscard]] bool exists(std::string_view key, const Context& context = {}) const;
  /// Throws not_found; try_stat answers nullopt instead.
  [[nodiscard]] FileInfo stat(std::string_view key, const Context& context = {}) const;
  [[nodiscard]] std::optional<FileInfo> try_stat(std::string_view key,
                                                 const Context& context = {}) const;

  /// Copies within this store, on the server where it can. Throws not_found.
  FileInfo copy(std::string_view from, std::string_view to, const WriteOptions& options = {},
                const Context& context = {});

  /// Uploads below `prefix` that were begun so long ago, by the store's clock, and never ended;
  /// none where a store cleans them away itself. Throws unsupported if the store cannot tell.
  [[nodiscard]] std::vector<UnfinishedUpload> stale_uploads(std::string_view prefix,
                                                            std::chrono::seconds older_than,
                                                            const Context& context = {}) const;
  /// Gives those up, and says how many. A writer that is still at work on one fails: let
  /// `older_than` be longer than anybody writes.
  std::uint64_t abort_stale_uploads(std::string_view prefix, std::chrono::seconds older_than,
                                    const Context& context = {});

  /// The URI of a key (of the root, for ""), as people write it; never contains a secret.
  [[nodiscard]] std::string uri(std::string_view key = {}) const { return do_uri(key); }
  /// Tells this store from all others, where its URI does not: one bucket name may be at several
  /// endpoints. An object is the same if this and its key, joined by '/', are; no secret is in it.
  [[nodiscard]] std::string identity() const { return do_identity(); }
  /// What fetch() plans with, unless its options say otherwise.
  [[nodiscard]] ReadProfile read_profile() const { return do_read_profile(); }
  /// What its requests cost (prices.h), as Usage::usd counts them; for a wrapper, those of the
  /// store that it wraps.
  [[nodiscard]] const PriceTable& prices() const { return do_prices(); }

 private:
  // Keys and prefixes are checked before a do_ member sees them, and `key` of a FileInfo is set
  // after it. Backends count the requests and the bytes that are fetched and sent; bytes that are
  // wanted are counted here.

  [[nodiscard]] virtual std::string do_uri(std::string_view key) const = 0;
  [[nodiscard]] virtual std::string do_identity() const { return do_uri({}); }
  [[nodiscard]] virtual ReadProfile do_read_profile() const = 0;
  /// Unless overridden: nothing costs anything.
  [[nodiscard]] virtual const PriceTable& do_prices() const;
  /// Runs every transfer, at the concurrency that suits the backend; calls `done` once for each,
  /// from any thread, and returns after the last. Transfers of one key read one version of the
  /// object, or fail with corrupt_data. Stops early when the context says so: then `done` gets
  /// cancelled or deadline_exceeded. Throws an Error only when no transfer is under way any more.
  virtual void do_fetch(std::span<const Transfer> transfers, const Context& context,
                        const TransferDone& done) const = 0;
  /// The whole object (`tail` nullopt) or its last bytes (at least 1); corrupt_data, without
  /// reading on, if that is more than `limit` bytes.
  [[nodiscard]] virtual Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                                       std::uint64_t limit, const Context& context) const = 0;
  [[nodiscard]] virtual std::unique_ptr<Writer> do_create(std::string_view key,
                                                          const WriteOptions& options,
                                                          const Context& context) = 0;
  [[nodiscard]] virtual ListPage do_list_page(const ListOptions& options, const std::string& token,
                                              const Context& context) const = 0;
  virtual void do_remove(std::span<const std::string> keys, const Context& context) = 0;
  [[nodiscard]] virtual std::optional<FileInfo> do_stat(std::string_view key,
                                                        const Context& context) const = 0;
  virtual FileInfo do_copy(std::string_view from, std::string_view to, const WriteOptions& options,
                           const Context& context);

  /// Unless overridden: the store has none.
  [[nodiscard]] virtual std::vector<UnfinishedUpload> do_uploads(std::string_view prefix,
                                                                 const Context& context) const;
  /// One that is not there any more is no error.
  virtual void do_abort_uploads(std::span<const UnfinishedUpload> uploads, const Context& context);

  friend class StorageWrapper;  // hands its own do_ calls to those of the store it wraps
};

}  // namespace cnf::storage
