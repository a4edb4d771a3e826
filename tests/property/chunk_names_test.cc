// SPDX-License-Identifier: Apache-2.0

// Two packages that do not see each other spell a chunk's name: who writes it and who reads it.

#include <cstdint>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/chunk/coordinator.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/util/buffer.h"

namespace cnf {
namespace {

TEST(ChunkNames, WriterAndManifestAgree) {
  for (const std::uint64_t number : {0ULL, 9ULL, 99'999ULL, 100'000ULL, 1ULL << 40}) {
    metadata::Metadata::Chunks chunks;
    chunks.runs.push_back({.first = number, .count = 1, .id = "0123456789abcdef"});
    EXPECT_EQ(chunks.path(number), chunk::chunk_path(number, "0123456789abcdef"));
  }
}

TEST(ChunkNames, WhatACoordinatorWroteIsNoOrphanOnceItIsNamed) {
  for (const int bits : {0, 5}) {
    const auto store = storage::make_memory();
    metadata::Metadata manifest;
    manifest.storage.sharding_bits = bits;
    chunk::Coordinator coordinator(metadata::Manager::chunk_storage(store, manifest), 7, {});
    for (int i = 0; i < 3; ++i) {
      coordinator.write(as_bytes("bytes"));
      coordinator.finish_chunk();
    }
    EXPECT_EQ(metadata::Manager(store).orphans(manifest).size(), 3U);
    manifest.chunks.num_chunks = 3;
    manifest.chunks.runs.push_back({.first = 7, .count = 3, .id = coordinator.id()});
    EXPECT_THAT(metadata::Manager(store).orphans(manifest), testing::IsEmpty());
  }
}

}  // namespace
}  // namespace cnf
