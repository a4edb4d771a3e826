// SPDX-License-Identifier: Apache-2.0
// What somebody else's program does with cnf: exit status 0 if it works.

#include <cstdio>

#include <cnf/core/storage/memory.h>
#include <cnf/core/storage/storage.h>
#include <cnf/core/util/buffer.h>
#include <cnf/core/util/checksum.h>
#include <cnf/core/util/error.h>

#include "cnf/core/util/buffer.h"

int main() {
  try {
    const auto store = cnf::storage::make_memory();
    store->put("check", cnf::as_bytes("123456789"));
    const auto object = store->read_all("check", 100);
    cnf::verify_crc32c(object.bytes, 0xe3069283U, store->uri("check"));
    return 0;
  } catch (const cnf::Error& error) {
    std::fprintf(stderr, "consumer: %s\n", error.what());
    return 1;
  }
}
