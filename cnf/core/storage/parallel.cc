// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "cnf/core/storage/parallel_internal.h"

namespace cnf::storage {

void parallel_for(std::size_t count, std::size_t width,
                  const std::function<void(std::size_t)>& task) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr first;  // guarded by mutex
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        task(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < std::min(width, count); ++i) {
      try {
        threads.emplace_back(work);
      } catch (const std::system_error&) {
        break;  // the machine gives no more threads: those there are do the work
      }
    }
    work();
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace cnf::storage
