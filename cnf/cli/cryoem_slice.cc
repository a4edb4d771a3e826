// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/verb.h"
#include "cnf/core/util/buffer.h"
#include "cnf/em/png_writer.h"
#include "cnf/formats/cryoem/export.h"
#include "cnf/formats/cryoem/slice.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(One plane across an axis, as a grey PNG to look at (the first row on top), or with its
values as MRC or NumPy.

--contrast says which values are black and white:
  window     what the dataset tells viewers: 0.5 % and 99.5 % of all of it (default)
  A,B        that share of the slice's own values, in per cent: 0.5,99.5
  min,max    from the slice's least value to its greatest
  LOW:HIGH   these values

Examples:
  cnf cryoem slice s3://bucket/tomogram.zarr --at 120 -o slice.png
  cnf cryoem slice tomogram.zarr --axis x --at 200 --level 1 --contrast 1,99 -o x.png
  cnf cryoem slice tomogram.zarr --at 120 -o plane.npy)";

struct SliceArgs {
  std::string uri;
  std::string label;
  std::string axis = "z";
  std::optional<std::int64_t> at;
  std::int64_t level = 0;
  std::string contrast = "window";
  std::int64_t bits = 8;
  std::string format;
};

/// What --contrast asks for.
struct Wanted {
  bool window = false;
  std::optional<cryoem::Contrast> shares = {};  // of the slice's values, 0 to 1
  std::optional<cryoem::Contrast> values = {};
};

constexpr cryoem::Contrast kUsualShares{.low = 0.005, .high = 0.995};

double parse_number(const std::string& text) {
  std::size_t read = 0;
  double value = 0;
  try {
    value = std::stod(text, &read);
  } catch (const std::exception&) {
    read = 0;
  }
  if (read == 0 || read != text.size())
    throw UsageError(fmt::format("--contrast: \"{}\" is no number", text));
  return value;
}

Wanted parse_contrast(const std::string& text) {
  if (text == "window") return {.window = true};
  if (text == "min,max") return {.shares = cryoem::Contrast{.low = 0, .high = 1}};
  const std::size_t colon = text.find(':');
  const std::size_t comma = text.find(',');
  const std::size_t between = colon != std::string::npos ? colon : comma;
  if (between == std::string::npos)
    throw UsageError("--contrast is window, A,B (per cent), min,max, or LOW:HIGH (values)");
  const cryoem::Contrast two{.low = parse_number(text.substr(0, between)),
                             .high = parse_number(text.substr(between + 1))};
  if (!(two.low < two.high)) throw UsageError("--contrast: the first is less than the second");
  if (colon != std::string::npos) return {.values = two};
  if (two.low < 0 || two.high > 100) throw UsageError("--contrast: shares are 0 to 100 per cent");
  return {.shares = cryoem::Contrast{.low = two.low / 100, .high = two.high / 100}};
}

cryoem::Contrast contrast_of(const Wanted& wanted, const cryoem::Volume& volume, ByteSpan values) {
  if (wanted.values) return *wanted.values;
  if (wanted.window) {
    if (const auto window = cryoem::contrast_of(volume)) return *window;
  }
  const cryoem::Contrast shares = wanted.shares.value_or(kUsualShares);
  return cryoem::contrast_of(volume.type(), values, shares.low, shares.high);
}

int write_png(const cryoem::Volume& volume, const cryoem::Slice& slice, std::size_t level,
              const SliceArgs& args, Session& session) {
  const Wanted wanted = parse_contrast(args.contrast);
  const int bits = args.bits == 16 ? 16 : 8;
  const Buffer values = volume.read(slice.query, level, read_options(session), session.context());
  const Buffer grey =
      cryoem::to_grey(volume.type(), values, contrast_of(wanted, volume, values), bits);
  Output out(session);
  out.write(em::to_png(grey, slice.width, slice.height, bits));
  out.commit();
  return kDone;
}

int slice(const SliceArgs& args, Session& session) {
  if (!args.at) throw UsageError("which plane? (--at 120)");
  if (args.bits != 8 && args.bits != 16) throw UsageError("--bits is 8 or 16");
  const std::string& target = session.options().output;
  const auto level = static_cast<std::size_t>(args.level);
  const bool png = args.format == "png" || (args.format.empty() && target.ends_with(".png"));
  const cryoem::FileFormat format = png || session.options().explain
                                        ? cryoem::FileFormat::raw
                                        : voxel_format(target, args.format);
  const cryoem::Volume volume = open_cryoem(session, args.uri, args.label);
  const cryoem::Slice plane = cryoem::slice_of(volume, *cryoem::axis_of(args.axis),
                                               static_cast<std::uint64_t>(*args.at), level);
  if (session.options().explain)
    return explain_boxes(volume, level, {volume.box_of(plane.query, level)}, session);
  if (png) return write_png(volume, plane, level, args, session);
  return write_voxels(volume, {.format = format, .level = level, .query = plane.query}, target,
                      session);
}

}  // namespace

void add_cryoem_slice(Verb& cryoem) {
  auto args = std::make_shared<SliceArgs>();
  Verb verb = cryoem.add("slice", "One plane as PNG, MRC or NumPy", kDetails);
  verb.argument("URI", args->uri, "The dataset, or any Zarr image");
  verb.choice("--axis", args->axis, {"z", "y", "x"}, "Across which axis (default: z)");
  verb.option("--at", "N", args->at, "The plane along that axis, from 0");
  add_label_option(verb, args->label);
  verb.option("--level", "N", args->level, "Of the pyramid; 0 is the finest (default: 0)");
  verb.option("--contrast", "HOW", args->contrast, "What becomes black and white; see below");
  verb.option("--bits", "N", args->bits, "Of a pixel, 8 or 16 (default: 8)", 8);
  std::vector<std::string> formats = voxel_formats();
  formats.emplace_back("png");
  verb.choice("--format", args->format, formats, "Instead of what the name of -o says");
  verb.run([args](Session& session) { return slice(*args, session); });
}

}  // namespace cnf::cli
