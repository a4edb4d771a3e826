// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "cnf/cli/byte_range.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/place.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/transfer.h"
#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/core/storage/scan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Writes the bytes of an object to standard output, or to where -o says.

--range takes bytes counted from 0, the end not included:
  --range 0-100    the first 100 bytes
  --range 1M-2M    the second mebibyte
  --range 4096-    all from byte 4096 on
  --range -28      the last 28 bytes
A range is cut at the object's end; one that begins behind it is an error.

Examples:
  cnf cat s3://bucket/cohort/_metadata.json | jq .format
  cnf cat --range -28 reads.bam | xxd)";

struct CatArgs {
  std::string uri;
  ByteRange range = {};
};

int print(const CatArgs& args, Session& session) {
  const Place place(session, args.uri);
  const storage::FileInfo info = place.require_object("read");
  const std::optional<ByteRange::Resolved> range = args.range.resolve(info.size);
  if (!range) {
    throw Error(Errc::invalid_argument, "read", args.uri,
                fmt::format("the range begins behind its {} bytes", info.size));
  }
  if (session.options().explain) {
    Estimate estimate{.what = fmt::format("read {} bytes of {} from byte {}", range->length,
                                          args.uri, range->offset),
                      .store = args.uri};
    estimate.usage.requests[static_cast<std::size_t>(RequestKind::get)] =
        requests_to_read(range->length);
    estimate.usage.bytes_fetched = range->length;
    return print_estimate(session, estimate);
  }
  Output out(session);
  const auto progress = session.progress(range->length);
  storage::scan(*place.location().storage, info,
                {.offset = range->offset, .length = range->length, .window = scan_window(session)},
                session.context(), [&](ByteSpan bytes) {
                  out.write(bytes);
                  progress->add(bytes.size(), 0);
                });
  out.commit();
  return kDone;
}

}  // namespace

void add_cat(Verb& root) {
  auto args = std::make_shared<CatArgs>();
  Verb verb = root.add("cat", "Write an object, or a range of it, to standard output", kDetails);
  verb.argument("URI", args->uri, "The object");
  verb.option(
      "--range", "A-B", [args](const std::string& text) { args->range = ByteRange::parse(text); },
      "Only these bytes: A-B, A- or -N");
  verb.run([args](Session& session) { return print(*args, session); });
}

}  // namespace cnf::cli
