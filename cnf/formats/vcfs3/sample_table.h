// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::vcfs3 {

/// What is known of samples besides their names: populations, sexes, whatever a table says.
struct SampleTable {
  struct Attribute {
    std::string name;
    std::vector<std::optional<std::string>>
        values;  ///< One per sample; none where nothing is said.
    bool operator==(const Attribute&) const = default;
  };
  std::vector<std::string> names = {};  ///< As in the header, in its order.
  std::vector<Attribute> attributes = {};
  bool operator==(const SampleTable&) const = default;

  /// Reads a table of attributes for the samples `names`, from one of:
  ///  - TSV with a line of column names (a leading '#' is dropped), one of which is, in whatever
  ///    case, sample, sample_id, sample_name, individual_id, id, iid or name: each other column is
  ///    an attribute (1000 Genomes' panel files);
  ///  - PED or FAM without such a line: family, sample, father, mother, sex, phenotype.
  /// Columns are separated by tabs, or by blanks where the first line has no tab. Empty values, "."
  /// and PED's "0" for unknown parents are none; PED's sexes become "male" and "female". Lines of
  /// samples that are not in `names` are passed over. Throws Error invalid_argument, naming
  /// `subject`: it is neither, a sample is there twice, a line is too short, no sample is known.
  [[nodiscard]] static SampleTable parse(std::string_view text, std::vector<std::string> names,
                                         std::string_view subject);

  /// As an object of the dataset, JSON in a zstd frame:
  /// {"samples":[…],"attributes":{"population":[…],…}}.
  [[nodiscard]] Buffer encode() const;
  /// Throws Error corrupt_data naming `subject`.
  [[nodiscard]] static SampleTable decode(ByteSpan object, std::string_view subject);
};

}  // namespace cnf::vcfs3
