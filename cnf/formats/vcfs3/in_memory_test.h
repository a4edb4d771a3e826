// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3::testing {

/// A dataset in memory, made of VCF text.
inline std::shared_ptr<storage::Storage> make_dataset(std::string_view text,
                                                      const ConvertOptions& options) {
  const cnf::testing::TempDir folder;
  const std::string path = (folder.path() / "in.vcf").string();
  std::ofstream(path, std::ios::binary) << text;
  auto store = storage::make_memory();
  static_cast<void>(convert(path, store, options, {}));
  return store;
}

}  // namespace cnf::vcfs3::testing
