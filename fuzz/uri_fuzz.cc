// SPDX-License-Identifier: Apache-2.0
// What people write: URIs of stores and objects, options, codecs. A line each; opening sends
// nothing.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/harness.h"

#include "cnf/core/compress/codec.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  using cnf::fuzz::returns;
  const std::string_view text = cnf::as_text(cnf::fuzz::bytes_of(data, size));
  cnf::storage::Options options;
  options.anonymous = true;  // whatever credentials this machine has are not looked for

  returns({Errc::invalid_argument, Errc::unsupported},
          [&] { (void)cnf::storage::from_uri(text, options)->uri(); });
  returns({Errc::invalid_argument, Errc::unsupported}, [&] {
    const cnf::storage::Location location = cnf::storage::locate(text, options);
    (void)location.storage->uri(location.key);
  });
  const std::size_t equals = text.find('=');
  if (equals != std::string_view::npos) {
    returns({Errc::invalid_argument},
            [&] { options.set(text.substr(0, equals), text.substr(equals + 1)); });
  }
  returns({Errc::invalid_argument}, [&] { (void)cnf::compress::CodecOptions::parse(text); });
  return 0;
}
