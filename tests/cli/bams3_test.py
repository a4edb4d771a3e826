# SPDX-License-Identifier: Apache-2.0
"""cnf bams3: what people type, what they get, and how much memory it takes."""

import json
import os
import random
import signal
import subprocess
import time
import unittest

from cnf_program import PROGRAM, CnfTest

HEADER = "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:1000000\n@SQ\tSN:chr2\tLN:500000\n"
SAM = HEADER + (
    "r1\t99\tchr1\t101\t60\t10M\t=\t201\t110\tACGTACGTAC\tIIIIIIIIII\tNM:i:0\n"
    "r1\t147\tchr1\t201\t60\t10M\t=\t101\t-110\tACGTACGTAC\tIIIIIIIIII\tNM:i:0\n"
    "r2\t0\tchr2\t11\t20\t5M1I4M\t*\t0\t0\tACGTACGTAC\t*\tXX:Z:a b\n"
    "r3\t4\t*\t0\t0\t*\t*\t0\t0\tNNNN\t!!!!\n")
RECORDS = SAM[len(HEADER):].splitlines(keepends=True)


class Bams3Test(CnfTest):
    def make(self, *options):
        self.write("in.sam", SAM.encode())
        self.ok("bams3", "convert", "--quiet", "in.sam", "d", *options)


class VerbsTest(Bams3Test):
    def test_a_dataset_gives_back_what_went_in(self):
        self.make()
        self.assertEqual(self.ok("bams3", "view", "-h", "d"), SAM)
        self.ok("bams3", "export", "d", "out.sam")
        self.assertEqual(self.read("out.sam").decode(), SAM)
        self.assertEqual(self.ok("bams3", "view", "-H", "d"), HEADER)

    def test_regions_flags_and_counts(self):
        self.make()
        self.assertEqual(self.ok("bams3", "view", "d", "chr1:105-150"), RECORDS[0])
        self.assertEqual(self.ok("bams3", "view", "d", "chr2", "*"), RECORDS[2] + RECORDS[3])
        self.assertEqual(self.ok("bams3", "view", "-c", "-f", "PAIRED", "d"), "2\n")
        self.assertEqual(self.ok("bams3", "view", "-c", "-F", "0x10", "-q", "30", "d"), "1\n")
        self.assertEqual(self.ok("bams3", "view", "-c", "-e", "mapq == 20", "d"), "1\n")
        self.assertEqual(self.ok("bams3", "view", "-d", "XX:a b", "d"), RECORDS[2])
        self.assertEqual(self.ok("bams3", "query", "--count", "d", "chr1"), "2\n")
        self.write("t.bed", b"chr1\t0\t150\n")
        self.assertEqual(self.ok("bams3", "view", "-L", "t.bed", "d"), RECORDS[0])
        self.write("names", b"r2\nr3\n")
        self.assertEqual(self.ok("bams3", "view", "-N", "names", "d"), RECORDS[2] + RECORDS[3])
        self.assertEqual(self.ok("bams3", "view", "--limit", "1", "d"), RECORDS[0])

    def test_json_answers(self):
        self.make()
        line = json.loads(self.ok("bams3", "view", "--format", "json", "d", "chr2"))
        self.assertEqual((line["qname"], line["pos"], line["tags"]), ("r2", 11, {"XX": {"type": "Z", "value": "a b"}}))
        self.assertEqual(self.ok_json("bams3", "view", "-c", "d"), {"records": 4})
        self.assertEqual(self.ok_json("bams3", "idxstats", "d")["unplaced"], 1)
        self.assertEqual(self.ok_json("info", "d")["custom"]["records"], 4)

    def test_statistics(self):
        self.make()
        self.assertTrue(self.ok("bams3", "flagstat", "d").startswith("4 + 0 in total"))
        self.assertEqual(self.ok("bams3", "idxstats", "d"), "chr1\t1000000\t2\t0\nchr2\t500000\t1\t0\n*\t0\t0\t1\n")

    def test_explain_reads_no_data(self):
        self.make()
        for name in os.listdir(self.path("d", "data")):
            os.remove(self.path("d", "data", name))
        plan = self.ok_json("bams3", "view", "--explain", "d", "chr1:105-150")
        self.assertEqual(plan["requests"], 1)
        self.assertGreater(plan["bytes"], 0)

    def test_formats_of_the_export(self):
        self.make()
        for name in ("out.bam", "out.cram"):
            self.ok("bams3", "export", "d", name)
            self.ok("bams3", "convert", "--quiet", "--overwrite", name, "again")
            self.assertEqual(self.ok("bams3", "view", "again", "chr1"), RECORDS[0] + RECORDS[1])

    def test_every_object_is_checked(self):
        self.make("--sharding-bits", "4")
        status, _, err = self.run_cnf("validate", "--deep", "d")
        self.assertEqual((status, err.count("\n")), (0, 1))


