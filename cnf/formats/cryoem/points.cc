// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/points.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/rtree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/points_coding_internal.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {
namespace {

using index::SpatialBox;
using Columns = std::array<std::uint64_t, PointColumn::point_columns>;

constexpr std::string_view kLines = "points/";
constexpr std::string_view kHeader = "points-header/";
constexpr std::string_view kTree = "rtree/";

std::string named(std::string_view kind, std::string_view name) {
  return std::string(kind).append(name);
}

const metadata::Committed& committed_of(const Volume& volume) {
  if (const metadata::Committed* const committed = volume.committed()) return *committed;
  throw Error(Errc::unsupported, "keep points in", volume.storage()->uri(),
              "it is no dataset of cnf", "import it first: cnf cryoem import");
}

bool has_object(const metadata::Metadata& manifest, std::string_view name) {
  return std::ranges::find(manifest.objects, name, &metadata::ObjectInfo::name) !=
         manifest.objects.end();
}

void check_name(std::string_view name) {
  constexpr std::size_t kMaxName = 64;
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  if (!name.empty() && name.size() <= kMaxName && name.front() != '.' &&
      name.find_first_not_of(kLetters) == std::string_view::npos) {
    return;
  }
  throw Error(Errc::invalid_argument, "add points", fmt::format("'{}'", name.substr(0, kMaxName)),
              "a name of points is 1 to 64 letters, digits, '.', '_' and '-'");
}

/// The particles in the order that makes blocks and pages compact parts of space.
struct OrderedPoints {
  std::vector<SpatialBox> boxes;
  std::vector<std::uint64_t> order;

  explicit OrderedPoints(const em::Particles& particles) {
    boxes.reserve(particles.rows.size());
    for (const em::Particle& particle : particles.rows) {
      if (particle.line.size() + particle.tomogram.size() > kMaxPointRow) {
        throw Error(Errc::invalid_argument, "add points", "a particle",
                    fmt::format("its line has {} bytes", particle.line.size()));
      }
      boxes.push_back({particle.at, particle.at});
    }
    order = index::hilbert_order(boxes);
  }
};

/// Writes the lines, block by block. Returns the columns of each row, in the points' order.
std::vector<Columns> write_lines(const em::Particles& particles, const OrderedPoints& points,
                                 Buffer& lines) {
  std::vector<Columns> columns;
  columns.reserve(points.order.size());
  std::vector<const em::Particle*> rows;
  std::size_t bytes = 0;
  const auto flush = [&] {
    if (rows.empty()) return;
    const Buffer block = encode_points(rows);
    const std::uint32_t sum = crc32c(block);
    for (std::size_t i = columns.size() - rows.size(); i < columns.size(); ++i) {
      columns[i][PointColumn::block_offset] = lines.size();
      columns[i][PointColumn::block_length] = block.size();
      columns[i][PointColumn::block_crc32c] = sum;
    }
    lines.append(block);
    rows.clear();
    bytes = 0;
  };
  for (const std::uint64_t number : points.order) {
    const em::Particle& particle = particles.rows[number];
    if (bytes >= kPointBlockTarget) flush();
    Columns row{};
    row[PointColumn::number] = number;
    row[PointColumn::row] = rows.size();
    columns.push_back(row);
    rows.push_back(&particle);
    bytes += particle.line.size() + particle.tomogram.size() + 2;
  }
  flush();
  return columns;
}

void put_points(query::NewDataset& dataset, std::string_view name, const em::Particles& particles) {
  const auto path = [&](std::string_view kind) {
    return fmt::format("{}{}-{}-{}", kExtras, dataset.id(), kind, name);
  };
  const OrderedPoints points(particles);
  Buffer lines;
  const std::vector<Columns> columns = write_lines(particles, points, lines);
  using Carry = query::NewDataset::Carry;
  dataset.put(named(kLines, name), path("points"), lines, Carry::nothing);
  dataset.put(named(kHeader, name), path("points-header"), encode_points_header(particles),
              Carry::small);
  dataset.put_tree(
      named(kTree, name), path("rtree") + ".idx", [&](const query::NewDataset::Sink& sink) {
        index::RTreeBuilder builder({.columns = PointColumn::point_columns, .summed = 0}, sink);
        for (std::size_t i = 0; i < columns.size(); ++i) {
          builder.add(points.boxes[points.order[i]], columns[i]);
        }
        return builder.finish();
      });
}

index::RTree open_tree(const Volume& volume, const metadata::ObjectInfo& object,
                       const Context& context) {
  if (object.root.empty()) return index::RTree::open(volume.storage(), object.path, context);
  return {index::object_pages(volume.storage(), object.path), object.root};
}

em::Particles read_header(const Volume& volume, const metadata::ObjectInfo& object,
                          const Context& context) {
  const std::string subject = volume.storage()->uri(object.path);
  if (!object.inlined.empty()) return decode_points_header(object.inlined, subject);
  const storage::Object read = volume.storage()->read_all(object.path, object.length, context);
  verify_crc32c(read.bytes, object.crc32c, subject);
  return decode_points_header(read.bytes, subject);
}

/// The rows of found points, block by block; each block is fetched once.
class LineReader {
 public:
  LineReader(const Volume& volume, const metadata::ObjectInfo& object)
      : storage_(volume.storage()), object_(object) {}

