// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/convert.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/chunk/position_sample.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/worker/pool.h"
#include "cnf/formats/vcfs3/bin_encoder.h"
#include "cnf/formats/vcfs3/contig_name.h"
#include "cnf/formats/vcfs3/convert_pipeline_internal.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/sample_table.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/formats/vcfs3/source_part.h"
#include "cnf/formats/vcfs3/waiting_parts.h"
#include "cnf/formats/vcfs3/writer.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::uint64_t kMaxSampleTable = std::uint64_t{1} << 30;

int zstd_level(Profile profile) {
  static constexpr std::array<int, 3> kLevels = {3, 9, 19};
  return kLevels[static_cast<std::size_t>(profile)];
}

/// INFO keys with zones: the first of the header's numeric ones.
std::vector<std::string> zone_keys_of(const Header& header) {
  std::vector<std::string> keys;
  for (const std::string& key : header.info_keys) {
    const FieldDefinition::Type type = header.info.at(key).type;
    const bool numeric =
        type == FieldDefinition::Type::integer || type == FieldDefinition::Type::floating;
    const bool plain = std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7f; });
    if (numeric && plain && keys.size() < kMaxZoneKeys) keys.push_back(key);
  }
  return keys;
}

/// Samples per tile. Genotypes alone compress far better side by side (0.55 of the bytes with 100
/// instead of 24), and a tile of them is small; FORMAT values gain nothing and make tiles large.
std::optional<std::uint64_t> group_samples_of(const ConvertOptions& options, const Header& header) {
  constexpr std::uint64_t kOfGenotypesAlone = 100;
  const bool genotypes_alone =
      header.format.empty() || (header.format.size() == 1 && header.format.contains("GT"));
  if (options.chunk_samples || !genotypes_alone) return options.chunk_samples;
  const chunk::PositionSampleStrategy usual(header.samples.size());
  return std::max(usual.group_samples(), kOfGenotypesAlone);
}

SampleTable read_sample_table(const ConvertOptions& options, const Header& header,
                              const Context& context) {
  if (options.sample_table.empty()) return {.names = header.samples};
  const storage::Location table = storage::locate(options.sample_table, options.storage);
  const storage::Object object = table.storage->read_all(table.key, kMaxSampleTable, context);
  return SampleTable::parse(as_text(object.bytes), header.samples, options.sample_table);
}

nlohmann::json custom_of(const InputFacts& facts, const Source& source,
                         const chunk::PositionSampleStrategy& grid, const DatasetWriter& writer,
                         const std::vector<std::string>& zone_keys,
                         const std::vector<metadata::ObjectInfo>& objects) {
  const StoredBytes& stored = writer.stored();
  const SiteCounts& counts = facts.counts;
  nlohmann::json contigs = nlohmann::json::array();
  for (const std::string& name : facts.more_contigs) contigs.push_back(escape_name(name));
  nlohmann::json names = nlohmann::json::object();
  for (const metadata::ObjectInfo& object : objects) names[object.name] = object.name;
  return {{"samples", grid.samples()},
          {"group_samples", grid.group_samples()},
          {"records", facts.records},
          {"raw_records", facts.raw_records},
          {"bins", writer.bins()},
          {"source", source.kind()},
          {"text",
           {{"bytes", facts.text_bytes},
            {"sha256", facts.text_sha256},
            {"crlf", source.header().crlf},
            {"final_newline", facts.final_newline}}},
          {"in_order", facts.in_order},
          {"contigs", std::move(contigs)},
          {"zone_keys", zone_keys},
          {"id_bits", writer.id_bits()},
          {"types",
           {{"no_alt", counts.no_alt},
            {"snp", counts.snp},
            {"mnp", counts.mnp},
            {"indel", counts.indel},
            {"other", counts.other},
            {"multiallelic", counts.multiallelic}}},
          {"stored",
           {{"core", stored.core},
            {"info", stored.info},
            {"carriers", stored.carriers},
            {"genotypes", stored.genotypes},
            {"format", stored.format}}},
          {"batches",
           {{{"records", facts.records},
             {"bins", writer.bins()},
             {"first_sample", 0},
             {"samples", grid.samples()},
             {"objects", std::move(names)}}}}};
}

void describe(metadata::Metadata& manifest, const ConvertOptions& options,
              const InputFacts& facts) {
  manifest.created_by = "cnf " CNF_VERSION;
  manifest.storage.sharding_bits = options.sharding_bits;
  manifest.compression.algorithm = "zstd";
  manifest.compression.level = zstd_level(options.profile);
  const auto stored = static_cast<double>(manifest.storage.total_size);
  manifest.compression.ratio = stored > 0 ? static_cast<double>(facts.text_bytes) / stored : 0;
}

/// What the commit of parts asks of a part's edges.
nlohmann::json positions_of(const InputFacts& facts) {
  return {{"first_pos", facts.first_pos}, {"last_pos", facts.last_pos}};
}

/// Reads all and writes all but the manifest.
class Conversion {
 public:
  Conversion(std::shared_ptr<storage::Storage> target, const ConvertOptions& options,
             const std::optional<PartNumber>& part, const Context& context)
      : target_(std::move(target)),
        options_(options),
        part_(part),
        context_(context),
        threads_(options.threads > 0 ? options.threads : worker::default_threads()) {}

