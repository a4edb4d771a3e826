// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/copy_tree.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/pipes.h"
#include "cnf/cli/place.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/transfer.h"
#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/core/storage/keys.h"
#include "cnf/core/storage/scan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Between any two stores, and from standard input or to standard output ("-").
Within one store the store copies by itself and no data passes through here.

A DST that ends in "/", or is an existing folder, means into it: under SRC's own
name. An object that is there already is an error, unless --overwrite. Each object
becomes visible whole or not at all; what was stored is checked against the
source's size; --verify reads it back and compares its bytes. With -r many objects
are copied at once (-@), in bounded memory (--memory), and every manifest comes
last: a copy that is cut short is not a dataset.

--resume goes on with a copy that was cut short: give the same SRC and DST, which
then is the copy itself even where it is a folder by now. An object that is there
stays if there is evidence that it is a copy: it has the same size, and
  - both ETags are MD5s (S3) and equal, or one is and the local file has it;
  - or, of local files and of up to 64 KiB, the bytes are equal;
  - or, where nothing tells, it was written after the source was changed last.
Anything else that is there is an error, unless --overwrite. --size-only takes
the same size as evidence enough.

Examples:
  cnf cp reads.bam s3://bucket/in/
  cnf cp -r s3://bucket/cohort/dataset dataset
  cnf cp -r --resume --verify dataset s3://bucket/cohort/dataset
  samtools view -b reads.cram | cnf cp - s3://bucket/in/reads.bam
  cnf cp --explain -r dataset s3://bucket/cohort/)";

struct CpArgs {
  std::string source;
  std::string target;
  bool recursive = false;
  bool resume = false;
  bool size_only = false;
  bool verify = false;
};

storage::WriteOptions write_options(const Session& session) {
  if (session.options().overwrite) return {};
  return {.condition = storage::Condition::if_absent()};
}

// All of a route but its ends.
Route route_options(const CpArgs& args, const Session& session) {
  Route route;
  route.write = write_options(session);
  if (args.resume) {
    route.resume = args.size_only ? Route::Resume::by_size : Route::Resume::by_evidence;
  }
  if (args.verify) route.check = Route::Check::read_back;
  return route;
}

int report(const CopyTotals& totals, const CpArgs& args, Session& session) {
  if (!session.options().json) return kDone;
  Output out(session, "-");
  nlohmann::json line{{"objects", totals.objects}, {"bytes", totals.bytes}};
  if (args.resume) line["kept"] = totals.kept;
  out.line(dump_line(line));
  out.commit();
  return kDone;
}

// The key that an object named `name` gets at the target.
std::string target_key(const Place& target, const std::string& name) {
  const bool into = target.typed_as_folder() || target.is_root() || target.is_folder();
  return into ? storage::join_key(target.location().key, name) : target.location().key;
}

void refuse_existing(const storage::Location& to, const std::string& key, const Session& session) {
  if (session.options().overwrite || !to.storage->exists(key, session.context())) return;
  throw Error(Errc::already_exists, "copy to", to.storage->uri(key), "it exists",
              "--overwrite replaces it");
}

int explain(const std::string& what, Usage usage, const CpArgs& args, Session& session) {
  return print_estimate(
      session, {.what = what, .usage = usage, .store = args.source, .target = args.target});
}

int copy_from_stdin(const CpArgs& args, Session& session) {
  if (args.recursive) throw UsageError("-r cannot copy standard input, which is one object");
  if (args.resume || args.verify) {
    throw UsageError("--resume and --verify cannot read standard input twice");
  }
  if (session.options().explain) {
    return explain(fmt::format("copy standard input to {}", args.target), {}, args, session);
  }
  Pipe input = Pipe::standard_input();
  Buffer buffer(std::size_t{1} << 20);
  CopyTotals totals{.objects = 1};
  const auto progress = session.progress();
  const auto pump = [&](auto& sink) {
    while (const std::size_t count = input.read(buffer.span(), session.context())) {
      sink.write(buffer.span().first(count));
      totals.bytes += count;
      progress->add(count, 0);
    }
  };
  if (args.target == "-" || is_special_file(args.target)) {
    Output out(session, args.target);
    pump(out);
    out.commit();
    return kDone;
  }
  const Place target(session, args.target);
  if (target.typed_as_folder() || target.is_root() || target.is_folder()) {
    throw Error(Errc::invalid_argument, "copy standard input to", args.target, "it is a folder",
                "name an object in it");
  }
  const storage::Location& to = target.location();
  refuse_existing(to, to.key, session);
  const auto writer = to.storage->create(to.key, write_options(session), session.context());
  pump(*writer);
  verify_size(writer->commit(), totals.bytes, to.storage->uri(to.key));
  return report(totals, args, session);
}

