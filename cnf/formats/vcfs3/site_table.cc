// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/site_table.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::size_t kFirstCapacity = std::size_t{1} << 16;

// The text that the columns of a site stand in.
std::string_view block_of(const Site& site) {
  if (site.is_raw) return site.raw;
  const std::string_view last = site.format.empty() ? site.info : site.format;
  return {site.id.data(), static_cast<std::size_t>(last.data() + last.size() - site.id.data())};
}

// Lets the views of a site, whose text begins at `from`, view the same text at `to`.
void move_views(Site& site, const char* from, const char* to) {
  const auto move = [&](std::string_view& view) {
    view = view.empty() ? std::string_view()
                        : std::string_view(to + (view.data() - from), view.size());
  };
  move(site.id);
  move(site.ref);
  move(site.alt);
  move(site.qual);
  move(site.filter);
  move(site.info);
  move(site.format);
  move(site.raw);
}

}  // namespace

void SiteTable::append(const Site& site) {
  const std::string_view block = block_of(site);
  if (text.size() + block.size() > text.capacity()) {
    Buffer larger;
    larger.reserve(std::max({kFirstCapacity, text.capacity() * 2, text.size() + block.size()}));
    larger.append(text);
    for (Site& old : sites) move_views(old, as_text(text).data(), as_text(larger).data());
    text = std::move(larger);
  }
  const std::size_t at = text.size();
  text.append(as_bytes(block));
  sites.push_back(site);
  move_views(sites.back(), block.data(), as_text(text).data() + at);
}

}  // namespace cnf::vcfs3
