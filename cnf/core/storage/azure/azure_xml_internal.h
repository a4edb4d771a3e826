// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cnf/core/storage/storage.h"

/// Azure's XML, as pure functions. What comes from a server is hostile: a document that is not
/// what it should be throws one Error corrupt_data that names `subject`.
namespace cnf::storage {

/// <EnumerationResults> of List Blobs. Folders, which accounts with a hierarchical namespace list
/// among the blobs, are left out; keys are in byte order, which in such accounts they are not
/// from page to page.
/// \param prefix  what was asked for: a key without it is refused.
[[nodiscard]] ListPage parse_azure_list(std::string_view xml, std::string_view prefix,
                                        std::string_view subject);

/// A <BlockList> document of these blocks' latest versions. \param ids  base64.
[[nodiscard]] std::string block_list_document(std::span<const std::string> ids);

}  // namespace cnf::storage
