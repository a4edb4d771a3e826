// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/program.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/interrupts.h"
#include "cnf/cli/pipes.h"
#include "cnf/cli/session.h"
#include "cnf/cli/verb.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {
namespace {

constexpr const char* kSummary = "cnf: scientific data that lives well in object storage";

constexpr const char* kDetails =
    R"(A URI is a path, file:PATH, or s3://BUCKET/KEY; options for its store may follow
as ?name=value. "-" is standard input or output. Data goes to standard output,
everything else to standard error.

Storage options (--storage-option, or in a URI's query): region, endpoint,
profile, anonymous, addressing, access_key_id, secret_access_key,
session_token, role_arn, external_id, requester_pays, sse, sse_kms_key_id,
sse_customer_key; token, service_account (Google); tenant_id, client_id,
client_secret (Azure); part_size, concurrency, connect_timeout, timeout,
max_retries, durability.
For any store: cache (a folder, or "memory") keeps what was read, up to
cache_size (1G), and takes an object to be unchanged for cache_ttl (60s); rate is
the most requests a second; read_only=true refuses every change.
What is not given comes from the variables and files that the store's own
tools read, such as AWS_PROFILE and ~/.aws/config.

Exit status:
  0    done
  1    the work failed; one line on standard error says what, on which object
  2    the command line is wrong
  3    what was asked for by name (a sample, an id, a contig) is not there
  130  interrupted; nothing half-written is left visible

Examples:
  cnf ls -l s3://bucket/cohort/
  cnf cp -r dataset s3://bucket/cohort/ --storage-option region=eu-west-1
  cnf info s3://bucket/cohort/dataset
  cnf VERB --help)";

void set_threads(Globals& globals, std::int64_t threads) {
  if (threads > 1024) throw UsageError("--threads is at most 1024");
  globals.threads = static_cast<std::size_t>(threads);
}

void set_storage_option(Globals& globals, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError("--storage-option is NAME=VALUE, such as region=eu-west-1");
  }
  globals.storage.set(text.substr(0, equals), text.substr(equals + 1));
}

void add_common_options(Verb& root, Globals& globals) {
  root.option(
      "-@,--threads", "N",
      [&globals](const std::string& text) {
        set_threads(globals, parse_integer("--threads", text, 1));
      },
      "Workers (default: all cores)");
  root.option(
      "--memory", "SIZE",
      [&globals](const std::string& text) { globals.memory = parse_size(text); },
      "Bound on working memory: 512M, 2G (default: 1G)");
  root.option("-o,--output", "PATH", globals.output,
              "Where the answer goes: a path or URI, replaced as a\nwhole when all is done "
              "(default: standard output)");
  root.flag("--json", globals.json, "Answer in JSON, for programs");
  root.flag("--explain", globals.explain,
            "Say what would be done and what it would cost; do nothing");
  root.flag(
      "--metrics", globals.metrics,
      "Afterwards, print requests, bytes, price, seconds and\nmemory as JSON on standard error");
  root.flag("--overwrite", globals.overwrite, "Replace what is there");
  root.option(
      "--storage-option", "K=V",
      [&globals](const std::string& text) { set_storage_option(globals, text); },
      "How a store is reached (see below); may be repeated");
  root.flag("--quiet", globals.quiet, "Say nothing on standard error but errors");
  root.flag("--verbose", globals.verbose, "Say more on standard error");
  root.flag("--no-progress", globals.no_progress, "Draw no progress on the terminal");
}

// Runs the body; an exception becomes its exit status and its line on stderr.
int run_body(const Body& body, Session& session, const Interrupts& interrupts) {
  try {
    return body(session);
  } catch (const UsageError& error) {
    session.complain(error.what());
    return kWrongUsage;
  } catch (const Error& error) {
    if (interrupts.happened() && error.code() == Errc::cancelled) {
      session.complain("interrupted");
      return kInterrupted;
    }
    session.complain(error.what());
  } catch (const std::bad_alloc&) {
    session.complain("out of memory; a smaller --memory or fewer --threads need less");
  } catch (const std::exception& error) {
    session.complain(fmt::format("internal error, please report it: {}", error.what()));
  }
  return kFailed;
}

}  // namespace

int run_program(int argc, const char* const* argv, std::span<const AddVerb> verbs) {
  CommandLine command_line(kSummary, "cnf " CNF_VERSION, kDetails);
  Globals globals;
  Verb root = command_line.root();
  add_common_options(root, globals);
  for (const AddVerb add : verbs) add(root);

  std::optional<Body> body;
  try {
    body = command_line.parse(argc, argv);
  } catch (const UsageError& error) {
    std::cerr << "cnf: " << error.what() << '\n';
    return kWrongUsage;
  }
  if (!body) return kDone;

  int status = kDone;
  bool pipe_broke = false;
  {
    const Interrupts interrupts;
    Session session(globals, interrupts.token());
    try {
      status = run_body(*body, session, interrupts);
    } catch (const BrokenPipe&) {
      pipe_broke = true;
    }
    if (globals.metrics) session.print_metrics();
  }
  if (pipe_broke) end_by_broken_pipe();
  return status;
}

}  // namespace cnf::cli
