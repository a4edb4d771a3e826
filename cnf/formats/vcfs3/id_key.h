// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cnf::vcfs3 {

/// The key of an ID in the variant index (SPEC.md, "Variant index"): a number for "rs" and its
/// number, the text else, a digest of what is too long for a key. Different IDs have different
/// keys.
[[nodiscard]] std::string id_key(std::string_view id);

/// The IDs in an ID column, "rs1;rs2" has two; each once, without "." and without empty ones.
[[nodiscard]] std::vector<std::string_view> split_ids(std::string_view column);

}  // namespace cnf::vcfs3
