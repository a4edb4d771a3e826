// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "cnf/core/util/context.h"

namespace cnf::worker {

struct PipelineOptions {
  std::size_t threads = 0;  ///< The caller's thread is one of them; 0: default_threads().
  std::size_t in_flight =
      0;  ///< Items between source and sink at once; 0: threads + 2. Bounds memory.
};

/// The type-erased engine of run_pipeline: `next` and `last` run in order, one at a time; `middle`
/// concurrently. An item is a shared pointer to whatever the stages agree on; null from `next`
/// ends. Any stage may run on any of the threads.
void run_erased_pipeline(const PipelineOptions& options, const Context& context,
                         const std::function<std::shared_ptr<void>()>& next,
                         const std::function<std::shared_ptr<void>(std::shared_ptr<void>)>& middle,
                         const std::function<void(std::shared_ptr<void>)>& last);

/// source → transform (in parallel) → sink (in the source's order), with at most `in_flight` items
/// between the two ends. The first exception of any stage ends it and is rethrown as it was; so
/// does the context (Error cancelled, deadline_exceeded), checked before each step of each item.
/// Stages that run by then are waited for: one that blocks must heed the context itself. Results do
/// not depend on the number of threads. Cost: starts threads - 1 threads, some 30 µs each; under 1
/// µs per item.
///
/// \param source     () -> std::optional<In>; nullopt ends the input. May block: what was read
/// before
///                   goes on through the other stages meanwhile; with one thread it goes first.
/// \param transform  (In) -> Out; called concurrently.
/// \param sink       (Out) -> void.
template <typename In, typename Out, typename Source, typename Transform, typename Sink>
void run_pipeline(const PipelineOptions& options, const Context& context, Source&& source,
                  Transform&& transform, Sink&& sink) {
  run_erased_pipeline(
      options, context,
      [&]() -> std::shared_ptr<void> {
        std::optional<In> item = source();
        return item ? std::make_shared<In>(std::move(*item)) : nullptr;
      },
      [&](const std::shared_ptr<void>& item) -> std::shared_ptr<void> {
        return std::make_shared<Out>(transform(std::move(*static_cast<In*>(item.get()))));
      },
      [&](const std::shared_ptr<void>& item) { sink(std::move(*static_cast<Out*>(item.get()))); });
}

}  // namespace cnf::worker
