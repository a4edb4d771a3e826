// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/metadata/manager.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/metadata/manifest_internal.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/metadata/seal.h"
#include "cnf/core/storage/sharding.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::metadata {
namespace {

using Json = nlohmann::json;

// Part of an object's key as it lies on the root store: the shard's prefix, and the key below it.
struct Placed {
  std::string_view shard;
  std::string_view key;
};

// "a3/data/…" is of shard a3 under any sharding that has such a prefix; "data/…" is of none.
Placed placed(std::string_view key) {
  const std::string_view head = key.substr(0, key.find('/'));
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (head.empty() || head.size() > 2 || head.size() == key.size() ||
      !std::ranges::all_of(head, is_hex)) {
    return {{}, key};
  }
  return {head, key.substr(head.size() + 1)};
}

// True for keys that only a writer of datasets makes. In what looks like a shard but may be
// anybody's folder, that takes a chunk's full name.
bool is_ours(const Placed& object) {
  if (!object.shard.empty()) return parse_chunk_name(object.key).has_value();
  return object.key.starts_with("data/") || object.key.starts_with("_index/") ||
         object.key.starts_with("_header") || object.key.starts_with("_samples-");
}

// Tells what a manifest names from what it does not.
class Named {
 public:
  explicit Named(const Metadata& metadata) : chunks_(metadata.chunks) {
    for (const ObjectInfo& object : metadata.objects) paths_.insert(object.path);
    if (metadata.storage.sharding_bits != 0) sharding_.emplace(metadata.storage.sharding_bits);
  }

  [[nodiscard]] bool has(std::string_view key) const {
    if (paths_.contains(key)) return true;
    const Placed object = placed(key);
    if (chunks_.runs.empty() && chunks_.num_chunks != 0) {
      return object.key.starts_with(
          "data/");  // named by the format's own rule, which we do not know
    }
    const std::optional<ChunkName> chunk = parse_chunk_name(object.key);
    if (!chunk || object.shard != shard_of(object.key)) return false;
    return std::ranges::any_of(chunks_.runs, [&](const ChunkRun& run) {
      return run.id == chunk->id && chunk->number >= run.first &&
             chunk->number - run.first < run.count;
    });
  }

 private:
  [[nodiscard]] std::string shard_of(std::string_view key) const {
    return sharding_ ? sharding_->prefix(key) : std::string();
  }

  const Metadata::Chunks& chunks_;
  std::set<std::string, std::less<>> paths_;
  std::optional<storage::HashSharding> sharding_;
};

// Of a group's zarr.json, below its `attributes`.
constexpr const char* kAttribute = "cnf";

// Zarr says where the chunks of an array lie.
void require_no_shards(const Metadata& metadata, Errc code, std::string_view doing,
                       std::string_view subject) {
  if (metadata.storage.sharding_bits == 0) return;
  throw Error(code, doing, subject, "the chunks of a Zarr group are not spread over prefixes");
}

std::string text_with(const Metadata& metadata, Json group) {
  require_no_shards(metadata, Errc::invalid_argument, "commit", metadata.format);
  if (!group.is_object() || group.value("node_type", Json()) != "group") {
    throw Error(Errc::invalid_argument, "commit", metadata.format,
                "what is to carry the manifest is no group of Zarr v3");
  }
  try {
    group["attributes"][kAttribute] = seal_fields(Json::parse(to_json(metadata)));
    return group.dump(2) + "\n";
  } catch (const Json::exception& error) {
    throw Error(Errc::invalid_argument, "commit", metadata.format, error.what());
  }
}

}  // namespace

std::optional<Committed> committed_in(Json group, std::string etag, std::string_view subject) {
  const auto attributes = group.is_object() ? group.find("attributes") : group.end();
  if (attributes == group.end() || !attributes->is_object()) return {};
  const auto sealed = attributes->find(kAttribute);
  if (sealed == attributes->end()) return {};
  Json manifest = check_sealed_fields(std::move(*sealed), subject);
  attributes->erase(sealed);
  Committed committed{.metadata = read_metadata(std::move(manifest), subject),
                      .etag = std::move(etag),
                      .group = std::move(group)};
  require_no_shards(committed.metadata, Errc::corrupt_data, "read manifest", subject);
  return committed;
}

