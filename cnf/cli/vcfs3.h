// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cnf/cli/formats.h"
#include "cnf/cli/session.h"
#include "cnf/core/query/dataset.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::cli {

class Verb;

// The verbs of `cnf vcfs3`, each in the file of its name.
void add_vcfs3_convert(Verb& vcfs3);
void add_vcfs3_view(Verb& vcfs3);
void add_vcfs3_query(Verb& vcfs3);
void add_vcfs3_carriers(Verb& vcfs3);
void add_vcfs3_samples(Verb& vcfs3);
void add_vcfs3_stats(Verb& vcfs3);
void add_vcfs3_export(Verb& vcfs3);
void add_vcfs3_add(Verb& vcfs3);
void add_vcfs3_merge(Verb& vcfs3);

/// Opens the VCFS3 dataset at `uri`.
[[nodiscard]] vcfs3::Dataset open_vcfs3(Session& session, const std::string& uri);

/// What `cnf validate` asks of VCFS3 beyond what it asks of all datasets; see FormatChecks.
[[nodiscard]] std::vector<query::Finding> validate_vcfs3(const query::Dataset& dataset, Depth depth,
                                                         Session& session);

/// Which records and samples a command line asks for: options that several verbs have in common.
struct SelectionArgs {
  std::vector<std::string> positional_regions;
  std::vector<std::string> regions, targets, ids, samples;
  std::string regions_file, targets_file, samples_file;
  bool force_samples = false;
  std::string include, exclude;
  bool known = false, novel = false, uncalled = false, called = false, phased = false,
       unphased = false;  // flags, each as its option
  bool only_alternate = false;
  std::optional<std::int64_t> limit;
  vcfs3::SiteSelection selection;
};

/// Options that say where records lie: regions, targets, IDs.
void add_place_options(Verb& verb, const std::shared_ptr<SelectionArgs>& args);
/// Those and all others. \param short_filter  "-f," where it stands for --apply-filters.
void add_selection_options(Verb& verb, const std::shared_ptr<SelectionArgs>& args,
                           const std::string& short_filter);

/// A query, and the names of the samples of its answer where not all were asked for.
struct SelectedRecords {
  vcfs3::ViewQuery query;
  std::optional<std::vector<std::string>> samples;
};

/// Looks up what was asked for by name. Throws Error not_found if a contig, a sample or an ID is
/// not there, UsageError.
[[nodiscard]] SelectedRecords select_records(const SelectionArgs& args,
                                             const vcfs3::Dataset& dataset,
                                             vcfs3::ViewQuery::Condition condition,
                                             Session& session);

/// The header of an answer with these samples; nullopt: all.
[[nodiscard]] vcfs3::Header answer_definitions(const vcfs3::Dataset& dataset,
                                               const std::optional<std::vector<std::string>>& names,
                                               Session& session);

}  // namespace cnf::cli
