# Everything comes from Debian 12's packages (packages.txt); the build never downloads.
find_package(Threads REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(pugixml REQUIRED)
find_package(fmt REQUIRED)
find_path(FLATBUFFERS_INCLUDE flatbuffers/flatbuffer_builder.h REQUIRED)  # headers alone
find_path(BOOST_GEOMETRY_INCLUDE boost/geometry/index/rtree.hpp REQUIRED)  # headers alone
find_package(PkgConfig REQUIRED)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd>=1.5.4)
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(htslib REQUIRED IMPORTED_TARGET htslib>=1.16)
pkg_check_modules(deflate REQUIRED IMPORTED_TARGET libdeflate)
find_package(BZip2 REQUIRED)
find_package(PNG REQUIRED)
find_package(TIFF REQUIRED)
find_package(ZLIB REQUIRED)

if(CNF_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  pkg_check_modules(blosc REQUIRED IMPORTED_TARGET blosc)  # the oracle of our own frames
endif()
