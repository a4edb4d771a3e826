# SPDX-License-Identifier: Apache-2.0
"""cnf cryoem: what people type, what they get, and what is refused."""

import array
import gzip
import json
import os
import pathlib
import signal
import struct
import time
import unittest

from cnf_program import CnfTest
from cryoem_files import box, mrc, png_size, voxels

SIDES = (80, 70, 60)  # x, y, z
REAL = pathlib.Path(os.environ["CNF_SHARED_DATA"]) / "real-em"


class CryoEmTest(CnfTest):
    def make(self, *options, sides=SIDES, mode=1, **fields):
        self.values = voxels(sides, mode)
        self.file = mrc(sides, self.values, mode, **fields)
        self.write("in.mrc", self.file)
        self.ok("cryoem", "import", "--quiet", "in.mrc", "d", *options)

    def metrics(self, *args):
        status, out, err = self.run_cnf(*args, "--metrics")
        self.assertEqual(status, 0, err)
        return out, json.loads(err)


class RoundTripTest(CryoEmTest):
    def test_every_mode_and_byte_order_comes_back_byte_for_byte(self):
        for mode in (0, 1, 2, 6):
            for big_endian in (False, True):
                with self.subTest(mode=mode, big_endian=big_endian):
                    self.make("--overwrite", mode=mode, big_endian=big_endian)
                    self.ok("cryoem", "export", "--overwrite", "d", "out.mrc")
                    self.assertEqual(self.read("out.mrc"), self.file)

    def test_axes_and_extended_headers_come_back(self):
        self.make(map_order=(3, 1, 2), extended=b"X,Y,Z".ljust(80))
        self.ok("cryoem", "export", "d", "out.mrc")
        self.assertEqual(self.read("out.mrc"), self.file)
        self.assertEqual(self.ok_json("info", "d")["image"]["levels"][0]["shape"], [80, 60, 70])

    def test_a_flip_is_undone(self):
        self.make("--flip", "y")
        self.ok("cryoem", "export", "d", "out.mrc")
        self.assertEqual(self.read("out.mrc"), self.file)
        row = self.run_cnf("cryoem", "query", "d", "--box", "0,0,5,80,1,1", "--format", "raw")[1]
        self.assertEqual(row, box(self.values, SIDES, (0, 69, 5), (80, 1, 1)))

    def test_gzip_in_and_out(self):
        self.make()
        self.write("in.mrc.gz", gzip.compress(self.file))
        self.ok("cryoem", "import", "--quiet", "in.mrc.gz", "e")
        self.ok("cryoem", "export", "e", "out.mrc.gz")
        self.assertEqual(gzip.decompress(self.read("out.mrc.gz")), self.file)

    def test_what_lies_behind_the_data_comes_back(self):
        self.write("in.mrc", mrc(SIDES, voxels(SIDES)) + b"and more")
        self.ok("cryoem", "import", "--quiet", "in.mrc", "d")
        self.ok("cryoem", "export", "d", "out.mrc")
        self.assertEqual(self.read("out.mrc"), self.read("in.mrc"))

    def test_real_files_come_back(self):
        files = sorted(path for path in REAL.rglob("*") if path.name.lower().endswith(
            (".mrc", ".map", ".ccp4", ".mrcs", ".mrc.gz", ".map.gz", ".ccp4.gz")))
        self.assertGreater(len(files), 1)
        for path in files:
            with self.subTest(file=path.name):
                self.ok("cryoem", "import", "--quiet", "--overwrite", str(path), "d")
                self.ok("cryoem", "export", "--overwrite", "d", "out.mrc")
                data = path.read_bytes()
                self.assertEqual(self.read("out.mrc"), gzip.decompress(data) if path.suffix == ".gz" else data)
                status, _, err = self.run_cnf("validate", "--deep", "d")
                self.assertEqual(status, 0, err)

    def test_another_type_is_asked_for(self):
        self.make()
        self.ok("cryoem", "export", "d", "out.mrc", "--mode", "2")
        self.assertEqual(struct.unpack_from("<4i", self.read("out.mrc")), (*SIDES, 2))
        self.assertEqual(self.read("out.mrc")[1024:], array.array("f", self.values).tobytes())
        self.ok("cryoem", "export", "d", "out.raw", "--dtype", "int32")
        self.assertEqual(self.read("out.raw"), array.array("i", self.values).tobytes())
        self.assertIn("int8", self.fails(1, "cryoem", "export", "d", "out8.raw", "--dtype", "int8"))
        self.assertNotIn("out8.raw", self.tree())

    def test_kept_bits_are_said(self):
        self.make("--keep-bits", "7", mode=2)
        self.assertEqual(self.ok_json("info", "d")["custom"]["keep_bits"], 7)
        self.ok("cryoem", "export", "d", "out.mrc")
        exported = array.array("f", self.read("out.mrc")[1024:])
        self.assertNotEqual(exported, self.values)
        for value, kept in zip(self.values, exported):
            self.assertLessEqual(abs(value - kept), abs(value) / 128)