Committed Manager::load(const Context& context, Place place) const {
  std::optional<Committed> committed = try_load(context, place);
  if (committed) return std::move(*committed);
  throw Error(Errc::not_found, "open", storage_->uri(),
              "there is no dataset here: neither _metadata.json nor a zarr.json with a manifest",
              "check the path or URI");
}

std::optional<Committed> Manager::try_load(const Context& context, Place place) const {
  std::optional<Committed> committed;
  if (place != Place::group) committed = load_object(context);
  if (!committed && place != Place::object) committed = load_group(context);
  return committed;
}

std::optional<storage::Object> Manager::try_read(std::string_view key,
                                                 const Context& context) const {
  try {
    return storage_->read_all(key, kMaxManifestBytes, context);
  } catch (const Error& error) {
    if (error.code() == Errc::not_found) return {};
    throw;
  }
}

std::optional<Committed> Manager::load_object(const Context& context) const {
  std::optional<storage::Object> object = try_read(kManifestKey, context);
  if (!object) return {};
  const std::string subject = storage_->uri(kManifestKey);
  check_seal(object->bytes, subject);
  Committed committed{.metadata = parse_metadata(object->bytes, subject),
                      .etag = std::move(object->info.etag)};
  committed.metadata.unknown.erase(kSealField);
  return committed;
}

std::optional<Committed> Manager::load_group(const Context& context) const {
  std::optional<storage::Object> object = try_read(kGroupKey, context);
  if (!object) return {};
  const std::string subject = storage_->uri(kGroupKey);
  return committed_in(parse_json(object->bytes, subject), std::move(object->info.etag), subject);
}

void Manager::create(const Metadata& metadata, const Context& context, const Json& group) {
  commit(metadata, group, storage::Condition::if_absent(), context);
}

void Manager::replace(const Metadata& metadata, const std::string& etag, const Context& context,
                      const Json& group) {
  if (etag.empty()) {
    throw Error(Errc::invalid_argument, "commit", storage_->uri(),
                "no ETag of the dataset to replace");
  }
  commit(metadata, group, storage::Condition::if_match(etag), context);
}

void Manager::commit(const Metadata& metadata, const Json& group, storage::Condition condition,
                     const Context& context) {
  const std::string text = group.is_null() ? seal(to_json(metadata)) : text_with(metadata, group);
  const std::string_view key = group.is_null() ? kManifestKey : kGroupKey;
  if (text.size() > kMaxManifestBytes) {
    throw Error(Errc::invalid_argument, "commit", storage_->uri(), "the manifest exceeds 64 MiB");
  }
  const storage::WriteOptions options{.condition = std::move(condition),
                                      .content_type = "application/json",
                                      .size_hint = text.size()};
  try {
    storage_->put(key, as_bytes(text), options, context);
  } catch (const Error& error) {
    const bool refused =
        error.code() == Errc::already_exists || error.code() == Errc::precondition_failed;
    if (!refused) throw;
    // An attempt whose answer was lost may have landed; then its retry is refused by our own
    // commit.
    if (holds(key, text, context)) return;
    if (options.condition.kind() == storage::Condition::Kind::if_absent) {
      throw Error(Errc::already_exists, "commit", storage_->uri(), "there is a dataset already",
                  "replace it with --overwrite");
    }
    throw Error(Errc::precondition_failed, "commit", storage_->uri(),
                "somebody else committed here first", "run again");
  }
}

bool Manager::holds(std::string_view key, std::string_view text, const Context& context) const {
  const std::optional<storage::Object> object = try_read(key, context);
  return object && as_text(object->bytes) == text;
}

std::shared_ptr<storage::Storage> Manager::chunk_storage(std::shared_ptr<storage::Storage> root,
                                                         const Metadata& metadata) {
  if (metadata.storage.sharding_bits == 0) return root;
  return storage::sharded(std::move(root), storage::HashSharding(metadata.storage.sharding_bits));
}

std::vector<storage::FileInfo> Manager::orphans(const Metadata& metadata,
                                                const Context& context) const {
  const Named named(metadata);
  std::vector<storage::FileInfo> found;
  for (const storage::FileInfo& info : storage_->list({}, context)) {
    if (is_ours(placed(info.key)) && !named.has(info.key)) found.push_back(info);
  }
  return found;
}

}  // namespace cnf::metadata
