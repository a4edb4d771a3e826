// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

#include "cnf/core/storage/gcs/gcs_json_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using Json = nlohmann::json;

constexpr const char* kMark = "cnf-write";

[[noreturn]] void refuse(std::string_view subject, std::string_view why) {
  throw Error(Errc::corrupt_data, "read the answer about", subject, why,
              "is the endpoint Google Cloud Storage?");
}

// A JSON object, or what is_discarded.
Json parse_any(std::string_view json) {
  return Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
}

Json parse(std::string_view json, std::string_view subject) {
  Json out = parse_any(json);
  if (!out.is_object()) refuse(subject, "it is no JSON object");
  return out;
}

const Json* member(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

// Empty if there is none.
std::string text_of(const Json& json, const char* name, std::string_view subject) {
  const Json* const value = member(json, name);
  if (value == nullptr) return {};
  if (!value->is_string()) refuse(subject, std::string(name) + " is no text");
  return value->get<std::string>();
}

// GCS writes 64-bit numbers as text, for JavaScript.
std::uint64_t number_of(const Json& json, const char* name, std::string_view subject) {
  const Json* const value = member(json, name);
  if (value != nullptr && value->is_number_unsigned()) return value->get<std::uint64_t>();
  const std::string text = value != nullptr ? text_of(json, name, subject) : std::string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    refuse(subject, std::string(name) + " is missing or no number");
  }
  return number;
}

GcsObject object_of(const Json& json, std::string_view subject) {
  if (!json.is_object()) refuse(subject, "an object is described by no JSON object");
  GcsObject out;
  out.info.size = number_of(json, "size", subject);
  out.info.etag = std::to_string(number_of(json, "generation", subject));
  if (!is_generation(out.info.etag)) refuse(subject, "the generation is none");
  if (const auto updated = text_of(json, "updated", subject); !updated.empty()) {
    const auto time = parse_iso8601(updated);
    if (!time) refuse(subject, "a date is none");
    out.info.modified = *time;
  }
  out.info.storage_class = text_of(json, "storageClass", subject);
  out.crc32c = text_of(json, "crc32c", subject);
  const Json* const metadata = member(json, "metadata");
  if (metadata != nullptr && metadata->is_object()) out.mark = text_of(*metadata, kMark, subject);
  return out;
}

}  // namespace

bool is_generation(std::string_view text) noexcept {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

std::optional<GcsError> parse_gcs_error(std::string_view json) {
  const Json document = parse_any(json);
  if (!document.is_object()) return std::nullopt;
  const Json* const error = member(document, "error");
  if (error == nullptr || !error->is_object()) return std::nullopt;
  GcsError out;
  if (const auto* text = member(*error, "message"); text != nullptr && text->is_string()) {
    out.message = one_line(text->get<std::string>());
  }
  const Json* const errors = member(*error, "errors");
  if (errors == nullptr || !errors->is_array() || errors->empty()) return out;
  const Json& first = errors->front();
  if (!first.is_object()) return out;
  if (const auto* text = member(first, "reason"); text != nullptr && text->is_string()) {
    out.reason = one_line(text->get<std::string>(), 60);
  }
  return out;
}

GcsObject parse_gcs_object(std::string_view json, std::string_view subject) {
  return object_of(parse(json, subject), subject);
}

std::string describe_gcs_object(std::string_view content_type, std::string_view mark,
                                std::string_view crc32c) {
  Json out = {{"metadata", {{kMark, mark}}}};
  if (!content_type.empty()) out["contentType"] = content_type;
  if (!crc32c.empty()) out["crc32c"] = crc32c;
  return out.dump();
}

std::string describe_gcs_copy(std::string_view json, std::string_view mark,
                              std::string_view subject) {
  const Json source = parse(json, subject);
  Json out = Json::object();
  std::string_view names = kGcsKeptFields;
  while (!names.empty()) {
    const std::string name(names.substr(0, names.find(',')));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    if (const Json* const value = member(source, name.c_str())) out[name] = *value;
  }
  Json& metadata = out["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  metadata[kMark] = mark;
  return out.dump();
}

ListPage parse_gcs_list(std::string_view json, std::string_view prefix, std::string_view subject) {
  const Json document = parse(json, subject);
  const auto check = [&](const std::string& key) {
    if (!key.empty() && key.starts_with(prefix)) return;
    refuse(subject, "the listing has a key that was not asked for");
  };
  ListPage page;
  if (const Json* const items = member(document, "items")) {
    if (!items->is_array()) refuse(subject, "the listing has no array of objects");
    page.objects.reserve(items->size());
    for (const Json& item : *items) {
      FileInfo& info = page.objects.emplace_back(object_of(item, subject).info);
      info.key = text_of(item, "name", subject);
      check(info.key);
    }
  }
  if (const Json* const prefixes = member(document, "prefixes")) {
    if (!prefixes->is_array()) refuse(subject, "the listing has no array of prefixes");
    for (const Json& item : *prefixes) {
      if (!item.is_string()) refuse(subject, "a common prefix is no text");
      check(page.prefixes.emplace_back(item.get<std::string>()));
    }
  }
  page.next = text_of(document, "nextPageToken", subject);
  return page;
}

GcsRewrite parse_gcs_rewrite(std::string_view json, std::string_view subject) {
  const Json document = parse(json, subject);
  GcsRewrite out;
  const Json* const done = member(document, "done");
  if (done == nullptr || !done->is_boolean()) refuse(subject, "it does not say if it is done");
  if (done->get<bool>()) {
    const Json* const object = member(document, "resource");
    if (object == nullptr) refuse(subject, "the copy is not described");
    out.object = object_of(*object, subject);
    return out;
  }
  out.token = text_of(document, "rewriteToken", subject);
  if (out.token.empty()) refuse(subject, "the copy is not done and has no token to go on with");
  return out;
}

}  // namespace cnf::storage
