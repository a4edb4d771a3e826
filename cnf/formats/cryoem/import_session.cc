// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/import_pipeline_internal.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/import_session_internal.h"
#include "cnf/formats/cryoem/journal_internal.h"
#include "cnf/formats/cryoem/level_writer_internal.h"
#include "cnf/zarr/shard.h"

namespace cnf::cryoem {
namespace {

/// The context that ended the work must not end the cleaning as well.
Context cleaning_context() {
  return Context().with_deadline(Context::Clock::now() + std::chrono::seconds(10));
}

/// Throws Error invalid_argument naming the first field in which an import differs from the one
/// that is to be taken up.
void check_same(const nlohmann::json& now, const nlohmann::json& then, std::string_view what,
                const std::string& place) {
  for (const auto& [name, value] : now.items()) {
    const auto found = then.find(name);
    const std::string before = found == then.end() ? "nothing" : found->dump();
    if (before == value.dump()) continue;
    throw Error(Errc::invalid_argument, "resume the import into", place,
                std::string(what) + " was not the same: " + name + " is " + value.dump() +
                    ", it was " + before,
                "resume as it was begun, or begin anew with --overwrite");
  }
}

}  // namespace

ImportSession::ImportSession(const em::Source& source, const ImportPlan& plan,
                             std::shared_ptr<storage::Storage> root, const ImportOptions& options,
                             const std::string& base, const Context& context)
    : source_(source),
      plan_(plan),
      root_(std::move(root)),
      options_(options),
      base_(base),
      context_(context) {
  JournalContent content{
      .id = random_id(), .source = source.identity(), .options = plan.options_json()};
  content.options["into"] = base;
  const std::optional<Journal::Found> found = Journal::find(*root_, context);
  if (found && options.resume) {
    resume(*found, std::move(content));
  } else {
    begin(found, std::move(content));
  }
  if (!journal_->content().prefix) {
    // Looked for under the claim: nobody can put arrays there any more.
    journal_->set_prefix(is_occupied() ? id() + "/" : "");
    journal_->save(context_);
  }
}

void ImportSession::begin(const std::optional<Journal::Found>& found, JournalContent content) {
  if (!found) {
    journal_ = Journal::create(root_, std::move(content), context_);
  } else if (options_.existing == query::Existing::replace) {
    // Its owner may still be at work, and must not meet our objects where it puts its own.
    content.prefix = content.id + "/";
    journal_ = Journal::take_over(root_, std::move(content), found->etag, context_);
  } else {
    throw Error(Errc::already_exists, "import", root_->uri(),
                "an import into it is under way, or was cut short",
                "wait for it, go on with --resume, or begin anew with --overwrite");
  }
}

void ImportSession::resume(const Journal::Found& found, JournalContent content) {
  check_same(content.source, found.content.source, "the input", root_->uri());
  check_same(content.options, found.content.options, "an option", root_->uri());
  JournalContent mine = found.content;
  check_objects(mine);
  found_ = mine.objects;
  // A new text, so that one who is still at work finds that the place was taken.
  mine.options["resumed"] = content.id;
  journal_ = Journal::take_over(root_, std::move(mine), found.etag, context_);
}

bool ImportSession::is_occupied() const {
  for (const storage::FileInfo& info : root_->list({.prefix = base_, .delimiter = "/"}, context_)) {
    const std::string_view name = std::string_view(info.key).substr(base_.size());
    if (name.find_first_not_of("0123456789") == name.size() - 1 && name.ends_with('/') &&
        name.size() > 1)
      return true;
  }
  return false;
}

/// Keeps those that are on the store with the length that the journal tells.
void ImportSession::check_objects(JournalContent& content) const {
  std::map<std::string, std::uint64_t> lengths;
  for (std::size_t level = 0; content.prefix && level < plan_.levels.size(); ++level) {
    const std::string folder = base_ + *content.prefix + std::to_string(level) + "/c/";
    for (const storage::FileInfo& info : root_->list({.prefix = folder}, context_))
      lengths[info.key] = info.size;
  }
  std::erase_if(content.objects, [&](const auto& entry) {
    const auto found = lengths.find(entry.first);
    return found == lengths.end() || found->second != entry.second.length;
  });
}

ImportFacts ImportSession::run() {
  const ImportPipeline::Options options{
      .threads = options_.threads,
      .progress = options_.progress,
      .prefix = base_ + prefix(),
      .done = [this](std::size_t level, const zarr::WrittenObject& object) {
        journal_->add(object);
        // Those of further levels are small: they wait for the next of level 0.
        if (level == 0) journal_->save(context_);
      }};
  return ImportPipeline(source_, plan_, root_, found_, options, context_).run();
}

void ImportSession::close() noexcept {
  try {
    journal_->remove(cleaning_context());
  } catch (const Error&) {
    return;  // an orphan, which gc removes; the next import says how to go on
  }
}

void ImportSession::give_up(const Error& error) noexcept {
  if (error.code() != Errc::invalid_argument && error.code() != Errc::corrupt_data &&
      error.code() != Errc::unsupported)
    return;
  try {
    std::vector<std::string> keys;
    for (const auto& [key, object] : objects()) keys.push_back(key);
    root_->remove(keys, cleaning_context());
    journal_->remove(cleaning_context());
  } catch (const Error&) {
    return;  // what is left can be resumed or overwritten, and gc removes it
  }
}

}  // namespace cnf::cryoem
