# SPDX-License-Identifier: Apache-2.0
"""cnf cryoem: TIFF out and in, labels by name, and tilt series with their tilts beside them."""

import array
import unittest

from cnf_program import CnfTest
from cryoem_files import box, mrc, voxels

SIDES = (50, 40, 12)  # x, y, z


class TiffTest(CnfTest):
    def test_planes_go_out_as_pages_and_come_back(self):
        values = voxels(SIDES)
        self.write("in.mrc", mrc(SIDES, values))
        self.ok("cryoem", "import", "--quiet", "in.mrc", "d")
        self.ok("cryoem", "export", "d", "out.tif")
        self.assertEqual(self.read("out.tif")[:4], b"II*\0")
        self.ok("cryoem", "import", "--quiet", "out.tif", "e")
        image = self.ok_json("info", "e")["image"]
        self.assertEqual(image["levels"][0]["shape"], [12, 40, 50])
        raw = self.run_cnf("cryoem", "query", "e", "--box", "0,0,0,50,40,12", "--format", "raw")[1]
        self.assertEqual(raw, values.tobytes())

    def test_a_file_that_is_cut_is_refused_in_one_line(self):
        self.write("in.mrc", mrc(SIDES, voxels(SIDES)))
        self.ok("cryoem", "import", "--quiet", "in.mrc", "d")
        self.ok("cryoem", "export", "d", "out.tif")
        self.write("cut.tif", self.read("out.tif")[:-2000])
        status, _, err = self.run_cnf("cryoem", "import", "cut.tif", "e")
        self.assertEqual((status, err.count("\n")), (1, 1), err)


class LabelsTest(CnfTest):
    def setUp(self):
        super().setUp()
        self.write("in.mrc", mrc(SIDES, voxels(SIDES)))
        self.ok("cryoem", "import", "--quiet", "in.mrc", "d")
        self.classes = array.array("f", (float(i // 600 % 3) for i in range(50 * 40 * 12)))
        self.write("labels.mrc", mrc(SIDES, self.classes, mode=2))

    def test_they_are_read_by_name(self):
        self.ok("cryoem", "import", "--quiet", "labels.mrc", "d", "--label", "cells", "--dtype", "uint8")
        raw = self.run_cnf("cryoem", "query", "d", "--label", "cells", "--box", "3,4,5,40,30,2", "--format", "raw")[1]
        whole = array.array("B", (int(value) for value in self.classes))
        self.assertEqual(raw, box(whole, SIDES, (3, 4, 5), (40, 30, 2)))
        self.ok("validate", "--quiet", "d")

    def test_they_are_whole_numbers_of_a_type_that_is_asked_for(self):
        status, _, err = self.run_cnf("cryoem", "import", "labels.mrc", "d", "--label", "cells")
        self.assertEqual(status, 1)
        self.assertIn("--dtype", err)
        self.classes[777] = 1.5
        self.write("parts.mrc", mrc(SIDES, self.classes, mode=2))
        status, _, err = self.run_cnf("cryoem", "import", "parts.mrc", "d", "--label", "cells", "--dtype", "uint8")
        self.assertEqual(status, 1)
        self.assertIn("1.5 is no whole number", err)


class TiltSeriesTest(CnfTest):
    def setUp(self):
        super().setUp()
        self.file = mrc(SIDES, voxels(SIDES), voxel=1.0)
        self.write("TS_01.mrc", self.file)
        tilts = "".join(f"[ZValue = {i}]\nTiltAngle = {3 * i - 18}\nPixelSpacing = 5.4\n\n" for i in range(12))
        self.write("tilts.mdoc", f"ImageFile = TS_01.mrc\n\n[T = a title]\n\n{tilts}".encode())

    def expect_series(self, uri):
        image = self.ok_json("info", uri)["image"]
        self.assertEqual(image["kind"], "tilt_series")
        for level in image["levels"]:
            self.assertEqual(level["shape"][0], 12, "the tilts are binned")
        self.ok("cryoem", "export", "--overwrite", uri, "out.mrc")
        self.assertEqual(self.read("out.mrc"), self.file)

    def test_tilts_beside_the_stack_make_it_one(self):
        self.write("TS_01.mrc.mdoc", self.read("tilts.mdoc"))
        self.ok("cryoem", "import", "--quiet", "TS_01.mrc", "d")
        self.expect_series("d")

    def test_tilts_are_given(self):
        self.ok("cryoem", "import", "--quiet", "TS_01.mrc", "d", "--tilts", "tilts.mdoc")
        self.expect_series("d")
        self.write("few.tlt", b"1\n2\n")
        status, _, err = self.run_cnf("cryoem", "import", "TS_01.mrc", "e", "--tilts", "few.tlt")
        self.assertEqual(status, 1)
        self.assertIn("one tilt for each image", err)


if __name__ == "__main__":
    unittest.main()
