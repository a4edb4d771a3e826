// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/import_pipeline_internal.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/journal_internal.h"
#include "cnf/formats/cryoem/level_writer_internal.h"

namespace cnf::cryoem {

/// The arrays of an image on their way to a store, from the claim on the place until somebody names
/// them in a commit.
class ImportSession {
 public:
  /// Claims the place, or takes up what an import that was cut short has left. \param base  where
  /// the arrays go: "" or "labels/NAME/". All must outlive it. Throws Error already_exists if
  /// another import is under way; invalid_argument if the one to resume had other options.
  ImportSession(const em::Source& source, const ImportPlan& plan,
                std::shared_ptr<storage::Storage> root, const ImportOptions& options,
                const std::string& base, const Context& context);

  /// Part of the names of all that the import puts beside its arrays.
  [[nodiscard]] const std::string& id() const noexcept { return journal_->content().id; }
  /// Of the arrays' paths below the base: "", or "ID/" where arrays lay there before.
  [[nodiscard]] const std::string& prefix() const noexcept { return *journal_->content().prefix; }
  /// The shards that are on the store.
  [[nodiscard]] const WrittenObjects& objects() const noexcept {
    return journal_->content().objects;
  }
  [[nodiscard]] std::uint64_t resumed() const noexcept { return found_.size(); }

  /// Brings all shards to the store.
  [[nodiscard]] ImportFacts run();
  /// Throws Error precondition_failed if another import has taken the place: the last look before a
  /// commit.
  void confirm() { journal_->save(context_); }
  /// After the commit, which stands whatever becomes of the journal.
  void close() noexcept;
  /// Removes shards and journal, as far as it can be done, if nothing can come of them: an input or
  /// an option was wrong. Otherwise leaves them to be taken up. For an import that failed.
  void give_up(const Error& error) noexcept;

 private:
  void begin(const std::optional<Journal::Found>& found, JournalContent content);
  void resume(const Journal::Found& found, JournalContent content);
  [[nodiscard]] bool is_occupied() const;
  void check_objects(JournalContent& content) const;

  const em::Source& source_;
  const ImportPlan& plan_;
  std::shared_ptr<storage::Storage> root_;
  const ImportOptions& options_;
  std::string base_;
  Context context_;
  std::optional<Journal> journal_;
  WrittenObjects found_;  // by an earlier attempt
};

}  // namespace cnf::cryoem
