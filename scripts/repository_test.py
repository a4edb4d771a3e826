# SPDX-License-Identifier: Apache-2.0
"""The checks of the repository find what they are there to find."""

import pathlib
import tempfile
import unittest

import docs
import layers
import sizes


class Layers(unittest.TestCase):
    def offences(self, file: str, include: str) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "cnf" / file
            path.parent.mkdir(parents=True)
            path.write_text(f'#pragma once\n#include "cnf/{include}"\n')
            return list(layers.offences(pathlib.Path(folder)))

    def test_what_stands_below_may_be_included(self):
        for file, include in [
            ("core/storage/s3.h", "core/util/error.h"),
            ("core/storage/s3.cc", "core/storage/s3.h"),
            ("core/query/plan.h", "core/chunk/chunk.h"),
            ("formats/bams3/view.cc", "core/query/plan.h"),
            ("formats/bams3/view.cc", "formats/bams3/view.h"),
            ("cli/main.cc", "formats/bams3/view.h"),
            ("testing/storage_contract.h", "core/storage/storage.h"),
            ("core/storage/s3_test.cc", "testing/storage_contract.h"),
        ]:
            self.assertEqual(self.offences(file, include), [], (file, include))

    def test_what_stands_above_or_beside_may_not(self):
        for file, include in [
            ("core/util/error.h", "core/storage/storage.h"),
            ("core/storage/s3.h", "core/compress/codec.h"),
            ("core/chunk/chunk.h", "core/query/plan.h"),
            ("core/query/plan.h", "formats/bams3/view.h"),
            ("formats/bams3/view.h", "formats/vcfs3/view.h"),
            ("formats/bams3/view.h", "cli/options.h"),
            ("core/storage/s3.cc", "testing/storage_contract.h"),
            ("formats/bams3/view.cc", "testing/storage_contract.h"),
            ("testing/storage_contract.h", "formats/bams3/view.h"),
        ]:
            found = self.offences(file, include)
            self.assertEqual(len(found), 1, (file, include))
            self.assertIn(f"cnf/{file}:2", found[0])

    def test_a_package_without_a_layer_is_refused(self):
        with self.assertRaises(SystemExit):
            self.offences("core/new/new.h", "core/util/error.h")


class Sizes(unittest.TestCase):
    def test_functions_are_found_by_their_braces(self):
        source = """namespace cnf {
int free_function(int a,
                  int b) {
  if (a) {
    return b;
  }
  return a;
}
class C {
 public:
  void member() {
    work();
  }
};
const int kTable[] = {
    f(1),
};
}  // namespace cnf
"""
        self.assertEqual(list(sizes.functions(source.splitlines())), [(2, 7), (11, 3)])


class Docs(unittest.TestCase):
    def test_anchors_are_githubs(self):
        self.assertEqual(docs.anchor("The loop, and `./dev`"), "the-loop-and-dev")


if __name__ == "__main__":
    unittest.main()
