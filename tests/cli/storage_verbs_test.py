# SPDX-License-Identifier: Apache-2.0
"""ls, cp, cat, stat, rm and du: on folders, or below the URI in CNF_TEST_URI where that is set."""

import json
import os
import re
import time
import unittest
import uuid

from cnf_program import CnfTest

BASE = os.environ.get("CNF_TEST_URI")


class StorageVerbsTest(CnfTest):
    def setUp(self):
        super().setUp()
        # A new place in the store for each test; the store below a local path is that folder.
        self.base = f"{BASE}/{uuid.uuid4().hex}" if BASE else self.path("store")

    def uri(self, key):
        return f"{self.base}/{key}"

    def put(self, key, content=b"content"):
        self.ok("cp", "-", self.uri(key), input=content)

    def keys(self, below=""):
        return self.ok("ls", "-r", self.uri(below) if below else self.base).splitlines()

    def get(self, key):
        status, out, err = self.run_cnf("cat", self.uri(key))
        self.assertEqual((status, err), (0, ""))
        return out


class BenchTest(StorageVerbsTest):
    def test_a_row_for_each_size_and_number_at_once(self):
        self.put("folder/small", b"x")
        self.put("folder/large", bytes(100_000))
        answer = json.loads(self.ok("bench", "storage", "--json", "--bytes", "1M", self.uri("folder")))
        self.assertTrue(answer["uri"].endswith("folder/large"))
        pairs = [(row["size"], row["concurrency"]) for row in answer["reads"]]
        self.assertEqual(pairs, [(4096, 1), (4096, 4), (4096, 16), (4096, 64), (65536, 1), (65536, 4)])
        self.assertEqual({row["requests"] for row in answer["reads"]}, {256, 16})
        table = self.ok("bench", "storage", "--bytes", "1M", self.uri("folder/large")).splitlines()
        self.assertEqual(len(table), 2 + len(pairs))

    def test_says_beforehand_what_it_reads(self):
        self.put("large", bytes(100_000))
        answer = json.loads(self.ok("bench", "storage", "--explain", "--json", "--bytes", "1M", self.uri("large")))
        self.assertEqual(answer["bytes_fetched"], 4 * 256 * 4096 + 2 * 16 * 65536)

    def test_an_object_that_is_too_small_is_refused(self):
        self.put("small", b"x")
        self.assertIn("it has 1 bytes, and at least 4096 are needed", self.fails(1, "bench", "storage", self.uri("small")))


class LsTest(StorageVerbsTest):
    def setUp(self):
        super().setUp()
        for key in ("b", "a/x", "a/y/z", "c d"):
            self.put(key, key.encode())

    def test_one_level_or_all(self):
        self.assertEqual(self.ok("ls", self.base).splitlines(), ["a/", "b", "c d"])
        self.assertEqual(self.ok("ls", self.base + "/").splitlines(), ["a/", "b", "c d"])
        self.assertEqual(self.ok("ls", "-r", self.base).splitlines(), ["a/x", "a/y/z", "b", "c d"])
        self.assertEqual(self.ok("ls", self.uri("a")).splitlines(), ["x", "y/"])

    def test_an_object_lists_itself(self):
        self.assertEqual(self.ok("ls", self.uri("a/x")).splitlines(), ["x"])

    def test_long(self):
        lines = self.ok("ls", "-l", self.base).splitlines()
        self.assertRegex(lines[0], r"^ +-  +-  +a/$")
        self.assertRegex(lines[1], r"^ +1  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  \S+ +b$")

    def test_json_is_one_object_a_line(self):
        entries = [json.loads(line) for line in self.ok("ls", "--json", self.base).splitlines()]
        self.assertEqual([entry["key"] for entry in entries], ["a/", "b", "c d"])
        self.assertEqual(entries[1]["size"], 1)
        self.assertTrue(entries[1]["etag"])
        # Each entry's URI can be given back to the program.
        self.assertEqual(self.ok("ls", entries[0]["uri"]).splitlines(), ["x", "y/"])
        self.assertEqual(self.ok("cat", entries[1]["uri"]), "b")

    def test_nothing_there_is_an_error(self):
        for key in ("d", "b/", "a/xx"):
            self.assertIn("nothing", self.fails(1, "ls", self.uri(key)))

    def test_explain_asks_nothing(self):
        status, out, err = self.run_cnf("ls", "--explain", "--metrics", self.base)
        self.assertEqual(status, 0)
        self.assertIn(b"requests", out)
        self.assertEqual(json.loads(err)["requests"]["total"], 0)


