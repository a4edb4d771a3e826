// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace cnf::testing {

/// A new, empty folder below the system's folder for temporary files; removed with all it holds.
class TempDir {
 public:
  /// Throws std::filesystem::filesystem_error.
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace cnf::testing
