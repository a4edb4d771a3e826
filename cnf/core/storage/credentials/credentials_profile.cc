// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <fstream>
#include <functional>
#include <ios>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/core/storage/credentials/credentials_internal.h"

namespace cnf::storage {
namespace {

// Profile files are a few KB; what is longer is not one.
constexpr std::streamsize kLongestFile = std::streamsize{1} << 20;

class SystemEnvironment final : public Environment {
 public:
  [[nodiscard]] std::optional<std::string> variable(const std::string& name) const override {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return std::string(value);
  }
  [[nodiscard]] std::optional<std::string> file(const std::string& path) const override {
    std::ifstream in(path, std::ios::binary);
    if (!in) return std::nullopt;
    std::string text(static_cast<std::size_t>(kLongestFile), '\0');
    in.read(text.data(), kLongestFile);
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
  }
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string path_of(const Environment& environment, const std::string& variable,
                    std::string_view below_home) {
  if (auto path = environment.variable(variable)) return *path;
  return environment.variable("HOME").value_or("") + std::string(below_home);
}

}  // namespace

const Environment& Environment::system() {
  static const SystemEnvironment environment;
  return environment;
}

std::map<std::string, Profile, std::less<>> parse_profiles(std::string_view text) {
  std::map<std::string, Profile, std::less<>> out;
  Profile* section = nullptr;
  std::string block;  // the key whose nested lines are being read
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const auto content = trim(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    if (content.front() == '[') {
      const auto close = content.find(']');
      section = close == std::string_view::npos
                    ? nullptr
                    : &out[std::string(trim(content.substr(1, close - 1)))];
      block.clear();
      continue;
    }
    const auto equals = content.find('=');
    if (section == nullptr || equals == std::string_view::npos) continue;
    const std::string key(trim(content.substr(0, equals)));
    const auto value = trim(content.substr(equals + 1));
    const bool nested = line.front() == ' ' || line.front() == '\t';
    if (nested && !block.empty()) {
      (*section)[std::string(block).append(".").append(key)] = value;
    } else {
      (*section)[key] = value;
      block = value.empty() ? key : std::string();
    }
  }
  return out;
}

ProfileFiles::ProfileFiles(const Environment& environment)
    : credentials_(parse_profiles(
          environment.file(path_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials"))
              .value_or(""))),
      config_(parse_profiles(
          environment.file(path_of(environment, "AWS_CONFIG_FILE", "/.aws/config")).value_or(""))) {
}

std::optional<Profile> ProfileFiles::find(const std::string& name) const {
  const auto secrets = credentials_.find(name);
  auto config = config_.find("profile " + name);
  if (config == config_.end() && name == "default") config = config_.find(name);
  if (secrets == credentials_.end() && config == config_.end()) return std::nullopt;
  Profile out;
  if (secrets != credentials_.end()) out = secrets->second;
  if (config != config_.end()) out.insert(config->second.begin(), config->second.end());
  return out;
}

Profile ProfileFiles::services(const std::string& name) const {
  const auto found = config_.find("services " + name);
  return found == config_.end() ? Profile{} : found->second;
}

}  // namespace cnf::storage
