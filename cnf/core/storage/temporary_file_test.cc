// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/temporary_file.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

TEST(TemporaryFile, GivesBackWhatWasAppendedAndHasNoName) {
  const testing::TempDir folder;
  TemporaryFile file(folder.path(), "keep in");
  file.append(as_bytes("voxels "));
  file.append(as_bytes("of a tomogram"));
  EXPECT_EQ(file.size(), 20U);
  Buffer piece(4);
  file.read_at(10, piece.span());
  EXPECT_EQ(as_text(piece), "a to");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TemporaryFile, ReadingPastTheEndIsAnError) {
  TemporaryFile file({}, "keep in");
  file.append(as_bytes("abc"));
  Buffer piece(2);
  EXPECT_THROW(file.read_at(2, piece.span()), Error);
}

TEST(TemporaryFile, AFolderThatIsNotThereIsNamed) {
  try {
    const TemporaryFile file("/no/such/folder", "sort in");
    FAIL() << "it was made";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::not_found);
    EXPECT_EQ(std::string(error.what()).find("sort in /no/such/folder"), 0U) << error.what();
  }
}

TEST(MappedFile, OutlivesTheTemporaryFileAndMoves) {
  MappedFile mapped;
  {
    TemporaryFile file({}, "keep in");
    file.append(as_bytes("density"));
    mapped = MappedFile(file);
  }
  const MappedFile moved = std::move(mapped);
  EXPECT_EQ(as_text(moved.bytes()), "density");
}

TEST(MappedFile, MapsAPathAndAnEmptyFile) {
  const testing::TempDir folder;
  const std::string path = (folder.path() / "x.mrc").string();
  std::ofstream(path) << "abc";
  EXPECT_EQ(as_text(MappedFile(path).bytes()), "abc");
  const std::string empty = (folder.path() / "empty").string();
  const std::ofstream made(empty);
  EXPECT_TRUE(MappedFile(empty).bytes().empty());
  EXPECT_THROW(MappedFile((folder.path() / "none").string()), Error);
  EXPECT_THROW(MappedFile(folder.path().string()), Error);
}

}  // namespace
}  // namespace cnf::storage
