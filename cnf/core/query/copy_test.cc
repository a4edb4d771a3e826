// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/copy.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/query/sample_dataset_internal.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

Errc failure_of(Dataset source, const std::shared_ptr<storage::Storage>& target,
                const CopyOptions& options = {}) {
  try {
    (void)copy_dataset(std::move(source), target, options);
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

class Copying : public ::testing::Test {
 protected:
  Copying() { (void)test::write_sample_dataset(from_, {.chunks = 5}); }

  void expect_whole(const std::shared_ptr<storage::Storage>& root) {
    const Validation validation = validate_objects(open_dataset(root), {});
    EXPECT_TRUE(validation.findings.empty()) << validation.findings.front().what;
  }

  std::shared_ptr<storage::Storage> from_ = storage::make_memory();
  std::shared_ptr<storage::Storage> to_ = storage::make_memory();
};

TEST_F(Copying, BringsEveryObjectAndTheManifest) {
  const CopyReport report = copy_dataset(open_dataset(from_), to_, {});
  expect_whole(to_);
  EXPECT_EQ(report.resumed, 0U);
  EXPECT_EQ(report.bytes, open_dataset(from_).manifest().storage.total_size);
  for (const storage::FileInfo& info : from_->list()) {
    EXPECT_EQ(as_text(to_->read_all(info.key, info.size).bytes),
              as_text(from_->read_all(info.key, info.size).bytes));
  }
}

TEST_F(Copying, SpreadsChunksByAnotherSharding) {
  (void)copy_dataset(open_dataset(from_), to_, {.sharding_bits = 8});
  EXPECT_EQ(open_dataset(to_).manifest().storage.sharding_bits, 8);
  expect_whole(to_);
  const auto back = storage::make_memory();
  (void)copy_dataset(open_dataset(to_), back, {.sharding_bits = 0});
  expect_whole(back);
  for (const storage::FileInfo& info : from_->list()) EXPECT_TRUE(back->exists(info.key));
}

TEST_F(Copying, IsTakenUpWhereItWasCutShort) {
  for (std::uint64_t nth = 1;; ++nth) {
    const auto target = storage::make_memory();
    const storage::Faulty faulty = storage::make_faulty(target, {.nth = nth});
    try {
      (void)copy_dataset(open_dataset(from_), faulty.storage, {.threads = 1});
      EXPECT_GT(nth, 8U);
      break;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::unavailable) << nth;
    }
    const CopyReport report = copy_dataset(open_dataset(from_), target, {.replace = true});
    EXPECT_LE(report.resumed, report.objects);
    if (nth > 6) {
      EXPECT_GT(report.resumed, 0U) << nth;
    }
    expect_whole(target);
  }
}

TEST_F(Copying, RefusesToReplaceUnlessAsked) {
  (void)copy_dataset(open_dataset(from_), to_, {});
  EXPECT_EQ(failure_of(open_dataset(from_), to_), Errc::already_exists);
  (void)copy_dataset(open_dataset(from_), to_, {.replace = true});
  expect_whole(to_);
}

TEST_F(Copying, RefusesADamagedSource) {
  const std::string path = open_dataset(from_).manifest().chunks.path(3);
  Buffer bytes = from_->read_all(path, 1 << 20).bytes;
  bytes.data()[100] ^= std::byte{1};
  (void)from_->put(path, bytes);
  EXPECT_EQ(failure_of(open_dataset(from_), to_), Errc::corrupt_data);
  EXPECT_FALSE(to_->exists(metadata::kManifestKey));
}

TEST_F(Copying, OntoItselfChangesTheShardingInPlace) {
  (void)copy_dataset(open_dataset(from_), from_, {.sharding_bits = 4, .replace = true});
  const Dataset spread = open_dataset(from_);
  EXPECT_EQ(spread.manifest().storage.sharding_bits, 4);
  const Validation validation = validate_objects(spread, {});
  EXPECT_EQ(validation.count(Finding::Severity::error), 0U);
  EXPECT_EQ(validation.count(Finding::Severity::warning), 5U);  // the old chunks, for gc
}

}  // namespace
}  // namespace cnf::query
