// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

namespace cnf::storage {

/// Runs task(0) … task(count - 1), each once, on up to `width` threads of which the caller is one.
/// After a task threw, no other begins; then what the first of them threw is rethrown.
///
/// The threads live as long as the call, some 20 µs each: for I/O that takes longer than that.
void parallel_for(std::size_t count, std::size_t width,
                  const std::function<void(std::size_t)>& task);

}  // namespace cnf::storage
