// SPDX-License-Identifier: Apache-2.0
// Google Cloud Storage's answers: the input as each kind of JSON document, and as an answer to a
// batch, whose boundary is its first line.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/harness.h"

#include "cnf/core/storage/gcs/gcs_batch_internal.h"
#include "cnf/core/storage/gcs/gcs_json_internal.h"
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
  const std::string_view text = cnf::as_text(cnf::fuzz::bytes_of(data, size));

  if (const auto error = storage::parse_gcs_error(text)) {
    require(error->message.find('\n') == std::string::npos, "a message of two lines");
  }
  parse([&] {
    const auto object = storage::parse_gcs_object(text, "input");
    require(storage::is_generation(object.info.etag), "an ETag that is no generation");
  });
  parse([&] {
    const auto described = storage::describe_gcs_copy(text, "0123", "input");
    const auto copy = described.substr(0, described.size() - 1) + R"(,"size":1,"generation":1})";
    require(storage::parse_gcs_object(copy, "copy").mark == "0123", "a copy without its mark");
  });
  parse([&] {
    for (const auto& info : storage::parse_gcs_list(text, "a/", "input").objects) {
      require(info.key.starts_with("a/"), "a key that was not asked for");
    }
  });
  parse([&] {
    const auto rewrite = storage::parse_gcs_rewrite(text, "input");
    require(rewrite.object.has_value() == rewrite.token.empty(), "neither done nor to go on");
  });
  parse([&] {
    const auto line = std::min(text.find('\n'), text.size());
    const auto body = text.substr(std::min(line + 1, text.size()));
    for (const auto& answer : storage::parse_batch_answer(text.substr(0, line), body, "input")) {
      require(answer.status >= 100 && answer.status < 600, "a status that is none");
      require(answer.body.empty() ||
                  (answer.body.data() >= body.data() &&
                   answer.body.data() + answer.body.size() <= body.data() + body.size()),
              "a body from elsewhere");
    }
  });
  return 0;
}
