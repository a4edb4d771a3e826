// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"

namespace cnf::testing {

/// The bytes of a document's fenced blocks "```hex NAME" (or "```hex", whose name is ""), by name:
/// hexadecimal pairs, with comments behind '#'. So that what a specification shows is tested.
///
/// \param page  below the repository's root, which is told by the variable CNF_SOURCE_DIR. Throws
/// std::runtime_error if that is not set, or the page is not there.
[[nodiscard]] std::map<std::string, Buffer> hex_examples(std::string_view page);

}  // namespace cnf::testing
