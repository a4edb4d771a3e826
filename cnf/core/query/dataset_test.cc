// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/dataset.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/sample_dataset_internal.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint64_t kChunks = 5;

struct Sample {
  std::shared_ptr<storage::Storage> root = storage::make_memory();
  metadata::Metadata manifest;

  explicit Sample(int sharding_bits = 0)
      : manifest(test::write_sample_dataset(root,
                                            {.chunks = kChunks, .sharding_bits = sharding_bits})) {}

  [[nodiscard]] std::shared_ptr<storage::Storage> chunks() const {
    return metadata::Manager::chunk_storage(root, manifest);
  }
  [[nodiscard]] Validation validate(const Context& context = {}) const {
    return validate_objects(open_dataset(root, context), {}, context);
  }
};

// Rewrites an object of a store.
void change(storage::Storage& storage, const std::string& key,
            const std::function<void(Buffer&)>& edit) {
  Buffer bytes = storage.read_all(key, 1 << 20).bytes;
  edit(bytes);
  storage.put(key, bytes);
}

void flip(storage::Storage& storage, const std::string& key, std::size_t at) {
  change(storage, key, [at](Buffer& bytes) { bytes.data()[at] ^= std::byte{1}; });
}

// Replaces the manifest as a writer would.
void edit_manifest(Sample& sample, const std::function<void(metadata::Metadata&)>& edit) {
  metadata::Manager manager(sample.root);
  metadata::Committed committed = manager.load();
  edit(committed.metadata);
  manager.replace(committed.metadata, committed.etag);
}

TEST(Dataset, OpensWithOneRequest) {
  const Sample sample(4);
  const Context context;
  const Dataset dataset = open_dataset(sample.root, context);
  EXPECT_EQ(dataset.manifest().dataset_id, sample.manifest.dataset_id);
  EXPECT_EQ(context.accounting().snapshot().total_requests(), 1U);
  EXPECT_TRUE(dataset.chunks->exists(dataset.manifest().chunks.path(0)));
}

TEST(Dataset, IsNotFoundWithoutAManifest) {
  try {
    static_cast<void>(open_dataset(storage::make_memory()));
    FAIL() << "opened nothing";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::not_found);
  }
}

TEST(Validate, FindsNothingInASoundDataset) {
  for (const int bits : {0, 4, 8}) {
    const Sample sample(bits);
    const Validation result = sample.validate();
    EXPECT_THAT(result.findings, IsEmpty()) << bits;
    EXPECT_EQ(result.objects, kChunks + 2);
    EXPECT_EQ(result.bytes, sample.manifest.storage.total_size);
  }
}

TEST(Validate, ReadsEveryByteOnceAndTheIndexTwice) {
  const Sample sample;
  const Context context;
  static_cast<void>(sample.validate(context));
  const std::uint64_t index = sample.manifest.object(metadata::kChunkIndex).length;
  const Usage usage = context.accounting().snapshot();
  EXPECT_LE(usage.bytes_fetched, sample.manifest.storage.total_size + index +
                                     sample.root->stat(metadata::kManifestKey).size);
  EXPECT_EQ(usage.count(RequestKind::head), kChunks + 2);
}

TEST(Validate, TheAnswerIsTheSameForAnyThreadsAndMemory) {
  const Sample sample;
  flip(*sample.root, sample.manifest.chunks.path(1), 100);
  flip(*sample.root, sample.manifest.chunks.path(3), 4999);
  sample.root->remove(sample.manifest.chunks.path(2));
  std::vector<std::string> answers;
  for (const std::size_t threads : {0U, 1U, 7U}) {
    for (const std::uint64_t memory : {1U, 1U << 20}) {
      const Validation result =
          validate_objects(open_dataset(sample.root), {.threads = threads, .memory = memory}, {});
      std::string answer;
      for (const Finding& finding : result.findings) {
        answer += finding.object + ": " + finding.what + "\n";
      }
      answers.push_back(answer);
    }
  }
  EXPECT_THAT(answers, ::testing::Each(answers.front()));
  EXPECT_EQ(std::count(answers.front().begin(), answers.front().end(), '\n'), 3);
}

