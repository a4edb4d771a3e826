// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <htslib/hfile.h>
#include <htslib/sam.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/cram_sink_internal.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/hts_record.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/sink.h"
#include "cnf/hts/messages.h"

namespace cnf::bams3 {
namespace {

/// Two ends of a pipe: htslib writes into one, a thread carries what comes out of the other on.
class Drain {
 public:
  explicit Drain(ByteSink out) : out_(std::move(out)) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw Error(Errc::internal, "write CRAM", "pipe", "the system gave none");
    }
    read_end_ = ends[0];
    write_end_ = ends[1];
    thread_ = std::jthread([this] { run(); });
  }
  ~Drain() {
    // Whoever took the other end has closed it by now, so the thread comes to the end of the pipe.
    if (write_end_ >= 0) ::close(write_end_);
    thread_ = {};
    ::close(read_end_);
  }
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  /// The end to write into; the caller closes it.
  [[nodiscard]] int take_write_end() noexcept { return std::exchange(write_end_, -1); }
  /// Waits for the last byte; rethrows what the byte sink threw.
  void finish() {
    thread_.join();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void run() noexcept {
    Buffer buffer(std::size_t{1} << 16U);
    while (true) {
      const ssize_t count = ::read(read_end_, buffer.data(), buffer.size());
      if (count <= 0) return;
      if (error_) continue;  // go on emptying, or htslib would wait for ever
      try {
        out_(buffer.span().first(static_cast<std::size_t>(count)));
      } catch (...) {
        error_ = std::current_exception();
      }
    }
  }

  ByteSink out_;
  int read_end_ = -1;
  int write_end_ = -1;
  std::exception_ptr error_;
  std::jthread thread_;
};

struct FileCloser {
  void operator()(htsFile* file) const noexcept { hts_close(file); }
};

class CramSink final : public RecordSink {
 public:
  CramSink(const Header& header, ByteSink out, const SinkOptions& options)
      : drain_(std::move(out)), header_(to_hts(header)), record_(make_hts_record()) {
    hts::silence_htslib();
    file_.reset(open_pipe(drain_.take_write_end()));
    const bool has_reference = !options.reference.empty();
    if (has_reference && hts_set_fai_filename(file_.get(), options.reference.c_str()) != 0) {
      throw Error(Errc::not_found, "write CRAM", options.reference,
                  "it cannot be read as an indexed FASTA file");
    }
    if (!has_reference)
      hts_set_opt(file_.get(), CRAM_OPT_NO_REF, 1);  // NOLINT: htslib's own interface
    if (sam_hdr_write(file_.get(), header_.get()) != 0) fail("the header");
  }

  void write(const query::Table& table) override {
    const query::Column& records = table.column("record");
    for (std::size_t i = 0; i < records.rows(); ++i) {
      to_hts(RecordView(records.bytes(i).subspan(4)), *record_);
      if (sam_write1(file_.get(), header_.get(), record_.get()) < 0)
        fail(bam_get_qname(record_.get()));
    }
  }

  void finish() override {
    const bool closed = hts_close(file_.release()) == 0;
    drain_.finish();
    if (!closed) fail("the end of the file");
  }

 private:
  static htsFile* open_pipe(int descriptor) {
    hFILE* pipe = hdopen(descriptor, "w");
    if (pipe == nullptr) ::close(descriptor);
    htsFile* file = pipe != nullptr ? hts_hopen(pipe, "output.cram", "wc") : nullptr;
    if (file == nullptr && pipe != nullptr) hclose_abruptly(pipe);
    if (file == nullptr)
      throw Error(Errc::internal, "write CRAM", "header", "htslib cannot open its pipe");
    return file;
  }
  [[noreturn]] static void fail(std::string_view what) {
    throw Error(Errc::unsupported, "write CRAM", what, "htslib refuses it",
                "write BAM or SAM instead");
  }

  Drain drain_;
  HtsHeader header_;
  HtsRecord record_;
  std::unique_ptr<htsFile, FileCloser> file_;  // destroyed first: it closes the pipe
};

}  // namespace

std::unique_ptr<RecordSink> make_cram_sink(const Header& header, ByteSink out,
                                           const SinkOptions& options) {
  return std::make_unique<CramSink>(header, std::move(out), options);
}

}  // namespace cnf::bams3
