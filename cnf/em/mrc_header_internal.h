// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cnf/core/util/buffer.h"
#include "cnf/em/mrc.h"

namespace cnf::em {

/// The fields of a header of at least kMrcHeaderSize bytes as they are in this byte order, however
/// senseless. Their names are in `mrc.h`.
[[nodiscard]] MrcHeader read_mrc_fields(ByteSpan header, bool big_endian);

/// The kMrcHeaderSize bytes of a new main header, little-endian, MRC2014 version 20141.
[[nodiscard]] Buffer write_mrc_fields(const MrcHeader& header);

}  // namespace cnf::em