class CatTest(StorageVerbsTest):
    def setUp(self):
        super().setUp()
        self.put("digits", b"0123456789")

    def test_ranges(self):
        for text, want in {"0-3": "012", "3-": "3456789", "-2": "89", "8-99": "89", "4-4": "",
                           "10-11": "", "-99": "0123456789"}.items():
            self.assertEqual(self.ok("cat", "--range", text, self.uri("digits")), want, text)

    def test_fetches_no_more_than_the_range(self):
        self.put("big", bytes(300_000))
        _, out, err = self.run_cnf("cat", "--range", "1000-1100", "--metrics", self.uri("big"))
        self.assertEqual(len(out), 100)
        self.assertEqual(json.loads(err)["bytes_fetched"], 100)

    def test_a_range_behind_the_end_is_an_error(self):
        self.assertIn("10 bytes", self.fails(1, "cat", "--range", "11-12", self.uri("digits")))

    def test_a_large_object_comes_through_whole(self):
        content = os.urandom(9_000_001)
        self.put("large", content)
        self.assertEqual(self.get("large"), content)
        self.assertEqual(self.run_cnf("cat", "--memory", "4M", self.uri("large"))[1], content)

    def test_a_folder_is_not_an_object(self):
        self.put("folder/x")
        self.assertIn("folder", self.fails(1, "cat", self.uri("folder")))


class StatTest(StorageVerbsTest):
    def test_says_size_and_etag(self):
        self.put("a/b", b"12345")
        info = self.ok_json("stat", self.uri("a/b"))
        self.assertEqual((info["key"].split("/")[-1], info["size"]), ("b", 5))
        self.assertTrue(info["etag"])
        self.assertIn("5 bytes", self.ok("stat", self.uri("a/b")))

    def test_the_etag_changes_with_the_content(self):
        self.put("a", b"12345")
        before = self.ok_json("stat", self.uri("a"))["etag"]
        self.ok("cp", "--overwrite", "-", self.uri("a"), input=b"54321")
        self.assertNotEqual(before, self.ok_json("stat", self.uri("a"))["etag"])

    def test_folders_and_absent_objects_are_errors(self):
        self.put("a/b")
        self.assertIn("folder", self.fails(1, "stat", self.uri("a")))
        self.assertIn("nothing", self.fails(1, "stat", self.uri("b")))


class DuTest(StorageVerbsTest):
    def test_counts_all_levels(self):
        for key in ("a", "b/c", "b/d/e"):
            self.put(key, b"123")
        self.assertEqual(self.ok_json("du", self.base)["objects"], 3)
        self.assertEqual(self.ok_json("du", self.base)["bytes"], 9)
        self.assertEqual(self.ok_json("du", self.uri("b"))["objects"], 2)
        self.assertEqual(self.ok_json("du", self.uri("a"))["objects"], 1)
        self.assertEqual(self.ok("du", self.base), "9 B (9 bytes) in 3 objects\n")
        self.fails(1, "du", self.uri("nothing"))


