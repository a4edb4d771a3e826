// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/executor.h"

#include <memory>
#include <optional>
#include <utility>

#include "cnf/core/query/plan.h"
#include "cnf/core/query/run_internal.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/context.h"

namespace cnf::query {

struct Results::Impl {
  Run run;
};

Results::Results(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Results::~Results() = default;
Results::Results(Results&&) noexcept = default;
Results& Results::operator=(Results&&) noexcept = default;

std::optional<Table> Results::next() { return impl_->run.next(); }

Results Executor::run(Plan plan, Decoder decoder, const Context& context) const {
  return Results(std::unique_ptr<Results::Impl>(
      new Results::Impl{{storage_, options_, std::move(plan), std::move(decoder), context}}));
}

}  // namespace cnf::query
