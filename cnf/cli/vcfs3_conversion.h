// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cnf/cli/session.h"
#include "cnf/cli/verb.h"
#include "cnf/core/storage/storage.h"
#include "cnf/formats/vcfs3/convert.h"

namespace cnf::cli {

/// What every verb that writes a VCFS3 dataset is told about it.
struct Vcfs3Conversion {
  std::string target;
  std::string profile = "normal";
  vcfs3::ConvertOptions options;
};

/// --profile, --chunk-span, --chunk-samples, --sharding-bits.
void add_conversion_options(Verb& verb, const std::shared_ptr<Vcfs3Conversion>& conversion);

/// What makes a dataset at a store's root.
using ConversionWork = std::function<vcfs3::ConvertReport(const std::shared_ptr<storage::Storage>&,
                                                          const vcfs3::ConvertOptions&)>;
/// Does the work and tells what was written, or what that costs, with --explain.
/// \param what   where the records come from; \param bytes  as below.
[[nodiscard]] int run_conversion(const Vcfs3Conversion& conversion, const std::string& what,
                                 std::uint64_t bytes, const ConversionWork& work, Session& session);

/// Writes the dataset and tells what was written; or what that costs, with --explain.
/// \param what   where the records come from, for --explain.
/// \param bytes  of the input, as far as that is known; else 0.
[[nodiscard]] int run_conversion(const Vcfs3Conversion& conversion, const std::string& what,
                                 std::uint64_t bytes, const vcfs3::OpenSource& open,
                                 Session& session);

}  // namespace cnf::cli
