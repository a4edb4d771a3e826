// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/line.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {
namespace {

void append_column(std::string_view text, Buffer& out) {
  const MutableByteSpan room = out.extend(text.size() + 1);
  room[0] = static_cast<std::byte>('\t');
  if (!text.empty()) std::memcpy(room.data() + 1, text.data(), text.size());
}

}  // namespace

void append_line(const Variant& variant, std::string_view end, Buffer& out) {
  const Site& site = variant.site;
  if (site.is_raw) {
    out.append(as_bytes(site.raw));
    if (!site.raw.ends_with('\n')) out.append(as_bytes(end));
    return;
  }
  out.append(as_bytes(variant.contig));
  std::array<char, 24> pos{};
  const char* const pos_end = std::to_chars(pos.data(), pos.data() + pos.size(), site.pos + 1).ptr;
  append_column({pos.data(), static_cast<std::size_t>(pos_end - pos.data())}, out);
  for (const std::string_view column :
       {site.id, site.ref, site.alt, site.qual, site.filter, site.info}) {
    append_column(column, out);
  }
  if (!site.format.empty()) append_column(site.format, out);
  for (const std::string_view cell : variant.cells) append_column(cell, out);
  out.append(as_bytes(end));
}

}  // namespace cnf::vcfs3