class QueryTest(CryoEmTest):
    def test_boxes_in_every_format(self):
        self.make()
        at, size = (17, 30, 11), (40, 33, 21)
        want = box(self.values, SIDES, at, size)
        text = ",".join(str(n) for n in at + size)
        self.ok("cryoem", "query", "d", "--box", text, "-o", "box.raw")
        self.assertEqual(self.read("box.raw"), want)
        self.ok("cryoem", "query", "d", "--box", text, "-o", "box.npy")
        self.assertTrue(self.read("box.npy").startswith(b"\x93NUMPY"))
        self.assertIn(b"'descr': '<i2', 'fortran_order': False, 'shape': (21, 33, 40, )", self.read("box.npy")[:128])
        self.assertEqual(self.read("box.npy")[-len(want):], want)
        self.ok("cryoem", "query", "d", "--box", text, "-o", "box.mrc")
        header = self.read("box.mrc")[:1024]
        self.assertEqual(struct.unpack_from("<4i", header), (*size, 1))
        self.assertEqual(self.read("box.mrc")[1024:], want)
        self.assertAlmostEqual(struct.unpack_from("<f", header, 40)[0], 40 * 7.84, places=2)
        # The box's own place, from the file's origin (1.5, 2.5, 3.5).
        for have, first, n in zip(struct.unpack_from("<3f", header, 196), (1.5, 2.5, 3.5), at):
            self.assertAlmostEqual(have, first + 7.84 * n, places=2)

    def test_standard_output(self):
        self.make()
        status, out, err = self.run_cnf("cryoem", "query", "d", "--box", "0,0,0,80,70,2", "--format", "raw")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, box(self.values, SIDES, (0, 0, 0), (80, 70, 2)))

    def test_levels(self):
        self.make("--levels", "2")
        out = self.run_cnf("cryoem", "query", "d", "--level", "1", "--box", "3,4,5,1,1,1", "--format", "raw")[1]
        below = array.array("h", box(self.values, SIDES, (6, 8, 10), (2, 2, 2)))
        self.assertAlmostEqual(struct.unpack("<h", out)[0], sum(below) / 8, delta=0.5)

    def test_answers_do_not_depend_on_threads_or_memory(self):
        answers = set()
        for threads in ("1", "2"):
            self.make("--overwrite", "--threads", threads, "--chunk", "32,32,32", "--shard", "64,64,64")
            answers.add(json.dumps({name: hash(data) for name, data in self.tree("d").items()
                                    if name.split("/")[0].isdigit()}, sort_keys=True))
            for memory in ("1G", "1M"):
                self.ok("cryoem", "export", "--overwrite", "--threads", threads, "--memory", memory, "d", "out.raw")
                self.assertEqual(self.read("out.raw"), self.values.tobytes())
        self.assertEqual(len(answers), 1)

    def test_chunks_and_codecs_of_every_kind(self):
        for options in (("--codec", "none"), ("--codec", "zstd:3"), ("--codec", "lz4"),
                        ("--chunk", "256,256,32"), ("--chunk", "16,16,16", "--shard", "32,32,32"), ("--checksum",)):
            with self.subTest(options=options):
                self.make("--overwrite", *options)
                out = self.run_cnf("cryoem", "query", "d", "--box", "70,1,2,10,60,50", "--format", "raw")[1]
                self.assertEqual(out, box(self.values, SIDES, (70, 1, 2), (10, 60, 50)))

    def test_explain_is_what_is_read(self):
        self.make("--chunk", "16,16,16", "--shard", "64,64,64")
        query = ("cryoem", "query", "d", "--box", "17,30,11,20,20,20", "--format", "raw")
        plan = self.ok_json(*query, "--explain")
        self.assertGreater(plan["chunks"], 0)
        self.assertGreater(plan["bytes"], 0)
        out, metrics = self.metrics(*query)
        self.assertEqual(len(out), 20 * 20 * 20 * 2)
        self.assertLess(metrics["bytes_fetched"], len(self.file))


