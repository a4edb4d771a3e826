// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "cnf/core/storage/credentials/credentials_internal.h"

namespace cnf::storage {

/// The variables and files of a test, and none of this machine's.
class FakeEnvironment final : public Environment {
 public:
  using Texts = std::map<std::string, std::string>;
  explicit FakeEnvironment(Texts variables, Texts files = {})
      : variables_(std::move(variables)), files_(std::move(files)) {}

  [[nodiscard]] std::optional<std::string> variable(const std::string& name) const override {
    return find(variables_, name);
  }
  [[nodiscard]] std::optional<std::string> file(const std::string& path) const override {
    return find(files_, path);
  }

 private:
  static std::optional<std::string> find(const Texts& texts, const std::string& name) {
    const auto found = texts.find(name);
    return found == texts.end() ? std::nullopt : std::optional(found->second);
  }
  Texts variables_;
  Texts files_;
};

}  // namespace cnf::storage
