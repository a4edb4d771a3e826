// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {

/// Sites that own their text. Move-only. Threads: as a std::vector.
struct SiteTable {
  Buffer text = {};              ///< What `sites` view.
  std::vector<Site> sites = {};  ///< Moving the table leaves their views valid.

  /// Adds a copy. The columns of `site`, ID to the last, must stand in one piece of text, as in a
  /// line; that text must not be this table's.
  void append(const Site& site);
};

}  // namespace cnf::vcfs3
