// SPDX-License-Identifier: Apache-2.0
// The header object: the input as it is, and as the payload of an object that is not compressed.

#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/harness.h"

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/hts_record.h"

namespace {

namespace bams3 = cnf::bams3;
using cnf::fuzz::require;

void read_header(cnf::ByteSpan encoded) {
  bams3::Header header = bams3::Header::decode(encoded, "input");
  require(bams3::Header::decode(header.encode(), "again") == header, "the header changed");
  (void)bams3::to_hts(header);
  (void)header.to_bam();
  const cnf::hts::SequenceNames names = bams3::reference_names(header);
  for (const bams3::Reference& reference : header.references) {
    require(names.find(reference.name).has_value(), "a reference is not found by its name");
  }
  header.declare_order("coordinate");
  require(header.declared_order() == "coordinate", "the declared order is not there");
}

void read_any(cnf::ByteSpan encoded) {
  cnf::fuzz::returns({cnf::Errc::corrupt_data, cnf::Errc::unsupported},
                     [&] { read_header(encoded); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cnf::ByteSpan input = cnf::fuzz::bytes_of(data, size);
  read_any(input);
  cnf::Buffer wrapped;
  cnf::ByteWriter out(wrapped);
  out.put(static_cast<std::uint8_t>(cnf::compress::CodecId::none));
  out.put_varint(input.size());
  out.put_bytes(input);
  read_any(wrapped);
  return 0;
}
