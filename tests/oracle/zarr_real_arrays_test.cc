// SPDX-License-Identifier: Apache-2.0

// Oracle: zarr-python 3.1 (and numcodecs), for arrays that zarrs, zarr-python and zarrita wrote.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/storage/local.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {
namespace {

namespace fs = std::filesystem;

/// An array and the CRC32C of its elements, C order, little-endian, as zarr-python reads them.
struct Known {
  const char* path;
  int version;
  std::uint32_t crc32c;
};
constexpr Known kKnown[] = {
    {"zarrs-conformance/v3/array_blosc.zarr", 3, 0x98949773},
    {"zarrs-conformance/v3/array_blosc.zarr", 2, 0x98949773},
    {"zarrs-conformance/v3/array_gzip.zarr", 3, 0x98949773},
    {"zarrs-conformance/v3/array_gzip.zarr", 2, 0x98949773},
    {"zarrs-conformance/v3/array_none.zarr", 3, 0x98949773},
    {"zarrs-conformance/v3/array_none.zarr", 2, 0x98949773},
    {"zarrs-conformance/v3/array_zstd.zarr", 3, 0x98949773},
    {"zarrs-conformance/v3/array_zstd.zarr", 2, 0x98949773},
    {"zarrs-conformance/v3_zarr_python/array_blosc.zarr", 3, 0x98949773},
    {"zarrs-conformance/v3_zarr_python/array_bz2.zarr", 3, 0x98949773},
    {"zarrs-conformance/v3_zarr_python/array_fletcher32.zarr", 3, 0x98949773},
    {"neuroglancer-zarr/ome_zarr/all_0.6/axis_dependent/mapAxis.zarr/array", 3, 0x30cb5cb8},
    {"neuroglancer-zarr/ome_zarr/all_0.6/basic/translation.zarr/array", 3, 0x30cb5cb8},
    {"neuroglancer-zarr/ome_zarr/all_0.6/simple/anisotropic_rotation.zarr/array", 3, 0x30cb5cb8},
    {"neuroglancer-zarr/ome_zarr/all_0.6/simple/rotation.zarr/array", 3, 0x30cb5cb8},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.chunked.compressed.sharded.i2", 3,
     0x3230878b},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.chunked.filled.compressed.sharded.i2", 3,
     0x1e986f6e},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.chunked.i2", 3, 0x3230878b},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.chunked.ragged.i2", 3, 0xa8457202},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.b1", 3, 0x86807908},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.blosc.i2", 3, 0x3230878b},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.compressed.sharded.b1", 3,
     0x86807908},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.compressed.sharded.f4", 3,
     0xfe32cf25},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.compressed.sharded.f8", 3,
     0xa7650918},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.compressed.sharded.i2", 3,
     0x3230878b},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.compressed.sharded.i4", 3,
     0x72f989ee},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.compressed.sharded.u1", 3,
     0xc3878706},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.f4.be", 3, 0xfe32cf25},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.f4.le", 3, 0xfe32cf25},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.f8", 3, 0xa7650918},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.gzip.i2", 3, 0x3230878b},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.i4", 3, 0x72f989ee},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.raw.i2", 3, 0x3230878b},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/1d.contiguous.u1", 3, 0xc3878706},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/2d.chunked.compressed.sharded.filled.i2", 3,
     0xf3108b26},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/2d.chunked.compressed.sharded.i2", 3,
     0x9034d82d},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/2d.chunked.i2", 3, 0x3230878b},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/2d.chunked.ragged.compressed.sharded.i2", 3,
     0xbb93bf8d},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/2d.chunked.ragged.i2", 3, 0xbb93bf8d},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/2d.contiguous.compressed.sharded.i2", 3,
     0x3230878b},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/2d.contiguous.i2", 3, 0x3230878b},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/3d.chunked.compressed.sharded.i2", 3,
     0x396bb11c},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/3d.chunked.i2", 3, 0xa4ba3f81},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/3d.chunked.mixed.compressed.sharded.i2", 3,
     0xa4ba3f81},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/3d.chunked.mixed.i2.C", 3, 0xa4ba3f81},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/3d.contiguous.compressed.sharded.i2", 3,
     0xa4ba3f81},
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/3d.contiguous.i2", 3, 0xa4ba3f81},
    // zarr-python does not read the order "F" of drafts of v3; this is its sibling "C".
    {"neuroglancer-zarr/zarr_v3/from_zarrita/data.zarr/3d.chunked.mixed.i2.F", 3, 0xa4ba3f81},
};

/// What is refused, and what for. zarr-python reads none of these but the texts.
struct Refused {
  const char* path;
  const char* why;
};
constexpr Refused kRefused[] = {
    {"zarrs-conformance/v3/array_optional.zarr/array",
     "the data type \"optional\" is not known here"},
    {"zarrs-conformance/v3/cities.zarr", "the data type \"string\" is not known here"},
    {"zarrs-conformance/v3_zarr_python/array_pcodec.zarr",
     "the codec \"numcodecs.pcodec\" is not known here"},
    {"zarrs-conformance/v3_zarr_python/array_zfpy.zarr",
     "the codec \"numcodecs.zfpy\" is not known here"},
};
/// zarr-python reads it only where its extension is installed; the values are its one chunk's
/// bytes.
constexpr std::string_view kRounded = "zarrs-conformance/codec/bitround/bitround_uint8.zarr";

