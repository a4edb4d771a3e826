// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cnf/core/chunk/position_sample.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/worker/pipeline.h"
#include "cnf/formats/vcfs3/bin.h"
#include "cnf/formats/vcfs3/bin_builder.h"
#include "cnf/formats/vcfs3/bin_encoder.h"
#include "cnf/formats/vcfs3/convert_pipeline_internal.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/parse.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/formats/vcfs3/writer.h"

namespace cnf::vcfs3 {
namespace {

// A slab and what it is parsed into.
constexpr std::uint64_t kSlabMemory = std::uint64_t{24} << 20;

// How often a reader that waits for other stages looks whether it is to stop.
constexpr std::chrono::milliseconds kLook{20};

}  // namespace

ConvertPipeline::ConvertPipeline(Source& source, const chunk::PositionSampleStrategy& grid,
                                 DatasetWriter& writer, const Options& options,
                                 const Context& context)
    : source_(source),
      grid_(grid),
      writer_(writer),
      options_(options),
      context_(context),
      builder_(source.header(), grid, [this](Bin bin) { add_bin(std::move(bin)); }) {
  const std::vector<Header::Contig>& contigs = source.header().contigs;
  for (std::size_t i = 0; i < contigs.size(); ++i)
    contigs_.emplace(contigs[i].name, static_cast<std::uint32_t>(i));
}

/// A stage that throws ends the pipeline, and must not leave another one waiting for it.
template <typename Stage>
auto ConvertPipeline::telling_failure(const Stage& stage) {
  try {
    return stage();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failed_ = true;
    changed_.notify_all();
    throw;
  }
}

InputFacts ConvertPipeline::run() {
  const std::string& header = source_.header().text;
  if (options_.header_is_text) {
    digest_.update(as_bytes(header));
    facts_.text_bytes = header.size();
  }
  const std::uint64_t fitting =
      std::max<std::uint64_t>(options_.memory / 4 / kSlabMemory, std::uint64_t{2});
  worker::run_pipeline<Task, Result>(
      {.threads = options_.threads,
       .in_flight = std::min<std::uint64_t>(2 * options_.threads + 2, fitting)},
      context_, [this] { return next(); },
      [this](Task task) { return telling_failure([&] { return perform(std::move(task)); }); },
      [this](Result result) { telling_failure([&] { take(std::move(result)); }); });
  facts_.raw_records = builder_.raw_records();
  facts_.final_newline = builder_.final_newline();
  facts_.text_sha256 = to_hex(digest_.finish());
  facts_.last_pos = last_pos_;
  return std::move(facts_);
}

bool ConvertPipeline::may_read() const {
  return !ended_ && (held_bytes_ == 0 || held_bytes_ < options_.memory / 2);
}

std::optional<ConvertPipeline::Task> ConvertPipeline::next_part() {
  if (pending_.empty()) return std::nullopt;
  Part part{.bin = pending_.front(), .number = pending_.front()->given_out++};
  if (part.bin->given_out == part.bin->parts) pending_.pop_front();
  return part;
}

std::optional<ConvertPipeline::Task> ConvertPipeline::next() {
  std::unique_lock lock(mutex_);
  while (!failed_) {
    if (std::optional<Task> part = next_part()) return part;
    if (may_read()) {
      ++parsing_;
      lock.unlock();
      std::optional<Task> slab = read_slab();
      if (slab) return slab;
      lock.lock();
      --parsing_;
      ended_ = true;
      continue;
    }
    if (ended_ && parsing_ == 0) {
      // Every slab has been added: nobody else touches the builder any more.
      if (finished_) return std::nullopt;
      finished_ = true;
      lock.unlock();
      builder_.finish();
      lock.lock();
      continue;
    }
    changed_.wait_for(lock, kLook);
    context_.check("convert", "records");
  }
  return std::nullopt;  // the pipeline rethrows what failed
}

std::optional<ConvertPipeline::Task> ConvertPipeline::read_slab() {
  std::optional<Slab> slab = source_.next();
  if (!slab) return std::nullopt;
  digest_.update(slab->text);
  facts_.text_bytes += slab->text.size();
  if (options_.progress != nullptr) {
    const std::uint64_t consumed = source_.consumed();
    options_.progress->add(consumed - consumed_, 0);
    consumed_ = consumed;
  }
  return std::move(*slab);
}

ConvertPipeline::Result ConvertPipeline::perform(Task task) const {
  if (auto* slab = std::get_if<Slab>(&task)) return parse_slab(std::move(*slab), source_.header());
  Part& part = std::get<Part>(task);
  const BinEncoder& encoder = part.bin->encoder;
  if (part.number < encoder.pages()) {
    EncodedSites sites = encoder.encode_page(part.number);
    return EncodedPart{.part = std::move(part), .result = std::move(sites)};
  }
  const std::size_t first = (part.number - encoder.pages()) * grid_.group_samples();
  EncodedBin::Tile tile = encoder.encode_tile(
      {.first = first, .count = std::min(grid_.group_samples(), grid_.samples() - first)});
  return EncodedPart{.part = std::move(part), .result = std::move(tile)};
}

void ConvertPipeline::take(Result result) {
  if (auto* part = std::get_if<EncodedPart>(&result)) return take_part(std::move(*part));
  ParsedSlab& slab = std::get<ParsedSlab>(result);
  facts_.records += slab.table.sites.size();
  builder_.add(std::move(slab));
  const std::lock_guard lock(mutex_);
  --parsing_;
  changed_.notify_all();
}

std::uint32_t ConvertPipeline::contig_number(const std::string& name) {
  const auto [found, is_new] =
      contigs_.try_emplace(name, static_cast<std::uint32_t>(contigs_.size()));
  if (is_new) facts_.more_contigs.push_back(name);
  return found->second;
}

void ConvertPipeline::add_bin(Bin bin) {
  const std::uint32_t contig = contig_number(bin.contig);
  auto work = std::make_shared<BinWork>(std::move(bin), options_.encoding);
  work->encoded.contig = contig;
  work->encoded.pages.resize(work->encoder.pages());
  work->encoded.tiles.resize(grid_.groups());
  work->parts = work->encoded.pages.size() + work->encoded.tiles.size();
  work->bytes = work->encoder.bytes();
  const std::lock_guard lock(mutex_);
  held_bytes_ += work->bytes;
  pending_.push_back(std::move(work));
  changed_.notify_all();
}

void ConvertPipeline::take_part(EncodedPart encoded) {
  BinWork& work = *encoded.part.bin;
  const std::size_t number = encoded.part.number;
  if (auto* sites = std::get_if<EncodedSites>(&encoded.result)) {
    work.encoded.pages[number] = std::move(sites->page);
    work.sites.push_back(std::move(*sites));
  } else {
    work.encoded.tiles[number - work.encoded.pages.size()] =
        std::move(std::get<EncodedBin::Tile>(encoded.result));
  }
  if (number + 1 < work.parts) return;
  write_bin(work);
  const std::lock_guard lock(mutex_);
  held_bytes_ -= work.bytes;
  changed_.notify_all();
}

void ConvertPipeline::write_bin(BinWork& work) {
  const std::uint32_t contig = work.encoded.contig;
  if (!last_contig_) facts_.first_pos = work.sites.front().first_pos;
  if (contig != last_contig_) {
    if (seen_contigs_.size() <= contig) seen_contigs_.resize(std::size_t{contig} + 1);
    if (seen_contigs_[contig]) facts_.in_order = false;
    seen_contigs_[contig] = true;
    last_contig_ = contig;
    last_pos_ = work.sites.front().first_pos;
  }
  for (const EncodedSites& sites : work.sites) {
    if (!sites.ascending || sites.first_pos < last_pos_) facts_.in_order = false;
    last_pos_ = sites.last_pos;
    facts_.counts += sites.counts;
  }
  const std::uint64_t before = writer_.records();
  writer_.write(std::move(work.encoded));
  if (options_.progress != nullptr) options_.progress->add(0, writer_.records() - before);
}

}  // namespace cnf::vcfs3
