# SPDX-License-Identifier: Apache-2.0
"""BAMS3 on S3: a cold query's requests and bytes, counted; run by with_s3_server."""

import json
import os
import random
import unittest
import uuid

from cnf_program import CnfTest

BUCKET = os.environ["CNF_TEST_URI"]
READS = 60_000


def sam():
    generator = random.Random(3)
    bases = "".join(generator.choices("ACGT", k=2000))
    qualities = "".join(generator.choices("#,:FI", k=2000))
    lines = ["@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:1000000\n"]
    for i in range(READS):
        at = generator.randrange(1900)
        lines.append(f"r{i}\t0\tchr1\t{1 + 10 * i}\t60\t100M\t*\t0\t0\t{bases[at:at + 100]}\t{qualities[at:at + 100]}\n")
    return "".join(lines).encode()


class Bams3OnS3Test(CnfTest):
    @classmethod
    def setUpClass(cls):
        cls.sam = sam()

    def setUp(self):
        super().setUp()
        self.dataset = f"{BUCKET}/{uuid.uuid4().hex}"
        self.write("in.sam", self.sam)
        self.ok("bams3", "convert", "--quiet", "in.sam", self.dataset)

    def metrics(self, *args):
        status, out, err = self.run_cnf(*args, "--metrics")
        self.assertEqual(status, 0, err)
        return out.decode(), json.loads(err)

    def test_a_cold_point_query_is_the_manifest_and_two_ranges_at_once(self):
        plan = self.ok_json("bams3", "view", "--explain", self.dataset, "chr1:200001-200500")
        out, metrics = self.metrics("bams3", "view", self.dataset, "chr1:200001-200500")
        self.assertEqual(out.count("\n"), 59)
        self.assertEqual(metrics["requests"]["get"], 1 + plan["requests"])
        self.assertEqual(metrics["requests"]["total"], metrics["requests"]["get"])
        self.assertLessEqual(plan["requests"], 2)
        manifest = self.ok_json("stat", self.dataset + "/_metadata.json")["size"]
        self.assertLessEqual(metrics["bytes_fetched"], manifest + 1.5 * plan["bytes"])

    def test_counts_of_everything_are_one_request(self):
        for command in (("view", "-c"), ("flagstat",), ("idxstats",)):
            _, metrics = self.metrics("bams3", *command, self.dataset)
            self.assertEqual(metrics["requests"]["total"], 1, command)

    def test_a_count_in_a_region_reads_less_than_64_kb(self):
        out, metrics = self.metrics("bams3", "view", "-c", self.dataset, "chr1:200001-300000")
        self.assertEqual(out, "10009\n")
        self.assertLess(metrics["bytes_fetched"], 64 << 10)

    def test_it_comes_back_and_is_valid(self):
        self.ok("bams3", "export", self.dataset, "out.sam")
        self.assertEqual(self.read("out.sam"), self.sam)
        status, _, err = self.run_cnf("validate", "--deep", self.dataset)
        self.assertEqual(status, 0, err)
        # A second writer is refused, one that replaces leaves orphans, gc removes them.
        self.fails(1, "bams3", "convert", "in.sam", self.dataset)
        self.ok("bams3", "convert", "--quiet", "--overwrite", "in.sam", self.dataset)
        before = len(self.ok("ls", "-r", self.dataset).split())
        self.ok("gc", "--quiet", self.dataset)
        self.assertLess(len(self.ok("ls", "-r", self.dataset).split()), before)
        self.assertEqual(self.ok("bams3", "view", "-c", self.dataset), f"{READS}\n")

    def test_input_from_s3(self):
        self.ok("cp", "in.sam", self.dataset + ".sam")
        self.ok("bams3", "convert", "--quiet", self.dataset + ".sam", "local")
        self.assertEqual(self.ok("bams3", "view", "-h", "local").encode(), self.sam)


if __name__ == "__main__":
    unittest.main()