class SliceTest(CryoEmTest):
    def test_pictures_across_every_axis(self):
        self.make()
        for axis, size in (("z", (80, 70)), ("y", (80, 60)), ("x", (70, 60))):
            self.ok("cryoem", "slice", "d", "--axis", axis, "--at", "40", "-o", f"{axis}.png")
            self.assertEqual(png_size(self.read(f"{axis}.png")), (*size, 8))
        self.ok("cryoem", "slice", "d", "--at", "0", "--bits", "16", "--contrast", "1,99", "-o", "z.png")
        self.assertEqual(png_size(self.read("z.png")), (80, 70, 16))
        pictures = {how: self.run_cnf("cryoem", "slice", "d", "--at", "3", "--contrast", how, "--format", "png")[1]
                    for how in ("window", "min,max", "40,60", "0:10")}
        self.assertEqual(len(set(pictures.values())), 4)

    def test_values_of_a_plane(self):
        self.make()
        self.ok("cryoem", "slice", "d", "--axis", "x", "--at", "7", "-o", "x.npy")
        want = box(self.values, SIDES, (7, 0, 0), (1, 70, 60))
        self.assertEqual(self.read("x.npy")[-len(want):], want)


class StatsTest(CryoEmTest):
    def test_statistics_are_those_of_the_voxels(self):
        self.make()
        _, metrics = self.metrics("cryoem", "stats", "d")
        self.assertLess(metrics["bytes_fetched"], len(self.tree("d")["zarr.json"]) + 1)
        level = self.ok_json("cryoem", "stats", "d")["levels"][0]
        mean = sum(self.values) / len(self.values)
        self.assertEqual((level["min"], level["max"], level["count"]),
                         (min(self.values), max(self.values), len(self.values)))
        self.assertAlmostEqual(level["mean"], mean, places=6)
        self.assertAlmostEqual(level["deviation"] ** 2,
                               sum((v - mean) ** 2 for v in self.values) / len(self.values), places=4)

    def test_histograms_count_every_voxel(self):
        self.make()
        for options in ((), ("--bins", "10"), ("--level", "0")):
            histogram = self.ok_json("cryoem", "stats", "--histogram", "d", *options)["histogram"]
            self.assertEqual(sum(histogram["counts"]), len(self.values), options)

    def test_chunks_sum_up_to_their_level(self):
        self.make("--chunk", "32,32,32")
        chunks = [json.loads(line) for line in self.ok("cryoem", "stats", "--chunks", "--json", "d").splitlines()]
        self.assertEqual(len(chunks), 3 * 3 * 2)
        for chunk in chunks:
            values = array.array("h", box(self.values, SIDES, chunk["begin"][::-1], chunk["shape"][::-1]))
            self.assertEqual((chunk["min"], chunk["max"], chunk["count"]), (min(values), max(values), len(values)))
        self.assertEqual(self.ok("cryoem", "stats", "--chunks", "--level", "1", "d").count("\n"), 1 + 2 * 2 * 1)

    def test_info(self):
        self.make("--chunk", "32,32,32")
        text = self.ok("info", "d")
        for line in ("voxels               80x70x60 of int16", "voxel                7.84 x 7.84 x 7.84 Å"):
            self.assertIn(line + "\n", text)
        self.assertIn("chunks of 32x32x32", text)
        image = self.ok_json("info", "d")["image"]
        self.assertEqual((image["kind"], image["axes"]), ("volume", ["z", "y", "x"]))
        for size in image["levels"][0]["voxel_angstrom"]:
            self.assertAlmostEqual(size, 7.84, places=4)


