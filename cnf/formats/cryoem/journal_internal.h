// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/cryoem/level_writer_internal.h"
#include "cnf/zarr/shard.h"

namespace cnf::cryoem {

/// What an import that is under way has brought to a store so far; SPEC.md has its fields. It is
/// also the claim on the place: there is one, and whoever changes it must have read it last.
struct JournalContent {
  std::string id;  ///< Of the import: a part of the names of its objects.
  /// Of its arrays' paths: "", or "ID/" where something lay there before; none before it is known.
  std::optional<std::string> prefix = {};
  nlohmann::json source = nlohmann::json::object();   ///< em::Source::identity()
  nlohmann::json options = nlohmann::json::object();  ///< ImportPlan::options_json() and more.
  WrittenObjects objects = {};
};

inline constexpr std::string_view kJournalKey = "__cnf/journal";

/// Throws Error corrupt_data with `subject`. Pure.
[[nodiscard]] JournalContent parse_journal(ByteSpan text, std::string_view subject);
[[nodiscard]] std::string to_text(const JournalContent& content);

/// The journal of this import. Threads: one at a time.
class Journal {
 public:
  /// Claims a place that has no journal. Throws Error already_exists if there is one.
  [[nodiscard]] static Journal create(std::shared_ptr<storage::Storage> storage,
                                      JournalContent content, const Context& context);
  /// Claims a place whose journal was read with `etag`, for `content`. Throws Error
  /// precondition_failed if the journal's owner is still at work and wrote it meanwhile.
  [[nodiscard]] static Journal take_over(std::shared_ptr<storage::Storage> storage,
                                         JournalContent content, const std::string& etag,
                                         const Context& context);
  struct Found {
    JournalContent content;
    std::string etag;
  };
  /// The journal at a place, if there is one. One request.
  [[nodiscard]] static std::optional<Found> find(const storage::Storage& storage,
                                                 const Context& context);

  [[nodiscard]] const JournalContent& content() const noexcept { return content_; }
  void set_prefix(std::string prefix) { content_.prefix = std::move(prefix); }
  /// Notes an object. The store learns of it with the next save().
  void add(const zarr::WrittenObject& object);
  /// Throws Error precondition_failed if another import has taken the place.
  void save(const Context& context);
  /// Takes the claim back, unless it is another's by now.
  void remove(const Context& context);

 private:
  Journal(std::shared_ptr<storage::Storage> storage, JournalContent content)
      : storage_(std::move(storage)), content_(std::move(content)) {}
  void put(const storage::Condition& condition, const Context& context);

  std::shared_ptr<storage::Storage> storage_;
  JournalContent content_;
  std::string etag_;
};

}  // namespace cnf::cryoem