class CpTest(StorageVerbsTest):
    def test_to_the_store_and_back(self):
        content = os.urandom(5_000_000)
        self.write("in", content)
        self.ok("cp", "in", self.uri("a/b"))
        self.assertEqual(self.get("a/b"), content)
        self.ok("cp", self.uri("a/b"), "out")
        self.assertEqual(self.read("out"), content)

    def test_through_standard_input_and_output(self):
        content = os.urandom(3_000_000)
        self.put("a", content)
        status, out, err = self.run_cnf("cp", self.uri("a"), "-")
        self.assertEqual((status, out, err), (0, content, ""))

    def test_an_empty_object(self):
        self.put("empty", b"")
        self.ok("cp", self.uri("empty"), self.uri("copy"))
        self.assertEqual(self.get("copy"), b"")

    def test_into_a_folder(self):
        self.write("in", b"1")
        self.put("folder/x")
        self.ok("cp", "in", self.uri("folder"))  # there is one
        self.ok("cp", "in", self.uri("new/"))  # it is said to be one
        self.ok("cp", "in", self.uri("name"))  # neither
        self.assertEqual(self.keys(), ["folder/in", "folder/x", "name", "new/in"])

    def test_refuses_to_overwrite(self):
        self.put("a", b"old")
        self.write("in", b"new")
        self.assertIn("--overwrite", self.fails(1, "cp", "in", self.uri("a")))
        self.assertIn("--overwrite", self.fails(1, "cp", "-", self.uri("a"), input=b"new"))
        self.assertEqual(self.get("a"), b"old")
        self.ok("cp", "--overwrite", "in", self.uri("a"))
        self.assertEqual(self.get("a"), b"new")

    def test_refuses_itself(self):
        self.put("a/b", b"1")
        self.assertIn("same", self.fails(1, "cp", self.uri("a/b"), self.uri("a/b")))
        self.assertIn("lies in it", self.fails(1, "cp", "-r", self.uri("a"), self.uri("a/c/d")))
        self.assertIn("lies in it", self.fails(1, "cp", "-r", "--overwrite", self.base, self.uri("x")))
        self.assertEqual(self.keys(), ["a/b"])

    def test_folders_need_r(self):
        self.put("a/b")
        self.assertIn("-r", self.fails(1, "cp", self.uri("a"), "out"))
        self.assertIn("nothing", self.fails(1, "cp", self.uri("b"), "out"))
        self.assertIn("nothing", self.fails(1, "cp", "-r", self.uri("b"), "out"))
        self.assertEqual(self.tree("out"), {})

    def test_trees(self):
        tree = {f"{i % 7}/{i}": os.urandom(i * 37) for i in range(60)}
        tree["large"] = os.urandom(6_000_000)
        for name, content in tree.items():
            self.write("in/" + name, content)
        self.ok("cp", "-r", "in", self.uri("one"))
        self.ok("cp", "-r", self.uri("one"), self.uri("two"))  # within the store
        self.ok("cp", "-r", self.uri("two"), "out")
        self.assertEqual(self.tree("out"), tree)
        totals = self.ok_json("cp", "-r", "--memory", "1M", "-@", "3", self.uri("two"), "out3")
        self.assertEqual(totals, {"objects": len(tree), "bytes": sum(map(len, tree.values()))})
        self.assertEqual(self.tree("out3"), tree)

    def test_trees_go_into_existing_folders(self):
        self.write("in/a", b"1")
        self.ok("cp", "-r", "in", self.uri("x"))
        self.ok("cp", "-r", "in", self.uri("x"))
        self.assertEqual(self.keys(), ["x/a", "x/in/a"])
        self.assertIn("--overwrite", self.fails(1, "cp", "-r", "in", self.uri("x")))
        self.write("in/a", b"2")
        self.ok("cp", "-r", "--overwrite", "in", self.uri("x"))
        self.assertEqual(self.get("x/in/a"), b"2")

    def test_an_object_with_r(self):
        self.write("in", b"1")
        self.ok("cp", "-r", "in", self.uri("a"))
        self.assertEqual(self.get("a"), b"1")

    def test_manifests_come_last(self):
        for name in ("_metadata.json", "z/data", "z/_metadata.json", "a/data"):
            self.write("in/" + name)
        status, _, err = self.run_cnf("cp", "-r", "--verbose", "in", self.uri("x"))
        copied = re.findall(r"^cnf: copied \S+/in/(\S+) to ", err, re.MULTILINE)
        self.assertEqual(status, 0)
        self.assertEqual(sorted(copied[:2]), ["a/data", "z/data"])
        self.assertEqual(copied[2:], ["_metadata.json", "z/_metadata.json"])

    def test_explain_copies_nothing(self):
        self.write("in/a", bytes(100))
        self.write("in/b", bytes(10))
        plan = self.ok_json("cp", "-r", "--explain", "in", self.uri("x"))
        self.assertEqual(plan["bytes_sent"], 110)
        self.assertIn("2 objects", plan["plan"])
        self.ok("cp", "--explain", "in/a", self.uri("x"))
        self.fails(1, "ls", self.uri("x"))

    def test_a_failure_in_a_tree_is_one_line(self):
        for i in range(20):
            self.write(f"in/{i}", b"1")
        self.put("x/in/7", b"old")
        self.fails(1, "cp", "-r", "in", self.uri("x"))
        self.assertEqual(self.keys(), ["x/in/7"])


