// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "fuzz/seeds.h"
#include <nlohmann/json.hpp>

#include "cnf/core/util/data_type.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/journal_internal.h"
#include "cnf/formats/cryoem/layout.h"

namespace cnf::fuzz {

void write_cryoem_seeds(const SeedWriter& seeds) {
  cryoem::Custom custom{.kind = em::Kind::tilt_series,
                        .statistics = {{.count = 5, .nan = 1, .min = -1.5, .max = 3, .m2 = 2}},
                        .histogram = {.low = -1.5, .high = 3, .counts = {3, 0, 2}},
                        .source = {{"identity", {{"size", 7}}}},
                        .keep_bits = 10,
                        .converted_from = DataType::float64,
                        .flipped_y = true,
                        .tilts = {-3, 0, 3},
                        .labels = {"membrane"},
                        .points = {"ribosomes"}};
  seeds.write("cryoem_json", "custom", "1" + to_json(custom).dump());
  seeds.write("cryoem_json", "least_custom", "1" + to_json(cryoem::Custom{}).dump());
  cryoem::JournalContent journal{.id = "0123456789abcdef",
                                 .source = {{"size", 7}},
                                 .options = {{"codec", "lz4"}, {"levels", 2}}};
  seeds.write("cryoem_json", "journal_begun", "0" + to_text(journal));
  journal.prefix = "0123456789abcdef/";
  journal.objects["0/c/0/0/0"] = {.key = "0/c/0/0/0", .length = 5'000, .crc32c = 77};
  seeds.write("cryoem_json", "journal", "0" + to_text(journal));
}

}  // namespace cnf::fuzz
