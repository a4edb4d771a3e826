// SPDX-License-Identifier: Apache-2.0
#include "cnf/testing/temp_dir.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include <stdlib.h>

namespace cnf::testing {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "cnf-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::filesystem::filesystem_error("make a temporary folder", name,
                                            std::error_code(errno, std::generic_category()));
  }
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;  // a test that takes rights away from its folder must give them back
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace cnf::testing
