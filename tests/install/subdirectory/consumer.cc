// SPDX-License-Identifier: Apache-2.0
// Uses the lowest package only: as a part of another project, what is used is built, and no more.

#include <cnf/core/util/buffer.h>
#include <cnf/core/util/checksum.h>

int main() { return cnf::crc32c(cnf::as_bytes("123456789")) == 0xe3069283U ? 0 : 1; }
