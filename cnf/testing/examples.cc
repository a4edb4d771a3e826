// SPDX-License-Identifier: Apache-2.0
#include "cnf/testing/examples.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::testing {

std::map<std::string, Buffer> hex_examples(std::string_view page) {
  const char* const root = std::getenv("CNF_SOURCE_DIR");
  if (root == nullptr) {
    throw std::runtime_error("run it by ctest, or set CNF_SOURCE_DIR to the repository's root");
  }
  const std::string path = std::string(root) + "/" + std::string(page);
  std::ifstream in(path);
  if (!in) throw std::runtime_error(path + " cannot be read");
  std::map<std::string, Buffer> blocks;
  std::optional<std::string> open;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      open.reset();
      if (line == "```hex") open.emplace();
      if (line.starts_with("```hex ")) open = line.substr(7);
    } else if (open) {
      std::istringstream words(line.substr(0, line.find('#')));
      for (std::string word; words >> word;) {
        ByteWriter(blocks[*open]).put(static_cast<std::uint8_t>(std::stoi(word, nullptr, 16)));
      }
    }
  }
  return blocks;
}

}  // namespace cnf::testing
