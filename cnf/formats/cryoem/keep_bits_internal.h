// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"

namespace cnf::cryoem {

/// Rounds floating numbers to `bits` bits of mantissa (besides the one that is not stored), half to
/// even, in place. What is infinite or no number stays as it is, and nothing becomes infinite: the
/// greatest numbers are cut instead. Types with no more bits stay as they are.
/// Source: Zender 2016, Geosci Model Dev 9:3199; Klöwer et al. 2021, Nat Comput Sci 1:713.
void keep_mantissa_bits(DataType type, int bits, MutableByteSpan values);

}  // namespace cnf::cryoem