  metadata::Metadata run(Source& source, ConvertReport& report) {
    const Header& header = source.header();
    const SampleTable samples = read_sample_table(options_, header, context_);
    const auto grid = std::make_shared<chunk::PositionSampleStrategy>(
        header.samples.size(), options_.chunk_span, group_samples_of(options_, header));
    const ConvertPipeline::Options pipeline_options{
        .threads = threads_,
        .memory = options_.memory,
        .progress = options_.progress,
        .encoding = {.zone_keys = zone_keys_of(header), .level = zstd_level(options_.profile)},
        .header_is_text = !part_ || part_->number == 1};
    make_writer(grid, pipeline_options.encoding.zone_keys.size());
    try {
      const InputFacts facts =
          ConvertPipeline(source, *grid, *writer_, pipeline_options, context_).run();
      if (facts.records != writer_->records()) {
        throw Error(
            Errc::internal, "convert", target_->uri(),
            fmt::format("{} records were read and {} written", facts.records, writer_->records()));
      }
      metadata::Metadata manifest = writer_->finish(header, samples);
      describe(manifest, options_, facts);
      manifest.custom = custom_of(facts, source, *grid, *writer_,
                                  pipeline_options.encoding.zone_keys, manifest.objects);
      if (part_) manifest.custom["part"] = positions_of(facts);
      report = {.records = facts.records,
                .raw_records = facts.raw_records,
                .samples = header.samples.size(),
                .bins = writer_->bins(),
                .chunks = manifest.chunks.num_chunks,
                .text_bytes = facts.text_bytes,
                .stored_bytes = manifest.storage.total_size};
      return manifest;
    } catch (...) {
      writer_->discard();
      throw;
    }
  }

  void commit(const metadata::Metadata& manifest,
              const std::optional<metadata::Committed>& existing) {
    writer_->commit(manifest, existing);
  }
  [[nodiscard]] const std::string& id() const noexcept { return writer_->id(); }
  void discard() noexcept { writer_->discard(); }

 private:
  void make_writer(std::shared_ptr<const chunk::PositionSampleStrategy> grid,
                   std::size_t zone_keys) {
    metadata::Metadata sharding;
    sharding.storage.sharding_bits = options_.sharding_bits;
    writer_ = std::make_unique<DatasetWriter>(
        target_, metadata::Manager::chunk_storage(target_, sharding),
        DatasetWriter::Options{.strategy = std::move(grid),
                               .zone_keys = zone_keys,
                               .chunk_bytes = options_.chunk_bytes,
                               .id_memory = options_.memory / 16,
                               .temporary = options_.temporary,
                               .first_chunk = part_ ? (part_->number - 1) * kPartChunks : 0,
                               .whole_hashes = part_.has_value()},
        context_);
  }

  std::shared_ptr<storage::Storage> target_;
  const ConvertOptions& options_;
  std::optional<PartNumber> part_;
  Context context_;
  std::size_t threads_;
  std::unique_ptr<DatasetWriter> writer_;
};

/// How a part fits to the others: names are for people (load_waiting tells them).
void describe_part(metadata::Metadata& manifest, const PartSource& source,
                   const ConvertOptions& options) {
  nlohmann::json& part = manifest.custom["part"];
  part["begin"] = source.begin();
  part["end"] = source.end();
  part["same"] = {
      {"input's length", source.input_bytes()},
      {"header", to_hex(sha256(as_bytes(source.header().text)))},
      {"sample table", manifest.object(kSamplesObject).crc32c},
      {"kind of input", source.kind()},
      {"profile", manifest.compression.level},
      {"chunk span", options.chunk_span ? nlohmann::json(*options.chunk_span) : nlohmann::json()},
      {"chunk samples", manifest.custom.at("group_samples")},
      {"zone keys", manifest.custom.at("zone_keys")},
      {"sharding bits", options.sharding_bits}};
  if (manifest.chunks.num_chunks > kPartChunks) {
    throw Error(Errc::unsupported, "convert", "a part", "it has more than 10,000,000 chunks",
                "convert in more parts");
  }
}

ConvertReport convert_part(const std::string& input,
                           const std::shared_ptr<storage::Storage>& target,
                           const ConvertOptions& options, const Context& context) {
  static_cast<void>(query::load_existing(target, options.existing, context));
  const PartNumber part = *options.part;
  const std::unique_ptr<PartSource> source =
      open_part(input, part, {.storage = options.storage, .threads = options.threads}, context);
  const std::vector<std::string> replaced = waiting_keys(target, context, &part);
  ConvertReport report;
  Conversion conversion(target, options, part, context);
  metadata::Metadata manifest = conversion.run(*source, report);
  try {
    describe_part(manifest, *source, options);
  } catch (...) {
    conversion.discard();
    throw;
  }
  put_waiting(target, manifest, part, conversion.id(), context);
  target->remove(replaced, context);
  if (options.progress != nullptr) options.progress->finish();
  return report;
}

}  // namespace

ConvertReport convert(const std::string& input, const std::shared_ptr<storage::Storage>& target,
                      const ConvertOptions& options, const Context& context) {
  if (options.part) return convert_part(input, target, options, context);
  return convert(
      [&] {
        return open_source(input, {.storage = options.storage, .threads = options.threads},
                           context);
      },
      target, options, context);
}

ConvertReport convert(const OpenSource& open, const std::shared_ptr<storage::Storage>& target,
                      const ConvertOptions& options, const Context& context) {
  const std::optional<metadata::Committed> existing =
      query::load_existing(target, options.existing, context);
  ConvertReport report;
  Conversion conversion(target, options, std::nullopt, context);
  const metadata::Metadata manifest = conversion.run(*open(), report);
  conversion.commit(manifest, existing);
  if (options.progress != nullptr) options.progress->finish();
  return report;
}

}  // namespace cnf::vcfs3