class RefusalsTest(Bams3Test):
    def test_an_unknown_reference_is_nothing_matched(self):
        self.make()
        self.assertIn("chr9", self.fails(3, "bams3", "view", "d", "chr9:1-10"))

    def test_a_dataset_is_not_replaced_unasked(self):
        self.make()
        self.assertIn("--overwrite", self.fails(1, "bams3", "convert", "in.sam", "d"))
        self.ok("bams3", "convert", "--quiet", "--overwrite", "in.sam", "d")

    def test_bad_input_leaves_nothing(self):
        for name, content in (("empty", b""), ("text", b"no alignments at all\n"), ("cut.sam", SAM.encode()[:-40])):
            self.write(name, content)
            self.fails(1, "bams3", "convert", name, "d")
            self.assertFalse(os.path.exists(self.path("d", "_metadata.json")), name)
        self.fails(1, "bams3", "convert", "absent.bam", "d")

    def test_a_region_of_an_unsorted_dataset(self):
        self.make("--order", "keep")
        self.assertIn("--order coordinate", self.fails(1, "bams3", "view", "d", "chr1"))

    def test_wrong_usage(self):
        self.make()
        self.fails(2, "bams3", "view", "-q", "high", "d")
        self.fails(2, "bams3", "convert", "--order", "random", "in.sam", "e")
        self.fails(2, "bams3", "export", "d", "-")
        self.assertIn("expression", self.fails(1, "bams3", "view", "-e", "mapq >", "d"))

    def test_a_damaged_chunk_is_an_error_and_no_answer(self):
        self.make()
        (chunk,) = os.listdir(self.path("d", "data"))
        with open(self.path("d", "data", chunk), "r+b") as file:
            file.seek(20)
            byte = file.read(1)
            file.seek(20)
            file.write(bytes([byte[0] ^ 1]))
        status, _, err = self.run_cnf("bams3", "view", "-o", "out.sam", "d")
        self.assertEqual((status, err.count("\n")), (1, 1))
        self.assertFalse(os.path.exists(self.path("out.sam")))
        status, out, _ = self.run_cnf("validate", "d")
        self.assertEqual(status, 1)
        self.assertIn(chunk.encode(), out)

    def test_ctrl_c_leaves_no_dataset(self):
        process = self.start("bams3", "convert", "-", "d", stdin=subprocess.PIPE)
        process.stdin.write(SAM.encode())
        process.stdin.flush()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=30), 130)
        self.assertEqual(self.tree("d"), {})


class MemoryTest(Bams3Test):
    """Resident memory stays below --memory and 64 MiB, for input of any size, from a pipe too."""

    LIMIT = 64
    READS = 300_000

    def feed(self, pipe, in_order):
        """About 130 MB of records as SAM."""
        generator = random.Random(1)
        bases = "".join(generator.choices("ACGT", k=4000))
        qualities = "".join(generator.choices("#,:FII", k=4000))
        pipe.write(HEADER.replace("coordinate", "unsorted").encode())
        lines = []
        for i in range(self.READS):
            at = generator.randrange(3800)
            position = 1 + i * 3 if in_order else generator.randrange(990_000)
            lines.append(f"read{i}\t0\tchr1\t{position}\t60\t150M\t*\t0\t0\t{bases[at:at + 150]}\t"
                         f"{qualities[at:at + 150]}\tAS:i:{at}\n")
            if len(lines) == 5000:
                pipe.write("".join(lines).encode())
                lines.clear()
        pipe.write("".join(lines).encode())

    def peak_mib(self, *args, feed=None):
        errors = self.path("metrics")
        with open(errors, "wb") as stderr, open(os.devnull, "wb") as null:
            process = subprocess.Popen([PROGRAM, *args, "--memory", f"{self.LIMIT}M", "-@", "2", "--quiet", "--metrics"],
                                       cwd=self.folder, stdin=subprocess.PIPE, stdout=null, stderr=stderr)
            if feed is not None:
                feed(process.stdin)
            process.stdin.close()
            self.assertEqual(process.wait(), 0, self.read("metrics"))
        return json.loads(self.read("metrics"))["peak_rss_bytes"] / 2**20

    def test_it_is_bounded(self):
        for in_order in (True, False):
            with self.subTest(in_order=in_order):
                peak = self.peak_mib("bams3", "convert", "--overwrite", "-", "d",
                                     feed=lambda pipe: self.feed(pipe, in_order))
                self.assertLess(peak, self.LIMIT + 64)
                self.assertEqual(self.ok_json("bams3", "view", "-c", "d"), {"records": self.READS})
        for command in (("bams3", "export", "d", "out.bam"), ("bams3", "view", "d"), ("validate", "--deep", "d")):
            with self.subTest(command=command):
                self.assertLess(self.peak_mib(*command), self.LIMIT + 64)


if __name__ == "__main__":
    unittest.main()