/// nullptr where there is none, which is said: then nothing is compared.
std::shared_ptr<storage::Storage> real_arrays() {
  const char* const folder = std::getenv("CNF_SHARED_DATA");
  const fs::path root = fs::path(folder == nullptr ? "" : folder) / "real-em";
  if (folder == nullptr || !fs::exists(root / "zarrs-conformance")) {
    std::cout << "no folder of real files (CNF_SHARED_DATA): nothing was compared\n";
    return nullptr;
  }
  return storage::open_local(root.string());
}

Array open(const std::shared_ptr<storage::Storage>& store, const Known& known) {
  if (known.version == 3) return Array::open(store, known.path);
  // Where one folder has both, open() takes the one of v3.
  const std::string path = known.path;
  const storage::Object object = store->read_all(path + "/.zarray", kMaxDocumentBytes);
  return {store, path, parse_array_v2(parse_document(object.bytes, path), nullptr, path)};
}

std::vector<std::byte> all_of(const Array& array, std::size_t threads) {
  std::vector<std::byte> elements(array.shape().elements() * size_of(array.metadata().type));
  array.read(Box::of(array.shape()), elements, {.threads = threads});
  return elements;
}

TEST(RealArrays, HoldWhatZarrPythonReads) {
  const auto store = real_arrays();
  if (store == nullptr) return;
  for (const Known& known : kKnown) {
    SCOPED_TRACE(known.path);
    const Array array = open(store, known);
    EXPECT_EQ(array.metadata().zarr_format, known.version);
    EXPECT_EQ(crc32c(all_of(array, 1)), known.crc32c);
    EXPECT_EQ(crc32c(all_of(array, 4)), known.crc32c);
  }
}

TEST(RealArrays, OneElementAtATimeIsTheSame) {
  const auto store = real_arrays();
  if (store == nullptr) return;
  for (const Known& known : kKnown) {
    const Array array = open(store, known);
    const std::vector<std::byte> all = all_of(array, 1);
    if (all.size() > 4096) continue;
    SCOPED_TRACE(known.path);
    const std::size_t element = size_of(array.metadata().type);
    std::vector<std::byte> one(element);
    for (std::uint64_t i = 0; i < array.shape().elements(); ++i) {
      Box box{array.shape(), array.shape()};
      std::uint64_t left = i;
      for (std::size_t axis = array.shape().size(); axis-- > 0;) {
        box.begin[axis] = left % array.shape()[axis];
        box.end[axis] = box.begin[axis] + 1;
        left /= array.shape()[axis];
      }
      array.read(box, one);
      EXPECT_EQ(std::memcmp(one.data(), &all[i * element], element), 0) << i;
    }
  }
}

TEST(RealArrays, AreRefusedByTheNameOfWhatIsNotKnown) {
  const auto store = real_arrays();
  if (store == nullptr) return;
  for (const Refused& refused : kRefused) {
    try {
      static_cast<void>(Array::open(store, refused.path));
      ADD_FAILURE() << refused.path << " was opened";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::unsupported) << error.what();
      EXPECT_NE(std::string_view(error.what()).find(refused.why), std::string_view::npos)
          << error.what();
    }
  }
  const std::uint8_t kept[] = {0, 1, 10, 12, 96, 128, 192, 192, 224, 224};
  const std::vector<std::byte> rounded = all_of(Array::open(store, std::string(kRounded)), 1);
  EXPECT_TRUE(std::ranges::equal(rounded, std::as_bytes(std::span(kept))));
}

TEST(RealArrays, AllThatLieThereAreNamedHere) {
  const auto store = real_arrays();
  if (store == nullptr) return;
  const fs::path root = fs::path(std::getenv("CNF_SHARED_DATA")) / "real-em";
  std::map<std::string, int> named;
  for (const Known& known : kKnown) named[known.path] |= known.version == 3 ? 1 : 2;
  for (const Refused& refused : kRefused) named[refused.path] |= 1;
  named[std::string(kRounded)] |= 1;
  for (const char* top : {"zarrs-conformance", "neuroglancer-zarr"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string name = entry.path().filename().string();
      if (name != "zarr.json" && name != ".zarray") continue;
      const std::string path = fs::relative(entry.path().parent_path(), root).string();
      const storage::Object object = store->read_all(path + "/" + name, kMaxDocumentBytes);
      const nlohmann::json document = parse_document(object.bytes, path);
      if (document.value("node_type", "array") != "array") continue;
      EXPECT_NE(named[path] & (name == "zarr.json" ? 1 : 2), 0) << path << "/" << name;
    }
  }
}

}  // namespace
}  // namespace cnf::zarr
