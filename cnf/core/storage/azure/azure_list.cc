// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/azure/azure_client_internal.h"
#include "cnf/core/storage/azure/azure_storage_internal.h"
#include "cnf/core/storage/azure/azure_xml_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {
namespace {

// Without a character at its end of which only the first bytes are there: the service knows
// characters, ours are bytes.
std::string_view whole_characters(std::string_view prefix) {
  std::size_t start = prefix.size();
  while (start > 0 && prefix.size() - start < 4) {
    const auto byte = static_cast<unsigned char>(prefix[--start]);
    if ((byte & 0xC0U) == 0x80U) continue;  // not a character's first byte
    const std::size_t length = byte >= 0xF0U ? 4 : byte >= 0xE0U ? 3 : byte >= 0xC0U ? 2 : 1;
    return length > prefix.size() - start ? prefix.substr(0, start) : prefix;
  }
  return prefix;
}

}  // namespace

// Pages have as many entries as the service gives, which is 5000. It cannot be told to start after
// a key, so what comes before is read and dropped: a request for each 5000 of them.
ListPage AzureStorage::do_list_page(const ListOptions& options, const std::string& token,
                                    const Context& context) const {
  auto call = client_->call(RequestKind::list, "list", "GET", {}, context);
  call.subject = client_->uri(options.prefix);
  const std::string subject = call.subject;
  auto& query = call.request.query;
  query = {{"restype", "container"}, {"comp", "list"}};
  const std::string prefix(whole_characters(options.prefix));
  if (!prefix.empty()) query.emplace_back("prefix", prefix);
  if (!options.delimiter.empty()) query.emplace_back("delimiter", options.delimiter);
  if (!token.empty()) query.emplace_back("marker", token);
  ListPage page = parse_azure_list(client_->run(std::move(call)).value().body, prefix, subject);
  const auto unwanted = [&](std::string_view key) {
    return key <= options.start_after || !key.starts_with(options.prefix);
  };
  std::erase_if(page.prefixes, unwanted);
  std::erase_if(page.objects, [&](const FileInfo& info) { return unwanted(info.key); });
  return page;
}

}  // namespace cnf::storage
