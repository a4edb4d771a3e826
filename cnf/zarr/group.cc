// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/ome.h"

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;

std::string join(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}/{}", path, name);
}

/// A JSON object of the store; null where there is none.
struct Document {
  Json json;
  std::string etag;
};

Document read_document(const storage::Storage& storage, const std::string& key,
                       const Context& context) {
  try {
    const storage::Object object = storage.read_all(key, kMaxDocumentBytes, context);
    return {.json = parse_document(object.bytes, storage.uri(key)), .etag = object.info.etag};
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return {};
  }
}

Json attributes_of(const Json& document) {
  const Json* const attributes = optional_member(document, "attributes");
  return attributes == nullptr ? Json::object() : *attributes;
}

// A node that cannot be read here may be none that anybody asks for: it is said when it is opened.
template <typename Parse>
void add_node(Group& group, const std::string& path, const Parse& parse) {
  try {
    group.nodes.emplace_back(path, parse());
  } catch (const Error& error) {
    if (error.code() != Errc::unsupported) throw;
  }
}

// zarr-python's consolidated metadata: {"metadata": {"0": {…}}}.
void add_nodes(Group& group, const std::string& subject) {
  const Json* const consolidated = optional_member(group.document, "consolidated_metadata");
  if (consolidated == nullptr || !consolidated->is_object()) return;
  const Json* const metadata = optional_member(*consolidated, "metadata");
  if (metadata == nullptr || !metadata->is_object()) return;
  for (const auto& [path, node] : metadata->items()) {
    if (!node.is_object() || node.value("node_type", Json()) != "array") continue;
    const Json& array = node;  // clang 14 takes no structured binding into a lambda
    const std::string name = join(subject, path);
    add_node(group, path, [&] { return parse_array(array, name); });
  }
}

// Of v2: {"metadata": {"0/.zarray": {…}, "0/.zattrs": {…}}}.
void add_nodes_v2(Group& group, const Json& zmetadata, const std::string& subject) {
  constexpr std::string_view kArray = "/.zarray";
  if (!zmetadata.is_object()) return;
  const Json* const metadata = optional_member(zmetadata, "metadata");
  if (metadata == nullptr || !metadata->is_object()) return;
  for (const auto& [key, zarray] : metadata->items()) {
    if (!key.ends_with(kArray)) continue;
    const std::string path = key.substr(0, key.size() - kArray.size());
    const auto zattrs = metadata->find(path + "/.zattrs");
    const Json& array = zarray;
    const std::string name = join(subject, key);
    add_node(group, path, [&] {
      return parse_array_v2(array, zattrs == metadata->end() ? Json() : *zattrs, name);
    });
  }
}

std::optional<Group> open_v2(std::shared_ptr<const storage::Storage> storage,
                             const std::string& path, const Context& context) {
  constexpr std::array<std::string_view, 3> kKeys = {".zgroup", ".zattrs", ".zmetadata"};
  std::array<std::future<Document>, kKeys.size()> coming;
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    coming[i] = std::async(std::launch::async, read_document, std::cref(*storage),
                           join(path, kKeys[i]), std::cref(context));
  }
  std::array<Json, kKeys.size()> came;
  for (std::size_t i = 0; i < kKeys.size(); ++i) came[i] = coming[i].get().json;
  const auto& [zgroup, zattrs, zmetadata] = came;
  if (zgroup.is_null()) return std::nullopt;
  const std::string subject = storage->uri(path);
  if (!zattrs.is_null() && !zattrs.is_object()) refuse(subject, ".zattrs is no object");
  Group group{.storage = std::move(storage),
              .path = path,
              .zarr_format = 2,
              .attributes = zattrs.is_null() ? Json::object() : zattrs,
              .document = {},
              .etag = {},
              .nodes = {}};
  add_nodes_v2(group, zmetadata, subject);
  return group;
}

}  // namespace

std::optional<Group> Group::try_open(std::shared_ptr<const storage::Storage> storage,
                                     const std::string& path, const Context& context) {
  const std::string key = join(path, "zarr.json");
  Document found = read_document(*storage, key, context);
  if (found.json.is_null()) return open_v2(std::move(storage), path, context);
  const std::string subject = storage->uri(key);
  if (integer_of(member(found.json, "zarr_format", subject), "zarr_format", 0, 99, subject) != 3) {
    not_read_here(subject, "zarr_format is not 3");
  }
  const std::string& type = text_of(member(found.json, "node_type", subject), "node_type", subject);
  if (type == "array") return std::nullopt;
  if (type != "group") refuse(subject, "node_type is neither group nor array");
  Group group{.storage = std::move(storage),
              .path = path,
              .zarr_format = 3,
              .attributes = attributes_of(found.json),
              .document = std::move(found.json),
              .etag = std::move(found.etag),
              .nodes = {}};
  if (!group.attributes.is_object()) refuse(subject, "attributes are no object");
  add_nodes(group, subject);
  return group;
}

Group Group::open(std::shared_ptr<const storage::Storage> storage, const std::string& path,
                  const Context& context) {
  const std::string uri = storage->uri(path);
  auto group = try_open(std::move(storage), path, context);
  if (!group) {
    throw Error(Errc::not_found, "open", uri,
                "there is no Zarr group: neither zarr.json nor .zgroup");
  }
  return *std::move(group);
}

Array Group::array(const std::string& name, const Context& context) const {
  for (const auto& [node, metadata] : nodes) {
    if (node == name) return {storage, join(path, name), metadata};
  }
  return Array::open(storage, join(path, name), context);
}

}  // namespace cnf::zarr
