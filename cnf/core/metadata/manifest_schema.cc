// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "cnf/core/metadata/manifest_internal.h"

namespace cnf::metadata {
namespace {

// No additionalProperties: false anywhere, for later versions may add fields; no pattern, for
// std::regex recurses with the length of a hostile string (manifest_reader.cc checks forms
// instead).
constexpr std::string_view kSchema = R"json({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Manifest of a CloudNativeFormats dataset",
  "type": "object",
  "required": ["format", "version", "created", "dataset_id", "storage", "chunks", "compression"],
  "properties": {
    "format": {"type": "string", "minLength": 1, "maxLength": 64},
    "version": {"type": "string", "minLength": 1, "maxLength": 64},
    "created": {"type": "string", "minLength": 1, "maxLength": 64},
    "dataset_id": {"type": "string", "minLength": 1, "maxLength": 128},
    "created_by": {"type": "string"},
    "description": {"type": "string"},
    "storage": {
      "type": "object",
      "required": ["total_size"],
      "properties": {
        "total_size": {"$ref": "#/definitions/size"},
        "sharding_bits": {"type": "integer", "enum": [0, 4, 5, 6, 7, 8]}
      }
    },
    "chunks": {
      "type": "object",
      "required": ["strategy", "num_chunks"],
      "properties": {
        "strategy": {"type": "string", "minLength": 1, "maxLength": 64},
        "num_chunks": {"$ref": "#/definitions/size"},
        "chunk_size": {"$ref": "#/definitions/size"},
        "runs": {
          "type": "array",
          "items": {
            "type": "object",
            "required": ["first", "count", "id"],
            "properties": {
              "first": {"$ref": "#/definitions/size"},
              "count": {"$ref": "#/definitions/size"},
              "id": {"type": "string", "minLength": 1, "maxLength": 64}
            }
          }
        }
      }
    },
    "compression": {
      "type": "object",
      "required": ["algorithm"],
      "properties": {
        "algorithm": {"type": "string", "maxLength": 64},
        "level": {"type": "integer", "minimum": -1000, "maximum": 1000},
        "ratio": {"type": "number", "minimum": 0}
      }
    },
    "objects": {
      "type": "array",
      "items": {
        "type": "object",
        "required": ["name", "path", "length", "crc32c"],
        "properties": {
          "name": {"type": "string", "minLength": 1, "maxLength": 64},
          "path": {"type": "string", "minLength": 1, "maxLength": 1024},
          "length": {"$ref": "#/definitions/size"},
          "crc32c": {"type": "string", "minLength": 8, "maxLength": 8},
          "root": {"type": "string"},
          "inlined": {"type": "string"}
        }
      }
    },
    "custom": {"type": "object"}
  },
  "definitions": {
    "size": {"type": "integer", "minimum": 0, "maximum": 9007199254740991}
  }
})json";

}  // namespace

std::string_view manifest_schema() noexcept { return kSchema; }

}  // namespace cnf::metadata
