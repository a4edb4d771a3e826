// SPDX-License-Identifier: Apache-2.0
// The manifest: what is read must come back when written, and its parts must be there to ask for.

#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/harness.h"

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace metadata = cnf::metadata;
  using cnf::Errc;
  using cnf::fuzz::require;
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    const metadata::Metadata manifest =
        metadata::parse_metadata(cnf::fuzz::bytes_of(data, size), "input");
    const std::string text = metadata::to_json(manifest);
    require(metadata::to_json(metadata::parse_metadata(cnf::as_bytes(text), "again")) == text,
            "the manifest changed");
    for (const metadata::ChunkRun& run : manifest.chunks.runs) {
      if (run.count > 0) (void)manifest.chunks.path(run.first);
    }
    for (const metadata::ObjectInfo& object : manifest.objects) {
      require(manifest.object(object.name).path == object.path, "an object is another by its name");
    }
    metadata::require_format(manifest, manifest.format, 1, "input");
  });
  return 0;
}
