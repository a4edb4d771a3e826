// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/queries.h"

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"

namespace cnf::cli {

query::ExecutorOptions executor_options(const Session& session) {
  return {.threads = session.threads(), .memory = session.options().memory};
}

int explain_plan(const query::Plan& plan, const storage::Storage& chunks, const std::string& unit,
                 Session& session) {
  query::CostModel model = query::CostModel::of(chunks);
  model.memory = session.options().memory;
  const query::Cost cost = query::estimate(plan, model);
  Output out(session);
  if (session.options().json) {
    out.line(dump_line({{unit, plan.units.size()},
                        {"requests", cost.requests},
                        {"bytes", cost.bytes},
                        {"seconds", cost.seconds},
                        {"price_usd", cost.price_usd}}));
  } else {
    out.write(query::describe(plan, cost));
  }
  out.commit();
  return kDone;
}

std::string read_text(const std::string& uri, Session& session) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;
  const storage::Location location = session.locate(uri);
  return std::string(
      as_text(location.storage->read_all(location.key, kMaxBytes, session.context()).bytes));
}

}  // namespace cnf::cli
