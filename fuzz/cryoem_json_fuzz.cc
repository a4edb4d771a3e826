// SPDX-License-Identifier: Apache-2.0
// The first byte says which: the manifest's custom section (odd), or an import's journal (even).
// What is read is the same when it is written again.

#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/harness.h"
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/cryoem/journal_internal.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/zarr/metadata.h"

namespace {

using cnf::Errc;
using cnf::fuzz::require;
namespace cryoem = cnf::cryoem;

void check_custom(cnf::ByteSpan text) {
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    const nlohmann::json json = cnf::zarr::parse_document(text, "input");
    const nlohmann::json written = to_json(cryoem::parse_custom(json, "input"));
    require(to_json(cryoem::parse_custom(written, "again")) == written, "the section changed");
  });
}

void check_journal(cnf::ByteSpan text) {
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    const std::string written = to_text(cryoem::parse_journal(text, "input"));
    require(to_text(cryoem::parse_journal(cnf::as_bytes(written), "again")) == written,
            "the journal changed");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const cnf::ByteSpan text = cnf::fuzz::bytes_of(data + 1, size - 1);
  if (data[0] % 2 != 0) {
    check_custom(text);
  } else {
    check_journal(text);
  }
  return 0;
}
