# SPDX-License-Identifier: Apache-2.0
"""cnf cryoem points and extract: lists in a dataset, boxes around particles."""

import array
import json
import random
import struct
import unittest

from cnf_program import CnfTest
from cryoem_files import box, mrc, voxels

SIDES = (80, 70, 60)  # x, y, z
HEAD = ("# version 30001\n\ndata_particles\n\nloop_ \n_rlnTomoName #1 \n_rlnCoordinateX #2 \n"
        "_rlnCoordinateY #3 \n_rlnCoordinateZ #4 \n_rlnAngleRot #5 \n")


def places(count, seed=7):
    dice = random.Random(seed)
    return [tuple(dice.randrange(side * 4 - 2) / 4 for side in SIDES) for _ in range(count)]


def star(particles):
    rows = "".join(f"  TS_{i % 2}  {x}  {y} {z}   1.5 \n" for i, (x, y, z) in enumerate(particles))
    return HEAD + rows + " \n"


def nearest(at):
    return [int(value + 0.5) for value in at]  # of what is not below 0


class PointsTest(CnfTest):
    def setUp(self):
        super().setUp()
        self.values = voxels(SIDES)
        self.write("in.mrc", mrc(SIDES, self.values))
        self.ok("cryoem", "import", "--quiet", "in.mrc", "d")

    def add(self, text, *options, name="p.star"):
        self.write(name, text.encode())
        return self.ok("cryoem", "points", "--quiet", "d", "add", name, *options)

    def query(self, *options):
        return self.ok("cryoem", "points", "d", "query", *options)


class ListTest(PointsTest):
    def test_a_list_comes_back_as_it_was(self):
        text = star(places(50))
        self.add(text)
        self.assertEqual(self.query(), text)
        self.assertEqual(self.ok("cryoem", "points", "d", "list"), "particles\n")

    def test_a_box_is_asked_for(self):
        particles = places(300)
        self.add(star(particles), "--name", "ribosomes")
        found = self.query("--name", "ribosomes", "--box", "10,20,30,30,20,10")
        wanted = [i for i, at in enumerate(particles)
                  if all(first - 0.5 <= c < first + size - 0.5
                         for c, first, size in zip(at, (10, 20, 30), (30, 20, 10)))]
        self.assertTrue(wanted)
        lines = star(particles)[len(HEAD):].splitlines(keepends=True)
        self.assertEqual(found, HEAD + "".join(lines[i] for i in wanted) + " \n")
        answer = json.loads(self.query("--name", "ribosomes", "--box", "10,20,30,30,20,10", "--json"))
        self.assertEqual([(p["x"], p["y"], p["z"]) for p in answer["points"]],
                         [particles[i] for i in wanted])
        self.assertEqual(answer["points"][0]["tomogram"], f"TS_{wanted[0] % 2}")

    def test_nothing_there_is_said(self):
        self.add(star([(5, 5, 5)]))
        status, out, err = self.run_cnf("cryoem", "points", "d", "query", "--box", "50,50,50,5,5,5")
        self.assertNotEqual(status, 0)
        self.assertIn("no particle lies there", err)

    def test_points_of_the_portal(self):
        text = '{"type":"point","location":{"x":1,"y":2,"z":3}}\n{"location":{"x":4,"y":5,"z":6}}\n'
        self.add(text, name="p.ndjson")
        self.assertEqual(self.query(), text)

    def test_pixels_of_another_size(self):
        # The volume's voxels are 7.84 angstroms.
        self.add(star([(40, 40, 40)]), "--pixel-size", "1.96")
        point = json.loads(self.query("--json"))["points"][0]
        for axis in "xyz":
            self.assertAlmostEqual(point[axis], 10, 5)

    def test_replacing_is_asked_for(self):
        self.add(star(places(3)))
        self.write("q.star", star(places(2)).encode())
        why = self.fails(1, "cryoem", "points", "d", "add", "q.star")
        self.assertIn("there are points 'particles' already", why)
        self.ok("cryoem", "points", "--quiet", "--overwrite", "d", "add", "q.star")
        self.assertEqual(self.query(), star(places(2)))

    def test_the_dataset_stays_sound(self):
        self.add(star(places(30)))
        self.add(star(places(30)), "--overwrite")
        self.ok("validate", "--quiet", "d")
        before = self.tree("d")
        self.ok("gc", "--quiet", "d")
        gone = set(before) - set(self.tree("d"))
        self.assertEqual(len(gone), 3, gone)
        self.assertEqual(self.query(), star(places(30)))

    def test_what_is_wrong_is_said(self):
        self.write("bad.star", b"data_\nloop_\n_rlnCoordinateX\n1\n")
        self.assertIn("no column rlnCoordinateY",
                      self.fails(1, "cryoem", "points", "d", "add", "bad.star"))
        self.assertIn("add, query or list", self.fails(2, "cryoem", "points", "d", "drop"))
        self.assertIn("there are no points 'x'",
                      self.fails(1, "cryoem", "points", "d", "query", "--name", "x"))


