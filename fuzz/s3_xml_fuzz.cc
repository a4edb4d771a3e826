// SPDX-License-Identifier: Apache-2.0
// The XML of S3's answers: the input as each kind of document.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/harness.h"

#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace {

template <typename Parse>
void parse(const Parse& call) {
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, call);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace storage = cnf::storage;
  using cnf::fuzz::require;
  const std::string_view xml = cnf::as_text(cnf::fuzz::bytes_of(data, size));

  if (const auto error = storage::parse_s3_error(xml)) {
    require(error->message.find('\n') == std::string::npos, "a message of two lines");
  }
  parse([&] {
    const storage::ListPage page = storage::parse_list_page(xml, "a/", "input");
    for (const storage::FileInfo& info : page.objects) {
      require(info.key.starts_with("a/"), "a key that was not asked for");
    }
  });
  parse([&] { (void)storage::parse_delete_result(xml, "input"); });
  parse([&] { require(!storage::parse_upload_id(xml, "input").empty(), "an empty upload id"); });
  parse([&] { (void)storage::parse_uploads(xml, "input"); });
  parse([&] { require(!storage::parse_written_etag(xml, "input").empty(), "an empty ETag"); });
  (void)storage::parse_iso8601(xml);
  return 0;
}