class OthersImagesTest(CryoEmTest):
    def test_arrays_of_others_are_read_and_imported(self):
        """array_blosc.zarr and its like: zarrs' conformance set, made by zarrs, 10 x 10 float32."""
        arrays = sorted((REAL / "zarrs-conformance" / "v3").glob("array_*.zarr"))
        arrays = [path for path in arrays if (path / "zarr.json").exists()]
        self.assertGreater(len(arrays), 1)
        answers = set()
        for path in arrays:
            shape = json.loads((path / "zarr.json").read_text())["shape"]
            self.assertEqual(self.ok_json("info", str(path))["image"]["levels"][0]["shape"], shape)
            answers.add(self.run_cnf("cryoem", "query", str(path), "--box", f"0,0,0,{shape[1]},{shape[0]},1", "--format", "raw")[1])
            self.ok("cryoem", "import", "--quiet", "--overwrite", str(path), "d")
            imported = self.run_cnf("cryoem", "query", "d", "--box", f"0,0,0,{shape[1]},{shape[0]},1", "--format", "raw")[1]
            self.assertIn(imported, answers)
        self.assertEqual(len(answers), 1)

    def test_our_own_image_is_imported_as_a_zarr_image(self):
        self.make()
        self.ok("cryoem", "import", "--quiet", "--chunk", "32,32,32", "d", "e")
        out = self.run_cnf("cryoem", "export", "e", "-", "--format", "raw")[1]
        self.assertEqual(out, self.values.tobytes())
        self.assertAlmostEqual(self.ok_json("info", "e")["image"]["levels"][0]["voxel_angstrom"][0], 7.84, places=4)


