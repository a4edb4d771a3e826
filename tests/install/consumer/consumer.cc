// SPDX-License-Identifier: Apache-2.0
// What somebody else's program does with cnf: exit status 0 if it works.

#include <cnf/core/util/checksum.h>
#include <cnf/core/util/error.h>
#include "cnf/core/util/buffer.h"

int main() {
  try {
    cnf::verify_crc32c(cnf::as_bytes("123456789"), 0xe3069283U, "the check value of CRC32C");
    return 0;
  } catch (const cnf::Error&) {
    return 1;
  }
}