  /// Gives row i of the tree to `use` with its line; in blocks' order.
  template <typename Use>
  void read(const std::vector<index::RTree::Row>& rows, const Context& context, const Use& use) {
    std::map<std::uint64_t, std::vector<std::size_t>> blocks;  // rows by their blocks' offsets
    for (std::size_t i = 0; i < rows.size(); ++i) {
      blocks[rows[i].columns[PointColumn::block_offset]].push_back(i);
    }
    // So many blocks at once that a hostile index cannot ask for more memory than this.
    constexpr std::uint64_t kSlice = std::uint64_t{64} << 20;
    for (auto next = blocks.begin(); next != blocks.end();) {
      std::vector<std::pair<Buffer, const std::vector<std::size_t>*>> slice;
      std::uint64_t bytes = 0;
      for (; next != blocks.end() && (slice.empty() || bytes < kSlice); ++next) {
        const std::uint64_t length = length_of(rows[next->second.front()]);
        slice.emplace_back(Buffer(length), &next->second);
        bytes += length;
      }
      std::vector<storage::FetchRequest> requests;
      for (auto& [buffer, members] : slice) {
        requests.push_back({.key = object_.path,
                            .offset = rows[members->front()].columns[PointColumn::block_offset],
                            .into = buffer.span()});
      }
      storage_->fetch(requests, context);
      for (const auto& [buffer, members] : slice) use_block(buffer, *members, rows, use);
    }
  }

 private:
  [[noreturn]] void fail(std::uint64_t offset, std::string_view why) const {
    throw Error(Errc::corrupt_data, "read points",
                fmt::format("{}@{}", storage_->uri(object_.path), offset), why);
  }

  [[nodiscard]] std::uint64_t length_of(const index::RTree::Row& row) const {
    const std::uint64_t offset = row.columns[PointColumn::block_offset];
    const std::uint64_t length = row.columns[PointColumn::block_length];
    if (offset > object_.length || length > object_.length - offset) {
      fail(offset, fmt::format("a block of {} bytes behind the end", length));
    }
    // What does not compress grows by a little.
    if (length > 2 * kMaxPointBlock) fail(offset, fmt::format("a block of {} bytes", length));
    return length;
  }

  template <typename Use>
  void use_block(ByteSpan stored, const std::vector<std::size_t>& members,
                 const std::vector<index::RTree::Row>& rows, const Use& use) const {
    const index::RTree::Row& first = rows[members.front()];
    const std::uint64_t offset = first.columns[PointColumn::block_offset];
    const std::string subject = fmt::format("{}@{}", storage_->uri(object_.path), offset);
    verify_crc32c(stored, static_cast<std::uint32_t>(first.columns[PointColumn::block_crc32c]),
                  subject);
    std::vector<PointLine> lines = decode_points(stored, subject);
    for (const std::size_t member : members) {
      const std::uint64_t place = rows[member].columns[PointColumn::row];
      if (place >= lines.size()) fail(offset, fmt::format("its block has no row {}", place));
      use(member, lines[place]);
    }
  }

  std::shared_ptr<storage::Storage> storage_;
  const metadata::ObjectInfo& object_;
};

}  // namespace

void add_points(const Volume& volume, std::string_view name, const em::Particles& particles,
                bool replace, const Context& context) {
  check_name(name);
  const metadata::Committed& committed = committed_of(volume);
  if (!replace && has_object(committed.metadata, named(kTree, name))) {
    throw Error(Errc::already_exists, "add points to", volume.storage()->uri(),
                fmt::format("there are points '{}' already", name),
                "replace them, or choose another name");
  }
  query::NewDataset dataset(volume.storage(), volume.storage(), context);
  bool is_committing = false;
  try {
    put_points(dataset, name, particles);
    metadata::Metadata manifest = dataset.extend(committed.metadata);
    Custom custom = parse_custom(manifest.custom, volume.storage()->uri());
    if (std::ranges::find(custom.points, name) == custom.points.end()) {
      custom.points.emplace_back(name);
    }
    manifest.custom = to_json(custom);
    std::optional<metadata::Committed> before(std::in_place);  // what a commit asks of it
    before->etag = committed.etag;
    is_committing = true;
    dataset.commit(manifest, before, committed.group);
  } catch (const Error& error) {
    // After any other error the commit may have happened: then the objects are somebody's.
    if (!is_committing || error.code() == Errc::precondition_failed) dataset.discard();
    throw;
  }
}

em::Particles find_points(const Volume& volume, std::string_view name, const SpatialBox& box,
                          const Context& context) {
  const metadata::Metadata& manifest = committed_of(volume).metadata;
  if (!has_object(manifest, named(kTree, name))) {
    throw Error(Errc::not_found, "read points", volume.storage()->uri(),
                fmt::format("there are no points '{}'", name.substr(0, 64)));
  }
  const metadata::ObjectInfo& lines = manifest.object(named(kLines, name));
  em::Particles particles = read_header(volume, manifest.object(named(kHeader, name)), context);
  const index::RTree tree = open_tree(volume, manifest.object(named(kTree, name)), context);
  if (tree.columns() != PointColumn::point_columns) {
    throw Error(Errc::corrupt_data, "read points", volume.storage()->uri(),
                fmt::format("an index of {} columns", tree.columns()));
  }
  std::vector<index::RTree::Row> rows = tree.find({box}, context);
  std::ranges::sort(rows, {},
                    [](const index::RTree::Row& row) { return row.columns[PointColumn::number]; });
  particles.rows.resize(rows.size());
  LineReader(volume, lines).read(rows, context, [&](std::size_t i, const PointLine& line) {
    particles.rows[i] = {rows[i].key.low, line.tomogram, line.line};
  });
  return particles;
}

std::vector<std::string> points_names(const Volume& volume) {
  const metadata::Metadata& manifest = committed_of(volume).metadata;
  return parse_custom(manifest.custom, volume.storage()->uri()).points;
}

em::Particles all_points(const Volume& volume, std::string_view name, const Context& context) {
  constexpr double kMost = std::numeric_limits<double>::max();
  return find_points(volume, name, {{-kMost, -kMost, -kMost}, {kMost, kMost, kMost}}, context);
}

}  // namespace cnf::cryoem