// Each harms a sample and returns the object that is to be named.
std::string flip_chunk(Sample& sample) {
  std::string key = sample.manifest.chunks.path(2);
  flip(*sample.chunks(), key, 0);
  return key;
}
std::string flip_header(Sample& sample) {
  std::string key = sample.manifest.object("header").path;
  flip(*sample.root, key, 3);
  return key;
}
std::string remove_chunk(Sample& sample) {
  std::string key = sample.manifest.chunks.path(4);
  sample.chunks()->remove(key);
  return key;
}
std::string remove_header(Sample& sample) {
  std::string key = sample.manifest.object("header").path;
  sample.root->remove(key);
  return key;
}
std::string lengthen_chunk(Sample& sample) {
  std::string key = sample.manifest.chunks.path(0);
  change(*sample.chunks(), key, [](Buffer& bytes) { bytes.append(as_bytes("x")); });
  return key;
}
std::string shorten_chunk(Sample& sample) {
  std::string key = sample.manifest.chunks.path(0);
  change(*sample.chunks(), key, [](Buffer& bytes) { bytes.resize(10); });
  return key;
}
std::string grow_total_size(Sample& sample) {
  edit_manifest(sample, [](metadata::Metadata& m) { ++m.storage.total_size; });
  return std::string(metadata::kManifestKey);
}
std::string claim_a_chunk_more(Sample& sample) {
  edit_manifest(sample, [](metadata::Metadata& m) {
    ++m.chunks.num_chunks;
    ++m.chunks.runs[0].count;
  });
  return sample.manifest.object(metadata::kChunkIndex).path;
}
std::string claim_a_chunk_less(Sample& sample) {
  edit_manifest(sample, [](metadata::Metadata& m) {
    --m.chunks.num_chunks;
    --m.chunks.runs[0].count;
    m.storage.total_size -= m.chunks.chunk_size;
  });
  return sample.manifest.object(metadata::kChunkIndex).path;
}
std::string forget_the_chunk_index(Sample& sample) {
  edit_manifest(sample, [](metadata::Metadata& m) {
    std::erase_if(m.objects, [](const auto& o) { return o.name == metadata::kChunkIndex; });
  });
  return std::string(metadata::kManifestKey);
}

struct Damage {
  const char* name;
  std::string (*harm)(Sample&);
  const char* what;
};
constexpr Damage kDamages[] = {
    {"flipped bit in a chunk", flip_chunk, "crc32c is 0x"},
    {"flipped bit in the header", flip_header, "crc32c is 0x"},
    {"missing chunk", remove_chunk, "is missing; the chunk index lists it"},
    {"missing header", remove_header, "is missing; the manifest lists it"},
    {"longer chunk", lengthen_chunk, "has 5001 bytes, the chunk index says 5000"},
    {"shorter chunk", shorten_chunk, "has 10 bytes, the chunk index says 5000"},
    {"total size", grow_total_size, "total_size is"},
    {"fewer chunks in the index", claim_a_chunk_more, "lists 5 chunks of the manifest's 6"},
    {"more chunks in the index", claim_a_chunk_less, "lists chunk 4, which no run"},
    {"no chunk index", forget_the_chunk_index, "lists no index of the chunks"},
};

TEST(Validate, FindsEachDamage) {
  for (const Damage& damage : kDamages) {
    for (const int bits : {0, 5}) {
      Sample sample(bits);
      const std::string object = damage.harm(sample);
      const Validation result = sample.validate();
      ASSERT_GE(result.count(Finding::Severity::error), 1U) << damage.name;
      for (const Finding& finding : result.findings) {
        if (finding.severity == Finding::Severity::warning) continue;
        EXPECT_EQ(finding.object, object) << damage.name << ": " << finding.what;
        EXPECT_THAT(finding.what, HasSubstr(damage.what)) << damage.name;
      }
    }
  }
}

TEST(Validate, FindsAFlippedBitAnywhereInTheIndex) {
  const Sample sample;
  const metadata::ObjectInfo& index = sample.manifest.object(metadata::kChunkIndex);
  for (std::size_t at = 0; at < index.length; ++at) {
    flip(*sample.root, index.path, at);
    const Validation result = sample.validate();
    EXPECT_GE(result.count(Finding::Severity::error), 1U) << at;
    for (const Finding& finding : result.findings) EXPECT_EQ(finding.object, index.path) << at;
    flip(*sample.root, index.path, at);
  }
}

TEST(Validate, AnOrphanIsAWarning) {
  const Sample sample;
  sample.root->put("data/00077-0123456789abcdef.chunk", as_bytes("left"));
  const Validation result = sample.validate();
  ASSERT_EQ(result.findings.size(), 1U);
  EXPECT_EQ(result.findings[0].severity, Finding::Severity::warning);
  EXPECT_EQ(result.findings[0].object, "data/00077-0123456789abcdef.chunk");
  EXPECT_EQ(result.count(Finding::Severity::error), 0U);
}

// What keeps it from looking is an error, at whichever call it comes; never a finding, never a
// clean bill of health.
TEST(Validate, ThrowsWhatIsNotDamage) {
  const Sample sample;
  for (std::uint64_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 1000U);
    const storage::Faulty faulty =
        storage::make_faulty(sample.root, {.nth = nth, .code = Errc::unavailable});
    try {
      const Validation result = validate_objects(open_dataset(faulty.storage), {.threads = 1}, {});
      ASSERT_LT(*faulty.calls, nth) << "call " << nth << " failed unseen";
      EXPECT_THAT(result.findings, IsEmpty());
      break;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::unavailable) << nth;
    }
  }
}

}  // namespace
}  // namespace cnf::query
