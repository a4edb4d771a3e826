// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/cli/verb.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/format_string.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/render.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Prints what a format string says of each record, as bcftools query does: %CHROM,
%POS, %ID, %REF, %ALT, %QUAL, %FILTER, %TYPE, %INFO/TAG, and in brackets, once per
sample, %SAMPLE, %GT, %TGT and FORMAT tags. A condition (-i, -e) on FORMAT fields
chooses samples, too.

Only the columns that are printed or asked about are read.

Examples:
  cnf vcfs3 query -f '%CHROM\t%POS\t%REF\t%ALT[\t%GT]\n' -r chr1:1-1000000 cohort.vcfs3
  cnf vcfs3 query -f '[%SAMPLE %GT\n]' --id rs80357906 -i 'GT="alt"' cohort.vcfs3
  cnf vcfs3 query -H -f '%POS %INFO/AF\n' cohort.vcfs3)";

struct QueryArgs {
  std::string uri;
  std::shared_ptr<SelectionArgs> selection = std::make_shared<SelectionArgs>();
  std::string format;
  bool with_header = false;
};

/// A format string with all that it is printed for.
class Printed {
 public:
  Printed(const vcfs3::FormatString& format, std::vector<std::string> samples,
          std::shared_ptr<const vcfs3::Expression> expression)
      : format_(format), samples_(std::move(samples)), expression_(std::move(expression)) {}

  void append(const vcfs3::Variant& variant, Buffer& out) const {
    vcfs3::Expression::Scratch scratch;
    std::span<const std::uint8_t> chosen;
    if (expression_ != nullptr) chosen = expression_->answer(variant, scratch, true).samples;
    format_.append(variant, samples_, chosen, out);
  }
  [[nodiscard]] vcfs3::Needs needs() const {
    vcfs3::Needs needs = format_.needs();
    if (expression_ != nullptr) needs |= expression_->needs();
    return needs;
  }

 private:
  vcfs3::FormatString format_;
  std::vector<std::string> samples_;
  std::shared_ptr<const vcfs3::Expression> expression_;
};

int query(const QueryArgs& args, Session& session) {
  const vcfs3::Dataset dataset = open_vcfs3(session, args.uri);
  SelectedRecords records;
  try {
    records =
        select_records(*args.selection, dataset, vcfs3::ViewQuery::Condition::on_samples, session);
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return session.nothing_matched(error.what());
  }
  const vcfs3::Header header = answer_definitions(dataset, records.samples, session);
  const auto format = vcfs3::FormatString::parse(args.format, header);
  // A condition chooses among samples only where samples are printed.
  const bool by_sample = args.format.find('[') != std::string::npos;
  if (!by_sample) records.query.condition = vcfs3::ViewQuery::Condition::on_records;
  const auto printed = std::make_shared<const Printed>(
      format, header.samples, by_sample ? records.query.expression : nullptr);
  const auto renderer = vcfs3::render_each(
      printed->needs(),
      [printed](const vcfs3::Variant& variant, Buffer& out) { printed->append(variant, out); });
  const vcfs3::ViewPlan plan =
      vcfs3::plan_view(dataset, records.query, renderer, session.context());
  if (session.options().explain) {
    return explain_plan(plan.plan, *dataset.chunk_storage(), "bins", session);
  }
  Output out(session);
  if (args.with_header) out.write(format.header_line(header.samples));
  query::Results results =
      vcfs3::run_view(dataset, plan, executor_options(session), session.context());
  while (const std::optional<query::Table> table = results.next()) {
    out.write(table->column("text").values());
  }
  out.commit();
  return kDone;
}

}  // namespace

void add_vcfs3_query(Verb& vcfs3) {
  auto args = std::make_shared<QueryArgs>();
  Verb verb = vcfs3.add("query", "Print records as a format string says", kDetails);
  verb.argument("URI", args->uri, "The dataset");
  verb.option("-f,--format", "FORMAT", args->format, "What to print of each record");
  verb.flag("-H,--print-header", args->with_header, "A line of column names first");
  add_selection_options(verb, args->selection, "");
  verb.option("--limit", "N", args->selection->limit, "At most so many records");
  verb.run([args](Session& session) {
    if (args->format.empty()) throw UsageError("what is to be printed? (-f '%CHROM\\t%POS\\n')");
    return query(*args, session);
  });
}

}  // namespace cnf::cli
