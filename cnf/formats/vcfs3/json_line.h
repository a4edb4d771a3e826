// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {

/// Appends a record as a JSON object and a newline:
///
///     {"contig":"1","pos":100,"id":["rs1"],"ref":"A","alt":["C"],"qual":10.0,"filter":["PASS"],
///      "info":{"DP":3,"AC":[1],"DB":true},"samples":{"NA1":{"GT":"0/1","AD":[1,2]}}}
///
/// Values of INFO and FORMAT keys whose Type is Integer or Float are numbers with the digits that
/// stand in the record (where they are no JSON number, strings), "." is null; lists where the
/// header tells more than one value or the record has a comma; all else are strings. An empty list
/// ("." for ID, ALT, FILTER) is []. What is not UTF-8 is replaced.
/// \param names  of the samples of the cells.
void append_json_line(const Variant& variant, const Header& header,
                      const std::vector<std::string>& names, Buffer& out);

}  // namespace cnf::vcfs3
