// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/cli/verb.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/region_set.h"
#include "cnf/formats/vcfs3/selection.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::cli {
namespace {

/// Reads what a look-up needs. An object that is missing is damage: not what "no such ID" means.
template <typename Read>
auto look_up(const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    throw Error(Errc::corrupt_data, "read", error.subject(), "an object of the dataset is missing",
                "cnf validate tells what else is");
  }
}

using vcfs3::SiteSelection;
using vcfs3::ViewQuery;

std::vector<index::Interval> intervals_of(const std::vector<std::string>& texts,
                                          const std::string& file, const vcfs3::Dataset& dataset,
                                          Session& session) {
  std::vector<index::Interval> intervals;
  const auto add = [&](const std::vector<index::Interval>& more) {
    intervals.insert(intervals.end(), more.begin(), more.end());
  };
  for (const std::string& text : texts) add(vcfs3::parse_regions(text, dataset.contigs()));
  if (!file.empty()) {
    const bool is_bed = file.ends_with(".bed");
    add(vcfs3::read_regions(read_text(file, session), is_bed, dataset.contigs(), file));
    // Regions were asked for, if none of this dataset: everything would be the wrong answer.
    if (intervals.empty()) {
      throw Error(Errc::not_found, "look up regions", file, "it names no contig of the dataset");
    }
  }
  return intervals;
}

/// "^" before a list or a file name: all but those.
bool take_caret(std::string& text) {
  if (!text.starts_with('^')) return false;
  text.erase(0, 1);
  return true;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> items;
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    if (!item.empty()) items.push_back(item);
  }
  return items;
}

/// The first column of each line.
std::vector<std::string> first_words(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (const std::string word = line.substr(0, line.find_first_of("\t \r")); !word.empty()) {
      words.push_back(word);
    }
  }
  return words;
}

void choose_samples(const SelectionArgs& args, const vcfs3::Dataset& dataset,
                    SelectedRecords& selected, Session& session) {
  std::vector<std::string> names;
  bool all_but = false;
  for (std::string list : args.samples) {
    all_but = take_caret(list) || all_but;
    for (std::string& name : split_list(list)) names.push_back(std::move(name));
  }
  if (!args.samples_file.empty()) {
    std::string file = args.samples_file;
    all_but = take_caret(file) || all_but;
    for (std::string& name : first_words(read_text(file, session)))
      names.push_back(std::move(name));
  }
  std::vector<std::size_t> ordinals;
  std::vector<std::string> found;
  std::unordered_set<std::size_t> seen;
  for (const std::string& name : names) {
    const std::optional<std::size_t> ordinal =
        look_up([&] { return dataset.find_sample(name, session.context()); });
    if (!ordinal) {
      if (!args.force_samples) {
        throw Error(Errc::not_found, "choose samples", dataset.root()->uri(),
                    fmt::format("no sample \"{}\"", name), "give --force-samples to pass over it");
      }
      session.note(fmt::format("no sample \"{}\", passed over", name));
      continue;
    }
    if (!seen.insert(*ordinal).second && !all_but) {
      throw UsageError(fmt::format("sample \"{}\" is named twice", name));
    }
    ordinals.push_back(*ordinal);
    found.push_back(name);
  }
  if (all_but) {
    ordinals.clear();
    found.clear();
    const std::vector<std::string>& all = dataset.header(session.context()).samples;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (seen.contains(i)) continue;
      ordinals.push_back(i);
      found.push_back(all[i]);
    }
  }
  selected.query.samples = std::move(ordinals);
  selected.samples = std::move(found);
}

void look_up_ids(const std::vector<std::string>& lists, const vcfs3::Dataset& dataset,
                 ViewQuery& query, Session& session) {
  std::vector<std::string> ids;
  for (const std::string& list : lists) {
    for (std::string& id : split_list(list)) ids.push_back(std::move(id));
  }
  query.records = look_up([&] { return dataset.find_ids(ids, session.context()); });
  if (!query.records->empty()) return;
  throw Error(Errc::not_found, "look up ID", dataset.root()->uri(),
              fmt::format("no record has the ID \"{}\"", fmt::join(ids, "\" or \"")));
}