int copy_to_pipe(const Place& source, const storage::FileInfo& info, const CpArgs& args,
                 Session& session) {
  Output out(session, args.target);
  const auto progress = session.progress(info.size);
  storage::scan(*source.location().storage, info, {.window = scan_window(session)},
                session.context(), [&](ByteSpan bytes) {
                  out.write(bytes);
                  progress->add(bytes.size(), 0);
                });
  out.commit();
  return kDone;
}

int copy_one(const CpArgs& args, Session& session) {
  const Place source(session, args.source);
  std::optional<storage::FileInfo> info = source.object();
  if (!info && source.is_folder()) {
    throw Error(Errc::invalid_argument, "copy", args.source, "it is a folder", "-r copies folders");
  }
  if (!info) source.nothing_here("copy");
  const bool to_pipe = args.target == "-" || is_special_file(args.target);
  if (to_pipe && !session.options().explain) return copy_to_pipe(source, *info, args, session);

  const Place target(session, args.target);
  const std::string key = to_pipe ? "" : target_key(target, source.name());
  const Route route = route_between(source, target, route_options(args, session));
  const std::string to = to_pipe ? args.target : route.to->uri(key);
  if (!to_pipe && to == route.from->uri(info->key)) {
    throw Error(Errc::invalid_argument, "copy", args.source, "source and target are the same");
  }
  std::optional<storage::FileInfo> existing;
  if (!to_pipe && args.resume) {
    existing = route.to->try_stat(key, session.context());
  } else if (!to_pipe) {
    refuse_existing(target.location(), key, session);
  }
  if (session.options().explain) {
    return explain(fmt::format("copy {} ({} bytes) to {}", args.source, info->size, to),
                   usage_to_copy(route, info->size, args.source, args.target, session), args,
                   session);
  }
  const auto progress = session.progress(info->size);
  const Copied copied = copy_object(route, *info, key, existing, session, *progress);
  return report({.objects = 1, .bytes = info->size, .kept = copied == Copied::was_there ? 1U : 0U},
                args, session);
}

int copy_recursively(const CpArgs& args, Session& session) {
  if (args.target == "-")
    throw UsageError("-r cannot copy to standard output, which is one object");
  const Place source(session, args.source);
  if (!source.is_folder()) return copy_one(args, session);
  const Place target(session, args.target);
  // A folder that is there may be what an earlier run has copied so far.
  const bool is_the_copy = args.resume && !target.typed_as_folder() && !target.is_root();
  const std::string key = is_the_copy ? target.location().key : target_key(target, source.name());
  const Tree tree(source, target, key, route_options(args, session));
  tree.refuse_itself();
  if (!session.options().overwrite && !args.resume) tree.refuse_existing(session.context());
  if (session.options().explain) {
    CopyTotals totals;
    const Usage usage = tree.estimate(args.source, args.target, totals, session);
    return explain(
        fmt::format("copy {} ({} bytes) below {} to {}{}", count_of(totals.objects, "object"),
                    totals.bytes, args.source, tree.target_uri(),
                    args.resume ? fmt::format(", {} of which may stay as they are", totals.kept)
                                : std::string()),
        usage, args, session);
  }
  return report(tree.copy(session), args, session);
}

int copy(const CpArgs& args, Session& session) {
  if (session.options().output != "-") {
    throw UsageError("cp writes to DST: it has no use for --output");
  }
  if (args.size_only && !args.resume) throw UsageError("--size-only says how to --resume");
  if (args.source == "-") return copy_from_stdin(args, session);
  return args.recursive ? copy_recursively(args, session) : copy_one(args, session);
}

}  // namespace

void add_cp(Verb& root) {
  auto args = std::make_shared<CpArgs>();
  Verb verb = root.add("cp", "Copy an object, or a tree of objects, between stores", kDetails);
  verb.argument("SRC", args->source, "An object or folder, or - for standard input");
  verb.argument("DST", args->target, "Where to, or - for standard output");
  verb.flag("-r,--recursive", args->recursive, "Copy all that lies below SRC");
  verb.flag("--resume", args->resume, "Leave what was copied before (see below)");
  verb.flag("--size-only", args->size_only, "With --resume: the same size is evidence enough");
  verb.flag("--verify", args->verify, "Read back what was stored, and compare");
  verb.run([args](Session& session) { return copy(*args, session); });
}

}  // namespace cnf::cli
