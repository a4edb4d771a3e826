# SPDX-License-Identifier: Apache-2.0
"""What the program's verbs ask of S3, and what they leave there: run by with_s3_server."""

import filecmp
import json
import os
import signal
import subprocess
import unittest
import uuid

from cnf_program import MAKE_DATASET, PATIENCE, CnfTest

BUCKET = os.environ["CNF_TEST_URI"]
SECRET = os.environ["AWS_SECRET_ACCESS_KEY"]
MIB = 1 << 20


class S3Test(CnfTest):
    def setUp(self):
        super().setUp()
        self.base = f"{BUCKET}/{uuid.uuid4().hex}"

    def metrics(self, *args, **options):
        status, out, err = self.run_cnf(*args, "--metrics", **options)
        self.assertEqual(status, 0, err)
        return out, json.loads(err)

    def put(self, key, content):
        self.ok("cp", "-", f"{self.base}/{key}", input=content)


class RequestsTest(S3Test):
    def test_a_range_is_a_head_and_a_get(self):
        self.put("a", bytes(100_000))
        out, metrics = self.metrics("cat", "--range", "10-30", self.base + "/a")
        self.assertEqual(len(out), 20)
        self.assertEqual((metrics["requests"]["head"], metrics["requests"]["get"]), (1, 1))
        self.assertEqual(metrics["requests"]["total"], 2)
        self.assertEqual(metrics["bytes_fetched"], 20)
        self.assertAlmostEqual(metrics["price_usd"], 0.8e-6)
        self.assertEqual([table["service"] for table in metrics["prices"]],
                         ["S3 Standard, us-east-1"])
        self.assertRegex(metrics["prices"][0]["as_of"], r"^20\d\d-\d\d$")
        self.assertEqual(metrics["connections"], {"new": 1, "reused": 1})

    def test_a_copy_within_the_bucket_moves_no_data(self):
        self.put("a/b", bytes(100_000))
        for args in (("cp", self.base + "/a/b", self.base + "/c"),
                     ("cp", "-r", self.base + "/a", self.base + "/d")):
            _, metrics = self.metrics(*args)
            self.assertEqual(metrics["requests"]["copy"], 1)
            self.assertEqual((metrics["bytes_fetched"], metrics["bytes_sent"]), (0, 0))
        self.assertEqual(self.ok("ls", "-r", self.base).split(), ["a/b", "c", "d/b"])

    def test_explain_matches_what_is_done(self):
        for i in range(3):
            self.write(f"in/{i}", bytes(1000 * i))
        plan = self.ok_json("cp", "-r", "--explain", "in", self.base + "/x")
        _, metrics = self.metrics("cp", "-r", "in", self.base + "/x")
        self.assertEqual(plan["requests"]["put"], metrics["requests"]["put"])
        self.assertGreater(plan["price_usd"], 0)

    def test_a_listing_of_many_pages(self):
        for i in range(1005):
            self.write(f"in/{i:04}", b"x")
        self.ok("cp", "-r", "in", self.base + "/x")
        out, metrics = self.metrics("ls", self.base + "/x")
        self.assertEqual(out.split(), [b"%04d" % i for i in range(1005)])
        self.assertEqual(metrics["requests"]["list"], 2)
        _, metrics = self.metrics("rm", "-r", self.base + "/x")
        self.assertEqual(metrics["requests"]["remove"], 2)
        self.fails(1, "ls", self.base + "/x")


class DatasetTest(S3Test):
    def make(self):
        subprocess.run([MAKE_DATASET, self.base], check=True)

    def test_info_is_one_request(self):
        self.make()
        out, metrics = self.metrics("info", "--json", self.base)
        self.assertEqual(json.loads(out)["format"], "SAMPLE")
        self.assertEqual(metrics["requests"]["total"], 1)

    def test_validate_and_gc(self):
        self.make()
        self.put("data/00099-0123456789abcdef.chunk", b"left behind")
        status, out, _ = self.run_cnf("validate", "--json", self.base)
        self.assertEqual(status, 0)
        self.assertIn("data/00099-0123456789abcdef.chunk",
                      [finding["object"] for finding in json.loads(out)["findings"]])
        self.assertEqual(self.ok("gc", "--quiet", self.base).split(),
                         ["data/00099-0123456789abcdef.chunk"])
        chunk = [key for key in self.ok("ls", "-r", self.base).split() if key.endswith(".chunk")][0]
        self.ok("rm", f"{self.base}/{chunk}")
        self.assertEqual(self.run_cnf("validate", self.base)[0], 1)

    def test_copies_are_datasets(self):
        self.make()
        self.ok("cp", "-r", self.base, "local")
        self.ok("cp", "-r", "local", self.base + "-2")
        self.assertEqual(self.run_cnf("validate", self.base + "-2")[0], 0)


