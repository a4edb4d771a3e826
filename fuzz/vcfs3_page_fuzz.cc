// SPDX-License-Identifier: Apache-2.0
// A site page as the streams of its sections before compression, with sizes and checksums made
// right. The first part says how many records, samples, and streams of the core and of the INFO
// section there are, a varint each; then come those streams, and then those of the carriers
// section. What is read must come back when it is written.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/compress/stream_set.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/zones.h"

namespace {

using cnf::Buffer;
using cnf::ByteSpan;
using cnf::fuzz::require;
namespace vcfs3 = cnf::vcfs3;

Buffer section_of(std::span<const ByteSpan> parts) {
  if (parts.empty()) return {};
  std::vector<Buffer> streams;
  for (const ByteSpan part : parts) streams.push_back(Buffer::copy_of(part));
  Buffer body;
  cnf::compress::put_stream_set(streams, 1, body);
  Buffer section;
  cnf::ByteWriter out(section);
  out.put(cnf::crc32c(body));
  out.put_bytes(body);
  return section;
}

bool same(const vcfs3::Site& a, const vcfs3::Site& b) {
  return a.pos == b.pos && a.id == b.id && a.ref == b.ref && a.alt == b.alt && a.qual == b.qual &&
         a.filter == b.filter && a.info == b.info && a.format == b.format && a.raw == b.raw &&
         a.is_raw == b.is_raw;
}

void read_page(ByteSpan core, ByteSpan info, std::size_t records) {
  vcfs3::SitePage page(core, info, records, "input");
  std::vector<vcfs3::Site> sites;
  std::vector<std::string> residuals;
  for (std::size_t i = 0; i < records; ++i) {
    sites.push_back(page.site(i, vcfs3::Needs::all()));
    residuals.emplace_back(page.residual(i));
    require(page.ends()[i] >= page.positions()[i], "a record ends before it begins");
    require(page.has_genotypes()[i] == (sites[i].has_genotypes() ? 1 : 0), "GT is there or not");
  }
  const std::vector<std::string> keys = {"AC", "AF", "DP"};
  (void)vcfs3::zones_of(sites, keys);
  const vcfs3::EncodedPage written = vcfs3::encode_page(sites, residuals, {}, 0, 1);
  vcfs3::SitePage again(written.core, written.info, records, "written");
  for (std::size_t i = 0; i < records; ++i) {
    require(same(again.site(i, vcfs3::Needs::all()), sites[i]), "a record changed");
    require(again.residual(i) == residuals[i], "a residual changed");
    require(again.ends()[i] == vcfs3::end_of(sites[i]), "an end changed");
  }
}

void read_carriers(ByteSpan section, std::size_t records, std::size_t samples) {
  const vcfs3::Carriers carriers = vcfs3::decode_carriers(section, records, samples, "input");
  require(carriers.known.size() == records && carriers.ends.size() == records, "records");
  require(carriers.samples.size() == (records == 0 ? 0 : carriers.ends.back()), "samples");
  require(std::ranges::all_of(carriers.samples, [&](std::uint32_t s) { return s < samples; }),
          "a carrier is no sample");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  const std::vector<ByteSpan> parts = cnf::fuzz::split_parts(cnf::fuzz::bytes_of(data, size));
  if (parts.empty()) return 0;
  cnf::fuzz::returns({Errc::corrupt_data}, [&] {
    cnf::ByteReader head(parts[0], "head");
    const std::uint64_t records = head.get_varint();
    const std::uint64_t samples = head.get_varint() % 5000;
    const std::span<const ByteSpan> streams = std::span(parts).subspan(1);
    const std::size_t core = std::min<std::uint64_t>(head.get_varint(), streams.size());
    const std::size_t info = std::min<std::uint64_t>(head.get_varint(), streams.size() - core);
    const Buffer carriers = section_of(streams.subspan(core + info));
    cnf::fuzz::returns({Errc::corrupt_data}, [&] { read_carriers(carriers, records, samples); });
    // A page may say that it has an INFO section where there is none: Error internal, as if it had
    // not been fetched.
    cnf::fuzz::returns({Errc::corrupt_data, Errc::internal}, [&] {
      read_page(section_of(streams.first(core)), section_of(streams.subspan(core, info)), records);
    });
  });
  return 0;
}
