// SPDX-License-Identifier: Apache-2.0

// All of valijson that we use: it takes long to compile.

#include <cctype>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "cnf/core/metadata/manifest_internal.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/error.h"

namespace cnf::metadata {
namespace {

using Adapter = valijson::adapters::NlohmannJsonAdapter;

void compile(const nlohmann::json& text, valijson::Schema& schema) {
  try {
    valijson::SchemaParser parser;
    const Adapter adapter(text);
    parser.populateSchema(adapter, schema);
  } catch (const std::exception& error) {
    throw Error(Errc::internal, "compile", "JSON schema", error.what());
  }
}

// {"<root>", "[objects]", "[0]", "[path]"} → "objects[0].path"
std::string field_path(const std::vector<std::string>& context) {
  std::string path;
  for (const std::string& step : context) {
    if (!step.starts_with('[') || !step.ends_with(']')) continue;  // the root
    const std::string name = step.substr(1, step.size() - 2);
    if (name.find_first_not_of("0123456789") == std::string::npos) {
      path += step;
    } else {
      path += (path.empty() ? "" : ".") + name;
    }
  }
  return path.empty() ? "the document" : path;
}

void validate(const nlohmann::json& document, const valijson::Schema& schema,
              std::string_view subject) {
  valijson::ValidationResults results;
  valijson::ValidationResults::Error first;
  try {
    const Adapter adapter(document);
    if (valijson::Validator().validate(schema, adapter, &results)) return;
    results.popError(first);  // the innermost: those of what contains it follow
  } catch (const std::exception& error) {
    throw_field(subject, "the document", error.what());
  }
  throw_field(subject, field_path(first.context), first.description);
}

}  // namespace

void validate_json(const nlohmann::json& document, const nlohmann::json& schema,
                   std::string_view subject) {
  valijson::Schema compiled;
  compile(schema, compiled);
  validate(document, compiled, subject);
}

void validate_manifest(const nlohmann::json& document, std::string_view subject) {
  struct Compiled {
    Compiled() { compile(nlohmann::json::parse(manifest_schema()), schema); }
    valijson::Schema schema;
  };
  static const Compiled compiled;
  validate(document, compiled.schema, subject);
}

}  // namespace cnf::metadata
