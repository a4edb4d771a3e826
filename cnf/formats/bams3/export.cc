// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/table.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/sink.h"
#include "cnf/formats/bams3/view.h"

namespace cnf::bams3 {

std::uint64_t export_dataset(const Dataset& dataset, FileFormat format, ByteSink out,
                             const SinkOptions& sink_options, const query::ExecutorOptions& options,
                             const Context& context, Progress* progress) {
  const Form form = form_for(format);
  const auto sink = make_sink(format, dataset.header(), std::move(out), sink_options, context);
  query::Results results =
      run_view(dataset, plan_view(dataset, {}, form, context), options, context);
  Sha256 digest;
  std::uint64_t records = 0;
  while (const std::optional<query::Table> table = results.next()) {
    if (form == Form::bam) digest.update(table->column("record").values());
    sink->write(*table);
    records += table->rows();
    if (progress != nullptr) progress->add(0, table->rows());
  }
  const std::string expected = dataset.metadata().custom.at("digests").at("records_sha256");
  if (records != dataset.records() || (form == Form::bam && to_hex(digest.finish()) != expected)) {
    throw Error(Errc::corrupt_data, "export", dataset.root()->uri(),
                fmt::format("the {} records decoded are not the {} that were converted", records,
                            dataset.records()),
                "run cnf validate --deep");
  }
  sink->finish();
  return records;
}

}  // namespace cnf::bams3
