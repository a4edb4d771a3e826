# SPDX-License-Identifier: Apache-2.0
"""CryoEM on S3: a cold query's requests and bytes, counted; run by with_s3_server."""

import json
import os
import unittest
import uuid

from cnf_program import CnfTest
from cryoem_files import box, mrc, voxels

BUCKET = os.environ["CNF_TEST_URI"]
SIDES = (200, 192, 192)


class CryoEmOnS3Test(CnfTest):
    @classmethod
    def setUpClass(cls):
        cls.values = voxels(SIDES)
        cls.file = mrc(SIDES, cls.values)

    def setUp(self):
        super().setUp()
        self.dataset = f"{BUCKET}/{uuid.uuid4().hex}"
        self.write("in.mrc", self.file)
        self.ok("cryoem", "import", "--quiet", "in.mrc", self.dataset)

    def metrics(self, *args):
        status, out, err = self.run_cnf(*args, "--metrics")
        self.assertEqual(status, 0, err)
        return out, json.loads(err)

    def test_a_cold_box_is_three_round_trips(self):
        """The manifest, the shard's index, and the chunks: as many requests at once as --explain says."""
        query = ("cryoem", "query", self.dataset, "--box", "70,70,70,50,50,50", "--format", "raw")
        plan = self.ok_json(*query, "--explain")
        out, metrics = self.metrics(*query)
        self.assertEqual(out, box(self.values, SIDES, (70, 70, 70), (50, 50, 50)))
        self.assertEqual(metrics["requests"]["total"], metrics["requests"]["get"])
        self.assertLessEqual(plan["requests"], 4)
        self.assertEqual(metrics["requests"]["get"], 2 + plan["requests"])
        manifest = self.ok_json("stat", self.dataset + "/zarr.json")["size"]
        self.assertLess(metrics["bytes_fetched"], manifest + plan["bytes"] + 2048)  # and the index of 64 chunks

    def test_statistics_are_one_request(self):
        _, metrics = self.metrics("cryoem", "stats", "--histogram", self.dataset)
        self.assertEqual(metrics["requests"]["total"], 1)

    def test_slices_fetch_a_part(self):
        self.ok("cryoem", "slice", self.dataset, "--at", "100", "-o", "z.png")
        _, metrics = self.metrics("cryoem", "slice", self.dataset, "--at", "100", "-o", "z.npy")
        self.assertLess(metrics["bytes_fetched"], len(self.file) // 2)

    def test_it_comes_back_and_is_valid(self):
        self.ok("cryoem", "export", self.dataset, "out.mrc")
        self.assertEqual(self.read("out.mrc"), self.file)
        status, _, err = self.run_cnf("validate", "--deep", self.dataset)
        self.assertEqual(status, 0, err)
        self.fails(1, "cryoem", "import", "in.mrc", self.dataset)
        self.ok("cryoem", "import", "--quiet", "--overwrite", "in.mrc", self.dataset)
        before = len(self.ok("ls", "-r", self.dataset).split())
        self.ok("gc", "--quiet", self.dataset)
        self.assertLess(len(self.ok("ls", "-r", self.dataset).split()), before)
        self.ok("cryoem", "export", self.dataset, "again.mrc")
        self.assertEqual(self.read("again.mrc"), self.file)

    def test_input_from_s3(self):
        self.ok("cp", "in.mrc", self.dataset + ".mrc")
        for source in (self.dataset + ".mrc", self.dataset):
            self.ok("cryoem", "import", "--quiet", "--overwrite", source, "local")
            self.ok("cryoem", "export", "--overwrite", "local", "out.raw")
            self.assertEqual(self.read("out.raw"), self.values.tobytes())


if __name__ == "__main__":
    unittest.main()
