// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cnf/core/query/table.h"

// The Arrow C data interface: https://arrow.apache.org/docs/format/CDataInterface.html
// The guard and the two structs are its ABI, spelled as it asks.
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
extern "C" {
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};
struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};
}
#endif

namespace cnf::query {

/// Hands a table to whoever speaks Arrow, without a copy: a struct array with one child per column.
/// The receiver owns both and calls their `release`.
void export_arrow(Table table, ArrowSchema* schema, ArrowArray* array);

}  // namespace cnf::query
