// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <htslib/vcf.h>

namespace cnf::vcfs3 {

/// The bits of a BCF record's floats that its text does not give back: %g keeps six digits, "nan"
/// has no payload, and a vector that ends at once looks like one that is missing.
///
/// Floats of QUAL, INFO and FORMAT in their order (of fields whose Type is Float, as many values as
/// their text has, at least one). Per float whose bits differ: the number of floats before it since
/// the last one that did (varint), and a varint: the difference of the bits read as integers,
/// zigzag, times two; or the bits themselves times two plus one for what is no number. Empty if the
/// text says everything. Bits behind the end of a vector are not kept.
/// \param record  is unpacked.
[[nodiscard]] std::string float_residuals(const bcf_hdr_t& header, bcf1_t& record);

/// Gives the floats of a record, which htslib parsed from the text, their bits back.
/// \param record  is unpacked, and changed in place.
/// Throws Error corrupt_data naming `subject` if there are not as many floats as `residuals` say.
void apply_float_residuals(std::string_view residuals, const bcf_hdr_t& header, bcf1_t& record,
                           std::string_view subject);

}  // namespace cnf::vcfs3
