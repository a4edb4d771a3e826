# SPDX-License-Identifier: Apache-2.0
"""info, validate and gc, on a small dataset with each kind of damage."""

import json
import os
import subprocess
import unittest

from cnf_program import MAKE_DATASET, CnfTest

CHUNKS = 5


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sealed(manifest):
    """The manifest as text that ends in the CRC32C of itself."""
    manifest = {name: value for name, value in manifest.items() if name != "crc32c"}
    text = json.dumps(manifest, indent=2)[:-len("\n}")]
    return f'{text},\n  "crc32c": "{crc32c(text.encode()):08x}"\n}}\n'


class DatasetTest(CnfTest):
    def make(self, name="dataset", chunks=CHUNKS, sharding_bits=0):
        subprocess.run([MAKE_DATASET, self.path(name), str(chunks), str(sharding_bits)], check=True)
        return name

    def objects(self, name="dataset"):
        """The dataset's objects by what they are: header, index, manifest, and the chunks."""
        found = {"chunks": []}
        for path in sorted(self.tree(name)):
            if path.endswith(".chunk"):
                found["chunks"].append(path)
            elif "header" in path:
                found["header"] = path
            elif path.endswith(".idx"):
                found["index"] = path
            else:
                found["manifest"] = path
        return found

    def flip(self, path, at, name="dataset"):
        with open(self.path(name, path), "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1]))

    def edit_manifest(self, change, name="dataset"):
        path = self.path(name, "_metadata.json")
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
        change(manifest)
        with open(path, "w", encoding="utf-8") as file:
            file.write(sealed(manifest))

    def findings(self, name="dataset", want_status=1):
        status, out, err = self.run_cnf("validate", "--json", name)
        self.assertEqual(status, want_status, err)
        self.assertEqual(err.count("\n"), 1, err)
        answer = json.loads(out)
        self.assertEqual(answer["valid"], want_status == 0)
        # The sample's format is none that the program knows, which it says of a sound dataset.
        return [f for f in answer["findings"] if "is not known here" not in f["what"]]

    def one_error(self, path, words):
        findings = self.findings()
        self.assertEqual([f["object"] for f in findings], [path], findings)
        self.assertEqual(findings[0]["severity"], "error")
        self.assertIn(words, findings[0]["what"])


class InfoTest(DatasetTest):
    def test_says_what_it_is(self):
        text = self.ok("info", self.make())
        for words in ("SAMPLE 1.0.0", f"{CHUNKS}, cut by fixed 5000", "2026-01-01T00:00:00Z",
                      "sort_order           coordinate", "records              42"):
            self.assertIn(words, text)

    def test_json(self):
        info = self.ok_json("info", self.make())
        self.assertEqual(info["format"], "SAMPLE")
        self.assertEqual(info["chunks"]["num_chunks"], CHUNKS)
        self.assertEqual(info["custom"]["records"], 42)
        self.assertEqual(info["storage"]["total_size"],
                         sum(len(content) for path, content in self.tree("dataset").items()
                             if path != "_metadata.json"))

    def test_takes_one_request(self):
        self.make()
        _, _, err = self.run_cnf("info", "--metrics", "dataset")
        self.assertEqual(json.loads(err)["requests"]["total"], 1)

    def test_what_is_no_dataset(self):
        for verb in ("info", "validate", "gc"):
            self.assertIn("no dataset", self.fails(1, verb, "nothing"))
        self.write("broken/_metadata.json", b"{}")
        for verb in ("info", "validate", "gc"):
            self.fails(1, verb, "broken")


class ValidateTest(DatasetTest):
    def test_a_sound_dataset(self):
        for bits in (0, 4, 8):
            name = self.make(f"dataset{bits}", sharding_bits=bits)
            self.assertEqual(self.findings(name, want_status=0), [])

    def test_an_empty_dataset(self):
        self.make(chunks=0)
        self.assertEqual(self.findings(want_status=0), [])

    def test_a_flipped_bit_in_any_object(self):
        self.make()
        objects = self.objects()
        for path in (objects["chunks"][0], objects["chunks"][-1], objects["header"]):
            size = os.path.getsize(self.path("dataset", path))
            for at in (0, size // 2, size - 1):
                self.flip(path, at)
                self.one_error(path, "crc32c")
                self.flip(path, at)
        self.assertEqual(self.findings(want_status=0), [])

    def test_a_flipped_bit_in_the_index(self):
        self.make()
        path = self.objects()["index"]
        for at in range(0, os.path.getsize(self.path("dataset", path)), 23):
            self.flip(path, at)
            findings = self.findings()
            self.assertEqual({f["object"] for f in findings if f["severity"] == "error"} - {
                "_metadata.json"}, {path}, (at, findings))
            self.flip(path, at)

    def test_a_flipped_bit_in_the_manifest(self):
        self.make()
        path = self.objects()["manifest"]
        for at in range(0, os.path.getsize(self.path("dataset", path)), 97):
            self.flip(path, at)
            self.fails(1, "validate", "dataset")
            self.flip(path, at)
        self.assertEqual(self.findings(want_status=0), [])

    def test_a_missing_object(self):
        for kind in ("header", "index"):
            name = self.make(kind)
            os.remove(self.path(name, self.objects(name)[kind]))
            self.assertIn(self.objects(self.make("sound"))[kind].split("-")[0],
                          self.findings(name)[0]["object"])
            subprocess.run(["rm", "-r", self.path("sound")], check=True)

    def test_a_missing_chunk(self):
        self.make()
        path = self.objects()["chunks"][2]
        os.remove(self.path("dataset", path))
        self.one_error(path, "missing")

    def test_a_missing_chunk_of_a_sharded_dataset(self):
        self.make(sharding_bits=4)
        path = self.objects()["chunks"][2]
        os.remove(self.path("dataset", path))
        self.one_error(path.split("/", 1)[1], "missing")

    def test_a_chunk_of_another_length(self):
        self.make()
        path = self.objects()["chunks"][1]
        with open(self.path("dataset", path), "ab") as file:
            file.write(b"x")
        self.one_error(path, "5001 bytes")
        os.truncate(self.path("dataset", path), 10)
        self.one_error(path, "10 bytes")

    def test_counts_that_contradict(self):
        def longer_run(manifest):
            manifest["chunks"]["num_chunks"] += 1
            manifest["chunks"]["runs"][0]["count"] += 1

        def other_size(manifest):
            manifest["storage"]["total_size"] += 1

        for change, words in ((longer_run, "lists 5 chunks"), (other_size, "total_size")):
            name = self.make(change.__name__)
            self.edit_manifest(change, name)
            self.assertTrue(any(words in f["what"] for f in self.findings(name)), words)

    def test_a_manifest_that_contradicts_itself_is_refused(self):
        def one_more_chunk(manifest):
            manifest["chunks"]["num_chunks"] += 1

        self.make()
        self.edit_manifest(one_more_chunk)
        self.assertIn("num_chunks", self.fails(1, "validate", "dataset"))

    def test_an_orphan_is_a_warning(self):
        self.make()
        self.write("dataset/data/00099-0123456789abcdef.chunk", b"left behind")
        findings = self.findings(want_status=0)
        self.assertEqual([(f["severity"], f["object"]) for f in findings],
                         [("warning", "data/00099-0123456789abcdef.chunk")])

    def test_text_is_a_line_for_each_finding(self):
        self.make()
        first, second = self.objects()["chunks"][:2]
        self.flip(first, 7)
        os.remove(self.path("dataset", second))
        status, out, err = self.run_cnf("validate", "dataset")
        lines = out.decode().splitlines()
        self.assertEqual(status, 1)
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], rf"^error +{first}  crc32c is 0x[0-9a-f]{{8}}, ")
        self.assertRegex(lines[1], rf"^error +{second}  is missing")
        self.assertIn("2 errors", err)

    def test_explain_reads_the_manifest_only(self):
        self.make()
        plan = self.run_cnf("validate", "--explain", "--metrics", "--json", "dataset")
        self.assertEqual(json.loads(plan[1])["bytes_fetched"],
                         self.ok_json("info", "dataset")["storage"]["total_size"])
        self.assertEqual(json.loads(plan[2])["requests"]["total"], 1)