SiteSelection selection_of(const SelectionArgs& args) {
  SiteSelection selection = args.selection;
  const auto one_of = [](bool first, bool second, const char* names) {
    if (first && second) throw UsageError(fmt::format("{} exclude each other", names));
    return first || second;
  };
  if (one_of(args.known, args.novel, "-k and -n")) {
    selection.known = args.known ? SiteSelection::Known::known : SiteSelection::Known::novel;
  }
  if (one_of(args.uncalled, args.called, "-u and -U")) {
    selection.called =
        args.called ? SiteSelection::Called::called : SiteSelection::Called::uncalled;
  }
  if (one_of(args.phased, args.unphased, "-p and -P")) {
    selection.phased =
        args.phased ? SiteSelection::Phased::phased : SiteSelection::Phased::unphased;
  }
  return selection;
}

void add_numbers_options(Verb& verb, const std::shared_ptr<SelectionArgs>& args) {
  SiteSelection* const selection = &args->selection;
  const auto alleles = [](const std::string& text) {
    return static_cast<std::uint64_t>(parse_integer("the number of alleles", text, 0));
  };
  verb.option(
      "-m,--min-alleles", "N",
      [=](const std::string& text) { selection->min_alleles = alleles(text); },
      "Only records with at least so many alleles, REF included");
  verb.option(
      "-M,--max-alleles", "N",
      [=](const std::string& text) { selection->max_alleles = alleles(text); },
      "Only records with at most so many");
  using vcfs3::AlleleLimit;
  verb.option(
      "-c,--min-ac", "N[:TYPE]",
      [=](const std::string& text) { selection->min_count = AlleleLimit::parse_count(text); },
      "At least so many alleles: nref (default), alt1, minor, major, nonmajor");
  verb.option(
      "-C,--max-ac", "N[:TYPE]",
      [=](const std::string& text) { selection->max_count = AlleleLimit::parse_count(text); },
      "At most so many");
  verb.option(
      "-q,--min-af", "F[:TYPE]",
      [=](const std::string& text) {
        selection->min_frequency = AlleleLimit::parse_frequency(text);
      },
      "At least this frequency");
  verb.option(
      "-Q,--max-af", "F[:TYPE]",
      [=](const std::string& text) {
        selection->max_frequency = AlleleLimit::parse_frequency(text);
      },
      "At most this frequency");
}

void add_kind_options(Verb& verb, const std::shared_ptr<SelectionArgs>& args,
                      const std::string& short_filter) {
  SiteSelection* const selection = &args->selection;
  verb.option(
      "-v,--types", "LIST",
      [=](const std::string& text) { selection->types = SiteSelection::parse_types(text); },
      "Only these types: snps, indels, mnps, bnd, ref, other");
  verb.option(
      "-V,--exclude-types", "LIST",
      [=](const std::string& text) {
        selection->excluded_types = SiteSelection::parse_types(text);
      },
      "None of these types");
  verb.option(
      short_filter + "--apply-filters", "LIST",
      [=](const std::string& text) { selection->filters = SiteSelection::parse_filters(text); },
      "Only records with one of these in FILTER: PASS,.");
  verb.option(
      "-g,--genotype", "[^]hom|het|miss",
      [=](const std::string& text) { selection->genotype = SiteSelection::parse_genotype(text); },
      "Only records where a sample has (^: no sample has) such a genotype");
  verb.flag("-k,--known", args->known, "Only records with an ID");
  verb.flag("-n,--novel", args->novel, "Only records without");
  verb.flag("-u,--uncalled", args->uncalled, "Only records without any called genotype");
  verb.flag("-U,--exclude-uncalled", args->called, "Only records with one");
  verb.flag("-p,--phased", args->phased, "Only records where all samples are phased");
  verb.flag("-P,--exclude-phased", args->unphased, "Only the others");
}

}  // namespace

