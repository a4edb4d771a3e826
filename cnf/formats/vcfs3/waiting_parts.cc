// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/waiting_parts.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/metadata/seal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/source_part.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::string_view kPrefix = "_index/part-";
constexpr std::string_view kSuffix = ".json";
constexpr std::size_t kMostTold = 10;  // numbers of missing parts

std::string prefix_of(PartNumber part) {
  return fmt::format("{}{}-of-{}-", kPrefix, part.number, part.of);
}

/// Takes a number off the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// nullopt for other objects.
std::optional<PartNumber> part_of(std::string_view key) {
  constexpr std::string_view kOf = "-of-";
  if (!key.starts_with(kPrefix) || !key.ends_with(kSuffix)) return std::nullopt;
  std::string_view rest = key.substr(kPrefix.size());
  const auto number = take_number(rest);
  if (!number || !rest.starts_with(kOf)) return std::nullopt;
  rest.remove_prefix(kOf.size());
  const auto of = take_number(rest);
  if (!of || !rest.starts_with('-')) return std::nullopt;
  if (*number == 0 || *number > *of || *of > kMaxParts) return std::nullopt;
  return PartNumber{.number = *number, .of = *of};
}

/// The newest object of each part, all of one number of parts.
std::map<std::uint64_t, storage::FileInfo> newest_of(const storage::Storage& root,
                                                     const Context& context, std::uint64_t& of) {
  std::map<std::uint64_t, storage::FileInfo> newest;
  for (const storage::FileInfo& info : root.list({.prefix = std::string(kPrefix)}, context)) {
    const std::optional<PartNumber> part = part_of(info.key);
    if (!part) continue;
    if (!newest.empty() && part->of != of) {
      throw Error(Errc::invalid_argument, "commit", root.uri(),
                  fmt::format("it has parts of {} and parts of {}", of, part->of),
                  fmt::format("remove the others: cnf rm {}", root.uri(info.key)));
    }
    of = part->of;
    const auto [found, is_new] = newest.try_emplace(part->number, info);
    if (!is_new &&
        std::tie(info.modified, info.key) > std::tie(found->second.modified, found->second.key)) {
      found->second = info;
    }
  }
  return newest;
}

void require_all(const storage::Storage& root,
                 const std::map<std::uint64_t, storage::FileInfo>& parts, std::uint64_t of) {
  if (parts.empty()) {
    throw Error(Errc::not_found, "commit", root.uri(), "no part was converted",
                "run cnf vcfs3 convert --part I/N for each part first");
  }
  if (parts.size() == of) return;
  std::string missing;
  std::size_t told = 0;
  for (std::uint64_t number = 1; number <= of && told < kMostTold; ++number) {
    if (parts.contains(number)) continue;
    missing += fmt::format("{}{}", told++ == 0 ? "" : ", ", number);
  }
  const std::size_t count = of - parts.size();
  throw Error(Errc::not_found, "commit", root.uri(),
              fmt::format("of {} parts {} missing: {}{}", of, count == 1 ? "one is" : "some are",
                          missing, count > told ? ", …" : ""),
              "run cnf vcfs3 convert --part for them");
}

metadata::Metadata load_manifest(const storage::Storage& root, const std::string& key,
                                 const Context& context) {
  const storage::Object object = root.read_all(key, metadata::kMaxManifestBytes, context);
  const std::string subject = root.uri(key);
  metadata::check_seal(object.bytes, subject);
  metadata::Metadata manifest = metadata::parse_metadata(object.bytes, subject);
  manifest.unknown.erase(metadata::kSealField);
  if (!manifest.custom.contains("part"))
    throw Error(Errc::corrupt_data, "commit", subject, "it is no part of a dataset");
  return manifest;
}

/// Each part begins where the one before it ends, and was made in the same way.
void require_fitting(const storage::Storage& root, const std::vector<WaitingPart>& parts) {
  const nlohmann::json& first = parts.front().manifest.custom.at("part");
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const nlohmann::json& before = parts[i - 1].manifest.custom.at("part");
    const nlohmann::json& part = parts[i].manifest.custom.at("part");
    const auto refuse = [&](const std::string& why) {
      throw Error(Errc::invalid_argument, "commit", root.uri(),
                  fmt::format("part {} {}", parts[i].part.number, why),
                  "convert all parts of one input with the same options");
    };
    for (const auto& [name, value] : first.at("same").items()) {
      if (part.at("same").value(name, nlohmann::json()) != value)
        refuse(fmt::format("differs from part 1 in its {}", name));
    }
    if (part.at("begin") != before.at("end")) refuse("does not begin where the one before it ends");
  }
}

}  // namespace

std::vector<std::string> waiting_keys(const std::shared_ptr<storage::Storage>& root,
                                      const Context& context, const PartNumber* of) {
  std::vector<std::string> keys;
  const std::string prefix = of == nullptr ? std::string(kPrefix) : prefix_of(*of);
  for (const storage::FileInfo& info : root->list({.prefix = prefix}, context)) {
    if (part_of(info.key)) keys.push_back(info.key);
  }
  return keys;
}

void put_waiting(const std::shared_ptr<storage::Storage>& root, const metadata::Metadata& manifest,
                 PartNumber part, const std::string& id, const Context& context) {
  const std::string text = metadata::seal(metadata::to_json(manifest));
  root->put(prefix_of(part) + id + std::string(kSuffix), as_bytes(text),
            {.content_type = "application/json"}, context);
}

std::vector<WaitingPart> load_waiting(const std::shared_ptr<storage::Storage>& root,
                                      const Context& context) {
  std::uint64_t of = 0;
  const auto newest = newest_of(*root, context, of);
  require_all(*root, newest, of);
  std::vector<WaitingPart> parts;
  for (const auto& [number, info] : newest) {
    parts.push_back({.part = {.number = number, .of = of},
                     .key = info.key,
                     .manifest = load_manifest(*root, info.key, context)});
  }
  try {
    require_fitting(*root, parts);
  } catch (const nlohmann::json::exception&) {
    throw Error(Errc::corrupt_data, "commit", root->uri(), "a part does not say where it lies");
  }
  return parts;
}

}  // namespace cnf::vcfs3
