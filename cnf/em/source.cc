// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/source.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/em/eer_internal.h"
#include "cnf/em/input_file.h"
#include "cnf/em/mrc.h"
#include "cnf/em/npy.h"
#include "cnf/em/tiff_internal.h"
#include "cnf/em/tilts_internal.h"

namespace cnf::em {
namespace {

/// A format that can be read. Those whose bytes cannot be mistaken come first.
struct Format {
  std::string_view name;
  bool (*recognises)(const InputFile& file);
  std::unique_ptr<Source> (*open)(InputFile file, const SourceOptions& options);
};

bool is_mrc(const InputFile& file) { return looks_like_mrc(file.bytes()); }

bool is_npy(const InputFile& file) { return looks_like_npy(file.bytes()); }

bool is_any_tiff(const InputFile& file) { return is_tiff(file.bytes()); }

constexpr std::array kFormats{
    Format{"eer", is_eer, open_eer},
    Format{"tiff", is_any_tiff, open_tiff},
    Format{"npy", is_npy, open_npy},
    Format{"mrc", is_mrc, open_mrc},
};

std::string known_formats() {
  std::string names;
  for (const Format& format : kFormats) {
    names += names.empty() ? "" : ", ";
    names += format.name;
  }
  return names;
}

const Format& format_of(const InputFile& file, const SourceOptions& options) {
  const auto* const found =
      std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& format) {
        return options.format.empty() ? format.recognises(file) : format.name == options.format;
      });
  if (found != kFormats.end()) return *found;
  if (!options.format.empty()) {
    throw Error(Errc::invalid_argument, "open", file.name(),
                "the format '" + options.format + "' is not known", "use " + known_formats());
  }
  throw Error(Errc::corrupt_data, "open", file.name(),
              file.bytes().empty() ? "it is empty" : "its bytes are of no format that is known",
              "these are read: " + known_formats());
}

}  // namespace

std::unique_ptr<Source> open_source(const std::string& uri, const SourceOptions& options,
                                    const Context& context) {
  InputFile file(uri, options.storage, context);
  const Format& format = format_of(file, options);
  return with_tilts(format.open(std::move(file), options), uri, options, context);
}

}  // namespace cnf::em
