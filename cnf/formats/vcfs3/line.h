// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {

/// Appends the line of VCF text that a record is, with its end.
///
/// \param end  how lines of the file end: LF or CR LF. (Where the file's last line has none, its
///             sink leaves these bytes away.) A raw record that ends in LF itself gets no other.
void append_line(const Variant& variant, std::string_view end, Buffer& out);

}  // namespace cnf::vcfs3
