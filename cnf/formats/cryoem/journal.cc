// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/cryoem/journal_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/shard.h"

namespace cnf::cryoem {
namespace {

using Json = nlohmann::json;

constexpr int kFormat = 1;

// A line an object: some hundred thousand of them.
constexpr std::uint64_t kMaxBytes = std::uint64_t{64} << 20;

constexpr std::string_view kSchema = R"json({
  "type": "object",
  "required": ["format", "id", "prefix", "source", "options", "objects"],
  "properties": {
    "format": {"type": "integer"},
    "id": {"type": "string", "minLength": 1, "maxLength": 64},
    "prefix": {"type": ["string", "null"], "maxLength": 128},
    "source": {"type": "object"},
    "options": {"type": "object"},
    "objects": {
      "type": "object",
      "additionalProperties": {
        "type": "array", "minItems": 2, "maxItems": 2,
        "items": {"type": "integer", "minimum": 0}
      }
    }
  }
})json";

}  // namespace

JournalContent parse_journal(ByteSpan text, std::string_view subject) {
  static const Json schema = Json::parse(kSchema);
  Json json = zarr::parse_document(text, subject);
  metadata::validate_json(json, schema, subject);
  if (json.at("format") != kFormat) {
    throw Error(Errc::unsupported, "read", subject, "a journal of a later version",
                "resume with the version of cnf that began the import");
  }
  JournalContent content{.id = json.at("id"),
                         .prefix = {},
                         .source = std::move(json.at("source")),
                         .options = std::move(json.at("options")),
                         .objects = {}};
  if (const Json& prefix = json.at("prefix"); !prefix.is_null())
    content.prefix = prefix.get<std::string>();
  for (const auto& [key, object] : json.at("objects").items()) {
    // The schema takes 1e300 for an integer too.
    if (!object.at(0).is_number_unsigned() || !object.at(1).is_number_unsigned() ||
        object.at(1).get<std::uint64_t>() > 0xffffffffU)
      throw Error(Errc::corrupt_data, "read", subject, "a length or sum that is none: " + key);
    content.objects[key] = {.key = key,
                            .length = object.at(0).get<std::uint64_t>(),
                            .crc32c = object.at(1).get<std::uint32_t>()};
  }
  return content;
}

std::string to_text(const JournalContent& content) {
  Json objects = Json::object();
  for (const auto& [key, object] : content.objects)
    objects[key] = Json::array({object.length, object.crc32c});
  return Json{{"format", kFormat},
              {"id", content.id},
              {"prefix", content.prefix ? Json(*content.prefix) : Json()},
              {"source", content.source},
              {"options", content.options},
              {"objects", std::move(objects)}}
      .dump();
}

std::optional<Journal::Found> Journal::find(const storage::Storage& storage,
                                            const Context& context) {
  try {
    const storage::Object object = storage.read_all(kJournalKey, kMaxBytes, context);
    return Found{.content = parse_journal(object.bytes, storage.uri(kJournalKey)),
                 .etag = object.info.etag};
  } catch (const Error& error) {
    if (error.code() == Errc::not_found) return std::nullopt;
    throw;
  }
}

Journal Journal::create(std::shared_ptr<storage::Storage> storage, JournalContent content,
                        const Context& context) {
  Journal journal(std::move(storage), std::move(content));
  journal.put(storage::Condition::if_absent(), context);
  return journal;
}

Journal Journal::take_over(std::shared_ptr<storage::Storage> storage, JournalContent content,
                           const std::string& etag, const Context& context) {
  Journal journal(std::move(storage), std::move(content));
  journal.put(storage::Condition::if_match(etag), context);
  return journal;
}

void Journal::add(const zarr::WrittenObject& object) { content_.objects[object.key] = object; }

void Journal::save(const Context& context) { put(storage::Condition::if_match(etag_), context); }

void Journal::remove(const Context& context) {
  const std::optional<Found> found = find(*storage_, context);
  if (found && found->content.id == content_.id) storage_->remove(kJournalKey, context);
}

void Journal::put(const storage::Condition& condition, const Context& context) {
  const std::string text = to_text(content_);
  try {
    etag_ = storage_
                ->put(kJournalKey, as_bytes(text),
                      {.condition = condition, .content_type = "application/json"}, context)
                .etag;
    return;
  } catch (const Error& error) {
    if (error.code() != Errc::precondition_failed && error.code() != Errc::already_exists) throw;
  }
  // A store whose answer was lost refuses its client's own retry.
  const storage::Object found = storage_->read_all(kJournalKey, kMaxBytes, context);
  if (as_text(found.bytes) == text) {
    etag_ = found.info.etag;
    return;
  }
  const bool claims = condition.kind() == storage::Condition::Kind::if_absent;
  throw Error(claims ? Errc::already_exists : Errc::precondition_failed, "import", storage_->uri(),
              "another import is writing here",
              claims ? "wait for it, or choose another place" : "it goes on alone");
}

}  // namespace cnf::cryoem
