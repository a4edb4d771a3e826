// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "cnf/formats/vcfs3/dataset.h"

namespace cnf::vcfs3 {

// SPEC.md, "Manifest", says what each field means. Bounds are those of the reader.
const std::string& custom_schema() {
  static const std::string schema = R"({
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "definitions": {
      "segment": {
        "type": "object", "required": ["bytes", "sha256"],
        "properties": {"bytes": {"type": "integer", "minimum": 0},
                       "sha256": {"type": "string", "minLength": 64, "maxLength": 64}}
      },
      "part": {
        "type": "object", "required": ["bins", "contigs"],
        "properties": {"bins": {"type": "integer", "minimum": 0},
                       "contigs": {"type": "array", "items": {"type": "string"}}}
      }
    },
    "required": ["samples", "group_samples", "records", "raw_records", "bins", "source", "text",
                 "in_order", "contigs", "zone_keys", "id_bits", "batches"],
    "properties": {
      "samples": {"type": "integer", "minimum": 0, "maximum": 100000000},
      "group_samples": {"type": "integer", "minimum": 1, "maximum": 100000000},
      "records": {"type": "integer", "minimum": 0},
      "raw_records": {"type": "integer", "minimum": 0},
      "bins": {"type": "integer", "minimum": 0},
      "source": {"type": "string"},
      "text": {
        "type": "object", "required": ["bytes", "crlf", "final_newline"],
        "oneOf": [{"required": ["sha256"]}, {"required": ["segments"]}],
        "properties": {
          "bytes": {"type": "integer", "minimum": 0},
          "sha256": {"type": "string", "minLength": 64, "maxLength": 64},
          "segments": {"type": "array", "items": {"$ref": "#/definitions/segment"}},
          "crlf": {"type": "boolean"}, "final_newline": {"type": "boolean"}
        }
      },
      "in_order": {"type": "boolean"},
      "contigs": {"type": "array", "items": {"type": "string"}},
      "zone_keys": {"type": "array", "items": {"type": "string"}, "maxItems": 24},
      "id_bits": {"type": "integer", "minimum": 1, "maximum": 64},
      "types": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
      "stored": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
      "parts": {"type": "array", "items": {"$ref": "#/definitions/part"}},
      "batches": {
        "type": "array",
        "minItems": 1,
        "items": {
          "type": "object", "required": ["records", "bins", "first_sample", "samples", "objects"],
          "properties": {
            "records": {"type": "integer", "minimum": 0},
            "bins": {"type": "integer", "minimum": 0},
            "first_sample": {"type": "integer", "minimum": 0},
            "samples": {"type": "integer", "minimum": 0},
            "objects": {"type": "object", "additionalProperties": {"type": "string"}}
          }
        }
      }
    }
  })";
  return schema;
}

}  // namespace cnf::vcfs3