class LargeTest(S3Test):
    def test_memory_is_bounded_both_ways(self):
        size = 256 * MIB
        with open(self.path("in"), "wb") as file:
            file.truncate(size)
            for place in range(0, size, 16 * MIB):
                file.seek(place + 12345)
                file.write(place.to_bytes(8, "little"))
        _, metrics = self.metrics("cp", "--memory", "64M", "in", self.base + "/a")
        self.assertEqual(metrics["bytes_sent"], size)
        self.assertLess(metrics["peak_rss_bytes"], 112 * MIB)
        _, metrics = self.metrics("cp", "--memory", "64M", self.base + "/a", "out")
        self.assertEqual(metrics["bytes_fetched"], size)
        self.assertLess(metrics["peak_rss_bytes"], 112 * MIB)
        self.assertTrue(filecmp.cmp(self.path("in"), self.path("out"), shallow=False))
        # The parts' ETag is computed from the file, so nothing is sent again.
        answer = self.ok_json("cp", "--resume", "--memory", "64M", "in", self.base + "/a")
        self.assertEqual(answer["kept"], 1)


class CacheTest(S3Test):
    def test_a_second_run_asks_for_nothing_and_then_only_what_is_present(self):
        content = bytes(range(256)) * 20_000
        self.put("data/a", content)
        self.put("data/_metadata.json", b"{}")
        cache = ("--storage-option", "cache=" + self.path("cache"))
        copies = [self.metrics("cp", "-r", self.base + "/data", self.path(name), *cache)[1]
                  for name in ("cold", "warm")]
        # The list and the manifest are asked for each time, and the list tells the ETag.
        self.assertEqual([metrics["requests"]["list"] for metrics in copies][1], copies[0]["requests"]["list"])
        self.assertEqual(copies[1]["requests"]["get"], 1)
        self.assertEqual(copies[1]["requests"]["head"], 0)
        self.assertEqual(copies[1]["bytes_fetched"], len(b"{}"))
        self.assertEqual(self.tree("cold"), self.tree("warm"))
        _, asking = self.metrics("cat", "--range", "5-10", self.base + "/data/a", *cache,
                                 "--storage-option", "cache_ttl=0")
        self.assertEqual(asking["requests"]["get"], 0)
        self.assertEqual(asking["requests"]["head"], 1)


class FailureTest(S3Test):
    def test_an_interrupt_leaves_no_object(self):
        process = self.start("cp", "-", self.base + "/a", stdin=subprocess.PIPE)
        process.stdin.write(bytes(40 * MIB))  # several parts are under way
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 130)
        self.assertEqual(process.stderr.read(), b"cnf: interrupted\n")
        self.fails(1, "ls", self.base)

    def test_a_kill_leaves_an_upload_that_gc_gives_up(self):
        def sweep(*options):
            status, out, err = self.run_cnf("gc", "--uploads-only", *options, self.base)
            self.assertEqual((status, out), (0, b""), err)
            return err.strip()

        process = self.start("cp", "-", self.base + "/a", stdin=subprocess.PIPE)
        process.stdin.write(bytes(40 * MIB))  # several parts are under way
        process.stdin.flush()
        process.kill()
        process.wait(PATIENCE)
        self.fails(1, "ls", self.base)
        self.fails(1, "cat", self.base + "/a")
        self.assertEqual(sweep(), "", "it is not a week old")
        now = ("--uploads-older-than", "0")
        self.assertEqual(sweep("--dry-run", *now), "cnf: would give up 1 unfinished upload")
        self.assertEqual(sweep(*now), "cnf: gave up 1 unfinished upload")
        self.assertEqual(sweep(*now), "")

    def test_output_is_whole_or_absent(self):
        self.write("in", b"content")
        self.ok("cat", "in", "-o", self.base + "/a")
        self.assertEqual(self.ok("cat", self.base + "/a"), "content")
        self.fails(1, "cat", "absent", "-o", self.base + "/b")
        self.assertEqual(self.ok("ls", self.base), "a\n")

    def test_errors_are_one_line_without_secrets(self):
        wrong = ("--storage-option", "secret_access_key=wrong-secret",
                 "--storage-option", "access_key_id=" + os.environ["AWS_ACCESS_KEY_ID"])
        line = self.fails(1, "ls", self.base, *wrong)
        self.assertNotIn("wrong-secret", line)
        self.assertNotIn(SECRET, line)
        self.fails(1, "ls", "s3://no-such-bucket/x")
        self.fails(1, "ls", "s3:///x")
        self.fails(1, "cat", self.base + "/absent")
        self.assertIn("there is no such option", self.fails(1, "ls", self.base + "?colour=red"))

    def test_options_in_the_query(self):
        self.put("a", b"1")
        endpoint = os.environ["AWS_ENDPOINT_URL"].replace(":", "%3A").replace("/", "%2F")
        clean = {name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL"}
        self.assertEqual(
            self.ok("cat", f"{self.base}/a?endpoint={endpoint}&region=us-east-1", env=clean), "1")

    def test_a_whole_bucket_needs_r(self):
        self.put("a", b"1")
        self.assertIn("-r", self.fails(1, "rm", BUCKET))
        self.assertEqual(self.ok("cat", self.base + "/a"), "1")


if __name__ == "__main__":
    unittest.main()
