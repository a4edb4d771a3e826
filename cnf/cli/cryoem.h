// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cnf/cli/formats.h"
#include "cnf/cli/session.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/box_stream.h"
#include "cnf/formats/cryoem/export.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"

namespace cnf::cli {

class Output;
class Verb;

// The verbs of `cnf cryoem`, each in the file of its name.
void add_cryoem_import(Verb& cryoem);
void add_cryoem_query(Verb& cryoem);
void add_cryoem_slice(Verb& cryoem);
void add_cryoem_export(Verb& cryoem);
void add_cryoem_extract(Verb& cryoem);
void add_cryoem_points(Verb& cryoem);
void add_cryoem_stats(Verb& cryoem);

/// Opens the dataset, OME-Zarr image or Zarr array at `uri`, or its labels of that name.
[[nodiscard]] cryoem::Volume open_cryoem(Session& session, const std::string& uri,
                                         const std::string& label = {});
/// --label NAME of the verbs that read.
void add_label_option(Verb& verb, std::string& label);

/// What `cnf validate` asks of CryoEM beyond what it asks of all datasets; see FormatChecks.
[[nodiscard]] std::vector<query::Finding> validate_cryoem(const query::Dataset& dataset,
                                                          Depth depth, Session& session);
/// What `cnf info` says of an image, also of one that others wrote: as lines, and as JSON.
void print_cryoem(const cryoem::Volume& volume, Session& session, Output& out);
[[nodiscard]] nlohmann::json cryoem_json(const cryoem::Volume& volume, Session& session);

/// Whole numbers between commas, `least` to `most` of them. Throws UsageError.
[[nodiscard]] std::vector<std::uint64_t> parse_numbers(const std::string& name,
                                                       const std::string& text, std::size_t least,
                                                       std::size_t most);
/// Sides as people type them, x first, as a shape, x last. Throws UsageError.
[[nodiscard]] Shape parse_sides(const std::string& name, const std::string& text);
/// The same the other way: "960x928x500", x first.
[[nodiscard]] std::string format_sides(const Shape& shape);

/// --threads and --memory, as reads of arrays take them.
[[nodiscard]] zarr::ReadOptions read_options(const Session& session);

/// Answers --explain for boxes of a level; returns the exit status.
[[nodiscard]] int explain_boxes(const cryoem::Volume& volume, std::size_t level,
                                const std::vector<Box>& boxes, Session& session);

/// The format that an output's name has, or that --format says. Throws UsageError.
[[nodiscard]] cryoem::FileFormat voxel_format(const std::string& target, const std::string& format);
/// What --format can be.
[[nodiscard]] std::vector<std::string> voxel_formats();

/// Writes voxels to `target`, in gzip if its name ends in .gz; returns the exit status.
int write_voxels(const cryoem::Volume& volume, const cryoem::ExportOptions& options,
                 const std::string& target, Session& session);

}  // namespace cnf::cli