class ExtractTest(PointsTest):
    def stack(self, name, kind):
        data = self.read(name)
        return data[:1024], array.array(kind, data[1024:])

    def test_boxes_are_what_a_slice_of_the_file_is(self):
        inside = [at for at in places(200) if all(8 <= v < side - 8 for v, side in zip(nearest(at), SIDES))]
        self.write("p.star", star(inside).encode())
        self.ok("cryoem", "extract", "--quiet", "d", "p.star", "--box-size", "16", "-o", "out/s.mrcs")
        head, values = self.stack("out/s.mrcs", "h")
        self.assertEqual(struct.unpack_from("<4i", head), (16, 16, 16 * len(inside), 1))
        self.assertEqual(struct.unpack_from("<i", head, 88), (401,))
        want = b"".join(box(self.values, SIDES, [v - 8 for v in nearest(at)], (16, 16, 16)) for at in inside)
        self.assertEqual(values.tobytes(), want)
        listed = self.read("out/s.star").decode()
        self.assertEqual(listed.count("@s.mrcs\n") + listed.count("@s.mrcs\t"), len(inside))
        self.assertIn("_rlnAngleRot #2\n", listed)
        # The list of boxes is a list of the same particles.
        self.add(listed, name="again.star")
        points = json.loads(self.query("--json"))["points"]
        for point, at in zip(points, inside, strict=True):
            for axis, value in zip("xyz", at):
                self.assertAlmostEqual(point[axis], value, 4)

    def test_particles_of_the_dataset(self):
        self.add(star(places(40)), "--name", "a")
        report = self.ok_json("cryoem", "extract", "--quiet", "d", "--points", "a", "--box", "0,0,0,80,70,30",
                              "--box-size", "8", "-o", "s.mrcs")
        count = sum(at[2] < 29.5 for at in places(40))
        self.assertEqual(report["boxes"], count)
        self.assertEqual(len(self.stack("s.mrcs", "h")[1]), count * 512)

    def test_padding(self):
        self.write("p.star", star([(0, 0, 0), (40, 40, 30)]).encode())
        arguments = ("cryoem", "extract", "--quiet", "d", "p.star", "--box-size", "4", "-o", "s.mrcs")
        self.ok(*arguments, "--fill", "-3")
        values = self.stack("s.mrcs", "h")[1]
        self.assertEqual(values[0], -3)
        self.assertEqual(values[42], self.values[0])
        self.assertEqual(self.ok_json(*arguments, "--pad", "skip")["skipped"], 1)
        self.ok(*arguments, "--pad", "mean", "--normalise", "--invert")
        first = self.stack("s.mrcs", "f")[1][:64]
        self.assertAlmostEqual(sum(first), 0, 4)
        self.assertEqual(first[0], 0)

    def test_binning_takes_a_level_or_averages(self):
        self.write("p.star", star([(40.5, 40.5, 30.5)]).encode())
        arguments = ("cryoem", "extract", "--quiet", "d", "p.star", "--box-size", "4", "-o", "s.mrcs", "--bin", "2")
        self.ok(*arguments, "--exact")
        middle = self.stack("s.mrcs", "f")[1][42]
        cells = array.array("h", box(self.values, SIDES, (40, 40, 30), (2, 2, 2)))
        self.assertAlmostEqual(middle, sum(cells) / 8, 4)
        self.ok(*arguments)
        self.assertIn(self.stack("s.mrcs", "b")[0][12:13], (b"\x01", b"\x02"))
        self.assertIn("15.680000", self.read("s.star").decode())

    def test_zarr_boxes(self):
        self.write("p.star", star(places(5)).encode())
        self.ok("cryoem", "extract", "--quiet", "d", "p.star", "--box-size", "8", "-o", "s.zarr")
        metadata = json.loads(self.read("s.zarr/zarr.json"))
        self.assertEqual(metadata["shape"], [5, 8, 8, 8])
        self.assertIn("000005@s.zarr", self.read("s.star").decode())

    def test_what_is_wrong_is_said(self):
        self.write("p.star", star([(500, 5, 5)]).encode())
        base = ("cryoem", "extract", "d")
        self.assertIn("which particles", self.fails(2, *base, "--box-size", "8", "-o", "s.mrcs"))
        self.assertIn("how large", self.fails(2, *base, "p.star", "-o", "s.mrcs"))
        self.assertIn("boxes need a place", self.fails(2, *base, "p.star", "--box-size", "8"))
        why = self.fails(1, *base, "p.star", "--box-size", "8", "-o", "s.mrcs")
        self.assertIn("particle 1 at (500, 5, 5) lies outside of its 80 x 70 x 60", why)
        self.assertIn("the name tells no format", self.fails(1, *base, "p.star", "--box-size", "8", "-o", "s.tif"))
        self.assertFalse(any(name.startswith("s.") for name in self.tree()))

    def test_explain_reads_nothing(self):
        self.write("p.star", star(places(20)).encode())
        out = self.ok("cryoem", "extract", "--explain", "d", "p.star", "--box-size", "8")
        self.assertIn("1 request", out)
        self.assertEqual(self.tree().keys() & {"s.mrcs", "s.star"}, set())


if __name__ == "__main__":
    unittest.main()
