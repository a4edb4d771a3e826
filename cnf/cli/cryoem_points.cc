// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/cryoem_particles.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/core/util/error.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/points.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Keeps lists of particles in a dataset, in an R-tree: a box is asked for without reading
them all.

  add FILE   takes in a list: STAR of RELION 3, 4 and 5, or the CryoET portal's ndjson.
             A list of the same name is replaced with --overwrite only.
  query      prints a list, or what of it lies in --box, as it was: lines are kept.
  list       prints the names of the lists.

Coordinates that count pixels count voxels of the volume, unless --pixel-size says
of which size they are: RELION counts pixels of the tilt series. --json prints places
in voxels.

Examples:
  cnf cryoem points tomogram.zarr add particles.star --pixel-size 1.35
  cnf cryoem points s3://bucket/tomogram.zarr query --box 400,380,0,200,200,500
  cnf cryoem points tomogram.zarr query --name ribosomes --json)";

struct PointsArgs {
  std::string uri, action, file;
  std::string name = "particles";
  std::string box;
  ParticleScale scale;
};

int add(const PointsArgs& args, Session& session) {
  if (args.file.empty()) throw UsageError("which list? (cnf cryoem points URI add FILE)");
  const cryoem::Volume volume = open_cryoem(session, args.uri);
  const em::Particles particles = read_particles(args.file, volume, args.scale, session);
  cryoem::add_points(volume, args.name, particles, session.options().overwrite, session.context());
  session.note(fmt::format("{}: {} particles", args.name, particles.rows.size()));
  return kDone;
}

nlohmann::json to_json(const em::Particles& particles) {
  nlohmann::json points = nlohmann::json::array();
  for (const em::Particle& particle : particles.rows) {
    nlohmann::json point = {{"x", particle.at[0]}, {"y", particle.at[1]}, {"z", particle.at[2]}};
    if (!particle.tomogram.empty()) point["tomogram"] = particle.tomogram;
    point["line"] = particle.line;
    points.push_back(std::move(point));
  }
  return points;
}

int query(const PointsArgs& args, Session& session) {
  const cryoem::Volume volume = open_cryoem(session, args.uri);
  const em::Particles found = points_of(volume, args.name, args.box, session);
  Output out(session);
  if (session.options().json) {
    out.line(dump_line({{"name", args.name}, {"points", to_json(found)}}));
  } else {
    out.write(em::to_text(found));
  }
  out.commit();
  if (found.rows.empty()) return session.nothing_matched("no particle lies there");
  return kDone;
}

int list(const PointsArgs& args, Session& session) {
  const cryoem::Volume volume = open_cryoem(session, args.uri);
  const std::vector<std::string> names = cryoem::points_names(volume);
  Output out(session);
  if (session.options().json) {
    out.line(dump_line({{"points", names}}));
  } else {
    for (const std::string& name : names) out.line(name);
  }
  out.commit();
  return kDone;
}

int points(const PointsArgs& args, Session& session) {
  if (args.action == "add") return add(args, session);
  if (!args.file.empty()) throw UsageError(fmt::format("{} takes no file", args.action));
  if (args.action == "query") return query(args, session);
  if (args.action == "list") return list(args, session);
  throw UsageError(fmt::format("{}: what to do with points is add, query or list", args.action));
}

}  // namespace

void add_cryoem_points(Verb& cryoem) {
  auto args = std::make_shared<PointsArgs>();
  Verb verb = cryoem.add("points", "Lists of particles in a dataset: add, query, list", kDetails);
  verb.argument("URI", args->uri, "The dataset");
  verb.argument("ACTION", args->action, "add, query or list");
  verb.optional_argument("FILE", args->file, "To add: a STAR or ndjson file");
  verb.option("--name", "NAME", args->name, "Of the list (default: particles)");
  verb.option("--box", "X,Y,Z,W,H,D", args->box, "Particles in these voxels only");
  add_scale_options(verb, args->scale);
  verb.run([args](Session& session) { return points(*args, session); });
}

}  // namespace cnf::cli
