// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/footer_numbers.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/contig_name.h"
#include "cnf/formats/vcfs3/dataset.h"

namespace cnf::vcfs3 {

FooterNumbers::FooterNumbers(const Dataset& dataset) {
  const nlohmann::json& custom = dataset.metadata().custom;
  if (!custom.contains("parts")) return;
  const std::string subject = dataset.root()->uri(metadata::kManifestKey);
  const std::size_t in_header = dataset.contigs().size() - custom.at("contigs").size();
  std::uint64_t bins = 0;
  for (const nlohmann::json& item : custom.at("parts")) {
    Part part{.first_bin = bins};
    bins += item.at("bins").get<std::uint64_t>();
    std::size_t number = in_header;
    for (const nlohmann::json& name : item.at("contigs")) {
      const std::optional<std::uint32_t> contig =
          dataset.find_contig(unescape_name(name.get<std::string>(), subject));
      if (!contig) throw Error(Errc::corrupt_data, "open", subject, "a part has a contig alone");
      part.contigs.emplace(*contig, static_cast<std::uint32_t>(number++));
    }
    parts_.push_back(std::move(part));
  }
  if (bins != dataset.bins())
    throw Error(Errc::corrupt_data, "open", subject, "its parts have another number of bins");
}

BinRow FooterNumbers::of(BinRow row) const {
  const auto after = std::ranges::upper_bound(parts_, row.bin, {}, &Part::first_bin);
  if (after == parts_.begin()) return row;
  const Part& part = *std::prev(after);
  row.bin -= part.first_bin;
  const auto contig = part.contigs.find(row.key.sequence);
  if (contig != part.contigs.end()) row.key.sequence = contig->second;
  return row;
}

}  // namespace cnf::vcfs3