class ResumeTest(StorageVerbsTest):
    """An interrupted copy is continued; what stays has evidence for it."""

    def setUp(self):
        super().setUp()
        self.content = {f"d/{i}": os.urandom(1000 + i) for i in range(12)}
        self.content["large"] = os.urandom(5_000_000)
        self.content["_metadata.json"] = b"{}"
        for name, content in self.content.items():
            self.write("in/" + name, content)

    def resume(self, *args):
        return self.ok_json("cp", "-r", "--resume", "in", self.uri("x"), *args)

    def sent(self, *args):
        status, _, err = self.run_cnf("cp", "-r", "--resume", "--verbose", "in", self.uri("x"), *args)
        self.assertEqual(status, 0, err)
        return sorted(re.findall(r"^cnf: copied \S+/in/(\S+) to ", err, re.MULTILINE))

    def test_the_first_run_copies_all_and_the_second_nothing(self):
        self.assertEqual(self.resume()["kept"], 0)
        self.assertEqual(self.resume(), {"objects": 14, "bytes": sum(map(len, self.content.values())), "kept": 14})
        self.ok("cp", "-r", self.uri("x"), "out")
        self.assertEqual(self.tree("out"), self.content)

    def test_what_is_missing_is_sent_and_manifests_last(self):
        self.resume()
        for name in ("d/3", "large", "_metadata.json"):
            self.ok("rm", self.uri("x/" + name))
        self.assertEqual(self.sent(), ["_metadata.json", "d/3", "large"])
        self.ok("cp", "-r", self.uri("x"), "out")
        self.assertEqual(self.tree("out"), self.content)

    def test_the_same_size_is_no_evidence(self):
        self.resume()
        for name in ("d/3", "large"):
            content = bytearray(self.content[name])
            content[7] ^= 1
            self.ok("cp", "--overwrite", "-", self.uri("x/" + name), input=bytes(content))
            self.assertIn("not known to be a copy", self.fails(1, "cp", "-r", "--resume", "in", self.uri("x")))
            self.assertEqual(self.get("x/" + name), bytes(content))
            self.assertEqual(self.resume("--size-only")["kept"], 14)
            self.assertEqual(self.sent("--overwrite"), [name])
            self.assertEqual(self.get("x/" + name), self.content[name])

    def test_another_size_is_another_object(self):
        self.resume()
        self.ok("cp", "--overwrite", "-", self.uri("x/d/3"), input=b"short")
        for args in ((), ("--size-only",)):
            self.assertIn("d/3", self.fails(1, "cp", "-r", "--resume", "in", self.uri("x"), *args))
        self.assertEqual(self.sent("--overwrite"), ["d/3"])

    def test_from_the_store_and_within_it(self):
        self.ok("cp", "-r", "in", self.uri("x"))
        # A copy is known by its time only if that is later than the source's, which is in seconds.
        time.sleep(1.1)
        for target in ("out", self.uri("y")):
            for kept in (0, 14):
                answer = self.ok_json("cp", "-r", "--resume", self.uri("x"), target)
                self.assertEqual(answer["kept"], kept, target)
        self.assertEqual(self.tree("out"), self.content)

    def test_one_object(self):
        for kept in (0, 1):
            answer = self.ok_json("cp", "--resume", "in/large", self.uri("one"))
            self.assertEqual(answer["kept"], kept)
        self.ok("cp", "--overwrite", "-", self.uri("one"), input=b"else")
        self.assertIn("--overwrite", self.fails(1, "cp", "--resume", "in/large", self.uri("one")))

    def test_explain_counts_what_would_be_sent(self):
        self.resume()
        self.ok("rm", self.uri("x/d/3"))
        plan = self.ok_json("cp", "-r", "--resume", "--size-only", "--explain", "in", self.uri("x"))
        self.assertEqual(plan["bytes_sent"], len(self.content["d/3"]))
        self.assertIn("13 of which may stay", plan["plan"])

    def test_verify_reads_back(self):
        self.ok("cp", "-r", "--verify", "in", self.uri("x"))
        self.ok("cp", "-r", "--verify", self.uri("x"), self.uri("y"))
        self.ok("cp", "--verify", self.uri("y/large"), "out")
        self.assertEqual(self.read("out"), self.content["large"])
        self.fails(2, "cp", "--verify", "-", self.uri("z"))
        self.fails(2, "cp", "--size-only", "in/large", self.uri("z"))