void add_place_options(Verb& verb, const std::shared_ptr<SelectionArgs>& args) {
  verb.arguments("REGION", args->positional_regions, "As -r");
  verb.option("-r,--regions", "REGION", args->regions,
              "Only records that overlap: chr1:1000-2000, several with commas");
  verb.option("-R,--regions-file", "FILE", args->regions_file,
              "The same from a file: .bed, or lines of contig, position, last position");
  verb.option("-t,--targets", "[^]REGION", args->targets,
              "Only records whose POS lies in these regions (^: in none of them)");
  verb.option("-T,--targets-file", "[^]FILE", args->targets_file, "The same from a file");
  verb.option("--id", "ID", args->ids, "Only records with any of these IDs: rs1,rs2");
}

void add_selection_options(Verb& verb, const std::shared_ptr<SelectionArgs>& args,
                           const std::string& short_filter) {
  add_place_options(verb, args);
  verb.option("-s,--samples", "[^]LIST", args->samples,
              "Only these samples, in this order (^: all but these)");
  verb.option("-S,--samples-file", "[^]FILE", args->samples_file,
              "The same from a file with one a line");
  verb.flag("--force-samples", args->force_samples, "Pass over samples that are not there");
  verb.option("-i,--include", "EXPR", args->include, "Only records for which it is true");
  verb.option("-e,--exclude", "EXPR", args->exclude, "Only records for which it is not");
  add_kind_options(verb, args, short_filter);
  add_numbers_options(verb, args);
  verb.flag("--nonref-only", args->only_alternate,
            "Only records where a sample has a non-reference allele");
}

vcfs3::Header answer_definitions(const vcfs3::Dataset& dataset,
                                 const std::optional<std::vector<std::string>>& names,
                                 Session& session) {
  if (!names) return dataset.header(session.context());
  vcfs3::Header header = dataset.definitions();
  header.text = header.text_with_samples(*names);
  header.samples = *names;
  return header;
}

SelectedRecords select_records(const SelectionArgs& args, const vcfs3::Dataset& dataset,
                               ViewQuery::Condition condition, Session& session) {
  SelectedRecords selected;
  ViewQuery& query = selected.query;
  std::vector<std::string> regions = args.positional_regions;
  regions.insert(regions.end(), args.regions.begin(), args.regions.end());
  query.regions = intervals_of(regions, args.regions_file, dataset, session);
  std::vector<std::string> targets = args.targets;
  std::string targets_file = args.targets_file;
  bool excluded = take_caret(targets_file);
  for (std::string& text : targets) excluded = take_caret(text) || excluded;
  query.targets = intervals_of(targets, targets_file, dataset, session);
  if (excluded) query.targets_mean = ViewQuery::Targets::exclude;
  if (!args.ids.empty()) look_up_ids(args.ids, dataset, query, session);
  if (!args.samples.empty() || !args.samples_file.empty()) {
    choose_samples(args, dataset, selected, session);
  }
  query.selection = selection_of(args);
  query.selection.counts_cells = query.samples.has_value();
  if (!args.include.empty() && !args.exclude.empty()) {
    throw UsageError("-i and -e exclude each other");
  }
  if (!args.include.empty() || !args.exclude.empty()) {
    using Logic = vcfs3::Expression::Logic;
    const bool includes = !args.include.empty();
    query.expression = std::make_shared<vcfs3::Expression>(
        vcfs3::Expression::parse(includes ? args.include : args.exclude,
                                 condition == ViewQuery::Condition::on_records
                                     ? dataset.header(session.context())
                                     : answer_definitions(dataset, selected.samples, session),
                                 includes ? Logic::include : Logic::exclude));
  }
  query.condition = condition;
  query.expression_looks = condition == ViewQuery::Condition::on_records
                               ? ViewQuery::Looks::at_everyone
                               : ViewQuery::Looks::at_answer;
  query.only_alternate = args.only_alternate;
  if (args.limit) query.limit = static_cast<std::uint64_t>(*args.limit);
  return selected;
}

}  // namespace cnf::cli
