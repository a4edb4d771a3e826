// SPDX-License-Identifier: Apache-2.0
// make_dataset URI [CHUNKS [SHARDING_BITS]]: commits a small dataset for the tests of this folder.
#include <iostream>
#include <string>

#include "cnf/core/query/sample_dataset_internal.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/error.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "make_dataset URI [CHUNKS [SHARDING_BITS]]\n";
    return 2;
  }
  try {
    cnf::query::test::SampleOptions options;
    if (argc > 2) options.chunks = std::stoull(argv[2]);
    if (argc > 3) options.sharding_bits = std::stoi(argv[3]);
    static_cast<void>(
        cnf::query::test::write_sample_dataset(cnf::storage::from_uri(argv[1]), options));
  } catch (const cnf::Error& error) {
    std::cerr << "make_dataset: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
