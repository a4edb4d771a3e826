// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sys/wait.h>

namespace cnf::oracle {

/// What a command printed, and its exit status.
struct Output {
  int status = 0;
  std::string text;
};

/// Runs a shell command; its standard error is dropped.
inline Output run(const std::string& command) {
  struct Closer {
    int* status;
    void operator()(FILE* pipe) const { *status = pclose(pipe); }
  };
  Output output;
  int status = 0;
  {
    const std::unique_ptr<FILE, Closer> pipe(popen((command + " 2>/dev/null").c_str(), "r"),
                                             Closer{&status});
    char buffer[1 << 16];
    while (const std::size_t count = fread(buffer, 1, sizeof(buffer), pipe.get()))
      output.text.append(buffer, count);
  }
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

/// `text` as one word of a shell command.
inline std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

/// The files with these extensions (".bam") in a folder of real files; none where it is absent.
inline std::vector<std::filesystem::path> real_files(const char* folder_name,
                                                     const std::vector<std::string>& extensions) {
  const char* const data = std::getenv("CNF_SHARED_DATA");
  std::vector<std::filesystem::path> files;
  const std::filesystem::path folder =
      std::filesystem::path(data != nullptr ? data : "") / folder_name;
  if (data == nullptr || !std::filesystem::exists(folder)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (std::ranges::count(extensions, entry.path().extension().string()) != 0)
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

inline std::vector<std::filesystem::path> real_alignment_files() {
  return real_files("real-bam", {".bam", ".sam", ".cram"});
}
inline std::vector<std::filesystem::path> real_variant_files() {
  return real_files("real-vcf", {".vcf", ".gz", ".bgz", ".gvcf", ".bcf"});
}

}  // namespace cnf::oracle