class RefusalTest(CryoEmTest):
    def test_bad_command_lines(self):
        self.make()
        for args in (("query", "d", "-o", "x.raw"), ("query", "d", "--box", "1,2,3", "-o", "x.raw"),
                     ("query", "d", "--box", "0,0,0,1,1,1"), ("query", "d", "--box", "0,0,0,1,1,1", "-o", "x.tar"),
                     ("slice", "d", "-o", "x.png"), ("slice", "d", "--at", "1", "--contrast", "9", "-o", "x.png"),
                     ("import", "in.mrc", "e", "--chunk", "0,1,1"), ("import", "in.mrc", "e", "--dtype", "int7"),
                     ("export", "d", "x.mrc", "--mode", "5")):
            self.fails(2, "cryoem", *args)
        self.assertEqual(sorted({name.split("/")[0] for name in self.tree()}), ["d", "in.mrc"])

    def test_what_is_not_there(self):
        self.make()
        for args in (("query", "d", "--box", "0,0,0,81,1,1", "-o", "x.raw"), ("query", "d", "--box", "80,0,0,1,1,1", "-o", "x.raw"),
                     ("query", "d", "--box", "0,0,0,0,1,1", "-o", "x.raw"), ("slice", "d", "--at", "60", "-o", "x.png")):
            self.assertIn("level 0", self.fails(1, "cryoem", *args))
        huge = str(2**63 - 1)
        self.fails(1, "cryoem", "query", "d", "--box", f"{huge},0,0,{huge},1,1", "-o", "x.raw")
        self.assertIn("no level 9", self.fails(1, "cryoem", "query", "d", "--level", "9", "--box", "0,0,0,1,1,1", "-o", "x.raw"))
        self.assertIn("no level 9", self.fails(1, "cryoem", "export", "d", "x.mrc", "--level", "9"))
        self.fails(1, "cryoem", "query", "nothing", "--box", "0,0,0,1,1,1", "-o", "x.raw")
        self.assertNotIn("x.raw", self.tree())

    def test_inputs_that_are_damaged(self):
        whole = mrc(SIDES, voxels(SIDES))
        packed = gzip.compress(whole)
        for name, data in (("empty.mrc", b""), ("short.mrc", whole[:1000]), ("cut.mrc", whole[:-1]), ("text.mrc", b"no volume " * 400),
                           ("cut.mrc.gz", packed[:-9]), ("bad.mrc.gz", packed[:99] + b"\0\0\0\0\0\0" + packed[105:]),
                           ("negative.mrc", whole[:4] + struct.pack("<i", -5) + whole[8:]),
                           ("mode.mrc", whole[:12] + struct.pack("<i", 77) + whole[16:])):
            with self.subTest(name=name):
                self.write(name, data)
                self.fails(1, "cryoem", "import", name, "d")
                self.assertFalse(os.path.exists(self.path("d")))

    def test_damage_is_found(self):
        self.make()
        name, data = max(((n, b) for n, b in self.tree("d").items() if n.startswith("0/")), key=lambda item: len(item[1]))
        for at in (20, len(data) // 2, len(data) - 10):
            self.write(os.path.join("d", name), data[:at] + bytes([data[at] ^ 0xff]) + data[at + 1:])
            status, out, _ = self.run_cnf("validate", "d")
            self.assertEqual(status, 1)
            self.assertIn(name, out.decode())
        self.write(os.path.join("d", name), data[:len(data) // 2])
        status, _, err = self.run_cnf("cryoem", "export", "d", "out.raw")
        self.assertEqual((status, err.count("\n")), (1, 1))
        self.assertNotIn("out.raw", self.tree())

    def test_a_dataset_is_replaced_only_if_asked(self):
        self.make()
        self.assertIn("already", self.fails(1, "cryoem", "import", "in.mrc", "d"))
        before = self.tree("d")
        self.assertIn("already", self.fails(1, "cryoem", "import", "in.mrc", "d", "--levels", "1"))
        self.assertEqual(self.tree("d"), before)
        self.ok("cryoem", "import", "--quiet", "--overwrite", "in.mrc", "d", "--levels", "1")
        self.assertEqual(len(self.ok_json("info", "d")["image"]["levels"]), 1)


class InterruptTest(CryoEmTest):
    def test_ctrl_c_leaves_nothing_visible_and_resume_goes_on(self):
        sides = (160, 160, 160)
        self.write("in.mrc", mrc(sides, voxels(sides)))
        slow = ("--codec", "zstd:9", "--chunk", "32,32,32", "--shard", "32,32,32", "--levels", "2")
        process = self.start("cryoem", "import", "in.mrc", "d", "--threads", "1", *slow)
        deadline = time.monotonic() + 60
        while not any(name.startswith("0/") for name in self.tree("d")) and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=60), 130, process.stderr.read())
        self.assertIn("no dataset", self.fails(1, "info", "d"))
        self.ok("cryoem", "import", "--quiet", "--resume", "in.mrc", "d", *slow)
        self.ok("cryoem", "import", "--quiet", "in.mrc", "whole", *slow)
        arrays = [{name: data for name, data in self.tree(folder).items() if name[0].isdigit()} for folder in ("d", "whole")]
        self.assertEqual(*arrays)
        status, _, err = self.run_cnf("validate", "--deep", "d")
        self.assertEqual(status, 0, err)
        self.assertIn("0 warnings", err)


if __name__ == "__main__":
    unittest.main()