class GcTest(DatasetTest):
    ORPHANS = ["_index/chunks-0123456789abcdef.idx", "data/00099-0123456789abcdef.chunk"]

    def setUp(self):
        super().setUp()
        self.make()
        self.sound = self.tree("dataset")
        for path in self.ORPHANS:
            self.write("dataset/" + path, b"left behind")

    def test_deletes_orphans_and_nothing_else(self):
        self.assertEqual(self.ok("gc", "--quiet", "dataset").splitlines(), self.ORPHANS)
        self.assertEqual(self.tree("dataset"), self.sound)
        self.assertEqual(self.ok("gc", "--quiet", "dataset"), "")

    def test_dry_run_deletes_nothing(self):
        for option in ("--dry-run", "--explain"):
            self.assertEqual(self.ok("gc", "--quiet", option, "dataset").splitlines(), self.ORPHANS)
        self.assertEqual(len(self.tree("dataset")), len(self.sound) + len(self.ORPHANS))
        _, _, err = self.run_cnf("gc", "--dry-run", "dataset")
        self.assertEqual(err, "cnf: would delete 2 orphans (22 B)\n")

    def test_spares_young_ones_if_told(self):
        self.assertEqual(self.ok("gc", "--quiet", "--older-than", "2", "dataset"), "")
        old = self.path("dataset", self.ORPHANS[0])
        os.utime(old, (0, 0))
        self.assertEqual(self.ok("gc", "--quiet", "--older-than", "2", "dataset").splitlines(),
                         self.ORPHANS[:1])
        self.assertFalse(os.path.exists(old))

    def test_json_is_an_object_a_line(self):
        lines = self.ok("gc", "--quiet", "--json", "dataset").splitlines()
        self.assertEqual([json.loads(line)["key"] for line in lines], self.ORPHANS)
        self.assertEqual(json.loads(lines[0])["size"], 11)

    def test_of_a_sharded_dataset(self):
        name = self.make("sharded", sharding_bits=4)
        sound = self.tree(name)
        self.write("sharded/c/data/00099-0123456789abcdef.chunk", b"left behind")
        self.assertEqual(self.ok("gc", "--quiet", name).splitlines(),
                         ["c/data/00099-0123456789abcdef.chunk"])
        self.assertEqual(self.tree(name), sound)


class CopyTest(DatasetTest):
    def test_copies_to_another_sharding_and_back(self):
        self.make()
        self.ok("copy", "--quiet", "--sharding-bits", "4", "dataset", "spread")
        self.assertEqual(self.findings("spread", 0), [])
        report = self.ok_json("copy", "--quiet", "--sharding-bits", "0", "spread", "back")
        self.assertEqual(report["resumed"], 0)
        self.assertEqual(self.tree("back"), self.tree("dataset"))

    def test_refuses_to_replace_a_dataset(self):
        self.make()
        self.make("other")
        self.assertIn("--overwrite", self.fails(1, "copy", "dataset", "other"))
        self.ok("copy", "--quiet", "--overwrite", "dataset", "other")
        self.ok("gc", "--quiet", "other")
        self.assertEqual(self.tree("other"), self.tree("dataset"))

    def test_explain_copies_nothing(self):
        self.make()
        self.assertIn("copy dataset to other", self.ok("copy", "--explain", "dataset", "other"))
        self.assertFalse(os.path.exists(self.path("other")))


if __name__ == "__main__":
    unittest.main()
