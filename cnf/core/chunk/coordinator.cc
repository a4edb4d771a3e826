// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/chunk/coordinator.h"

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"

namespace cnf::chunk {
namespace {

constexpr std::chrono::seconds kCleanupTime{10};

}  // namespace

std::string chunk_path(std::uint64_t number, std::string_view id) {
  return fmt::format("data/{:05}-{}.chunk", number, id);
}

Coordinator::Coordinator(std::shared_ptr<storage::Storage> chunks, std::uint64_t first,
                         const Context& context)
    : storage_(std::move(chunks)), id_(random_id()), context_(context), number_(first) {}

Coordinator::~Coordinator() { give_up_chunk(); }

void Coordinator::write(ByteSpan bytes) {
  if (bytes.empty()) return;
  if (path_.empty()) path_ = chunk_path(number_, id_);
  try {
    context_.check("write", path_);
    if (!writer_) writer_ = storage_->create(path_, {}, context_);
    writer_->write(bytes);
  } catch (...) {
    give_up_chunk();
    throw;
  }
  crc_ = crc32c(bytes, crc_);
  offset_ += bytes.size();
}

void Coordinator::finish_chunk() {
  if (!writer_) return;
  const WrittenChunk chunk{.number = number_, .length = offset_, .crc32c = crc_};
  try {
    context_.check("commit", path_);
    writer_->commit();
  } catch (...) {
    give_up_chunk();
    throw;
  }
  written_.push_back(chunk);
  ++number_;
  close_chunk();
}

void Coordinator::abort() noexcept {
  give_up_chunk();
  try {
    std::vector<std::string> paths;
    for (const WrittenChunk& chunk : written_) paths.push_back(chunk_path(chunk.number, id_));
    written_.clear();
    const Context cleanup = Context()
                                .with_accounting(context_.shared_accounting())
                                .with_deadline(Context::Clock::now() + kCleanupTime);
    if (!paths.empty()) storage_->remove(paths, cleanup);
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
    // What could not be removed is named by no manifest, and is collected as an orphan.
  }
}

void Coordinator::give_up_chunk() noexcept {
  if (writer_) writer_->abort();
  close_chunk();
}

void Coordinator::close_chunk() noexcept {
  writer_.reset();
  path_.clear();
  offset_ = 0;
  crc_ = 0;
}

}  // namespace cnf::chunk