class WrapperOptionsTest(StorageVerbsTest):
    """Storage options that put a wrapper around any store."""

    def test_a_cache_answers_the_second_time(self):
        content = os.urandom(3_000_000)
        self.put("a", content)
        cache = ("--storage-option", "cache=" + self.path("cache"), "--metrics")
        for kind in ("cold", "warm"):
            status, out, err = self.run_cnf("cat", self.uri("a"), *cache)
            self.assertEqual((status, out), (0, content))
            metrics = json.loads(err)
            self.assertEqual(metrics["bytes_fetched"], len(content) if kind == "cold" else 0)
            self.assertEqual(metrics["requests"]["get"] == 0, kind == "warm")
            self.assertEqual(metrics["cache_hits"] > 0, kind == "warm")

    def test_a_damaged_or_impossible_cache_changes_no_answer(self):
        content = os.urandom(2_000_000)
        self.put("a", content)
        cache = ("--storage-option", "cache=" + self.path("cache"))
        self.ok("cp", self.uri("a"), "out", *cache)
        for name in self.tree("cache"):
            with open(self.path("cache", name), "r+b") as file:
                file.write(b"nonsense" * 9)
        self.assertEqual(self.run_cnf("cat", self.uri("a"), *cache)[:2], (0, content))
        self.write("file", b"no folder")
        impossible = ("--storage-option", "cache=" + self.path("file"))
        self.assertEqual(self.run_cnf("cat", self.uri("a"), *impossible)[:2], (0, content))

    def test_read_only(self):
        self.put("a", b"1")
        read_only = ("--storage-option", "read_only=true")
        self.assertEqual(self.ok("cat", self.uri("a"), *read_only), "1")
        for args in (("rm", self.uri("a")), ("cp", self.uri("a"), self.uri("b"))):
            self.assertIn("read only", self.fails(1, *args, *read_only))
        self.assertEqual(self.keys(), ["a"])

    def test_rate(self):
        self.put("a", b"1")
        self.assertEqual(self.ok("cat", self.uri("a"), "--storage-option", "rate=1000"), "1")
        self.assertIn("rate", self.fails(2, "cat", self.uri("a"), "--storage-option", "rate=none"))


class RmTest(StorageVerbsTest):
    def setUp(self):
        super().setUp()
        for key in ("a", "b/c", "b/d/e", "bc"):
            self.put(key, b"123")

    def test_an_object(self):
        self.assertEqual(self.ok_json("rm", self.uri("a")), {"objects": 1, "bytes": 3})
        self.assertEqual(self.keys(), ["b/c", "b/d/e", "bc"])
        self.assertIn("nothing", self.fails(1, "rm", self.uri("a")))

    def test_a_tree_needs_r(self):
        self.assertIn("-r", self.fails(1, "rm", self.uri("b")))
        self.assertEqual(self.ok_json("rm", "-r", self.uri("b")), {"objects": 2, "bytes": 6})
        self.assertEqual(self.keys(), ["a", "bc"])
        self.assertIn("nothing", self.fails(1, "rm", "-r", self.uri("b")))

    def test_r_takes_an_object_too(self):
        self.ok("rm", "-r", self.uri("a"))
        self.assertNotIn("a", self.keys())

    def test_explain_removes_nothing(self):
        self.assertIn("2 objects (6 bytes)", self.ok("rm", "-r", "--explain", self.uri("b")))
        self.assertIn("1 object (3 bytes)", self.ok("rm", "--explain", self.uri("a")))
        self.assertEqual(len(self.keys()), 4)

    def test_a_dataset_loses_its_manifest_first(self):
        self.put("b/_metadata.json", b"{}")
        status, _, err = self.run_cnf("rm", "-r", "--verbose", self.uri("b"))
        self.assertEqual(status, 0)
        self.assertTrue(err.splitlines()[0].endswith("b/_metadata.json"), err)
        self.assertEqual(len(err.splitlines()), 3)

    def test_a_whole_store_is_refused(self):
        self.assertIn("-r", self.fails(1, "rm", "/"))
        self.assertIn("local disk", self.fails(1, "rm", "-r", "/"))
        if BASE:
            bucket = "/".join(BASE.split("/")[:3])
            self.assertIn("-r", self.fails(1, "rm", bucket))


if __name__ == "__main__":
    unittest.main()
