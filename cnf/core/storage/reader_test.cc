// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

class ReaderTest : public ::testing::Test {
 protected:
  Usage usage() { return context_.accounting().snapshot(); }

  std::shared_ptr<Storage> store_ = make_memory();
  Context context_ = Context().with_accounting(std::make_shared<Accounting>());
};

TEST_F(ReaderTest, OpeningAsksNothing) {
  const std::unique_ptr<Reader> reader = store_->open("absent");
  EXPECT_EQ(usage().total_requests(), 0U);
  EXPECT_THROW((void)reader->size(context_), Error);
}

TEST_F(ReaderTest, TheSizeIsAskedForOnce) {
  store_->put("object", as_bytes("0123456789"));
  const std::unique_ptr<Reader> reader = store_->open("object");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(reader->size(context_), 10U); });
  }
  threads.clear();
  EXPECT_EQ(usage().count(RequestKind::head), 1U);
  EXPECT_EQ(usage().total_requests(), 1U);
}

TEST_F(ReaderTest, ARangeNeedsNoSize) {
  store_->put("object", as_bytes("0123456789"));
  Buffer into(3);
  store_->open("object")->read_at(4, into.span(), context_);
  EXPECT_EQ(as_text(into), "456");
  EXPECT_EQ(usage().total_requests(), 1U);
}

TEST_F(ReaderTest, AReadThatFailsDoesNotMove) {
  store_->put("object", as_bytes("0123456789"));
  const std::unique_ptr<Reader> reader = store_->open("object");
  Buffer into(4);
  EXPECT_EQ(reader->read(into.span()), 4U);
  store_->put("object", as_bytes("9876543210"));
  EXPECT_THROW((void)reader->read(into.span()), Error) << "the object is another now";
  EXPECT_EQ(reader->position(), 4U);
}

TEST_F(ReaderTest, OutlivesTheStore) {
  store_->put("object", as_bytes("0123456789"));
  const std::unique_ptr<Reader> reader = store_->open("object");
  Listing listing = store_->list();
  std::unique_ptr<Writer> writer = store_->create("other");
  store_ = nullptr;
  Buffer into(10);
  EXPECT_EQ(reader->read(into.span()), 10U);
  EXPECT_EQ(listing.next()->key, "object");
  writer->commit();
}

}  // namespace
}  // namespace cnf::storage
