# SPDX-License-Identifier: Apache-2.0
"""Volumes that `cnf cryoem import` writes, read by everybody else's programs (scripts/peers.sh).

Each volume is imported from a NumPy file and read whole by zarr-python, TensorStore, zarrs and z5py: the
same voxels as NumPy's, level by level the same in all of them. ome-zarr-models validates the group and
mrcfile the MRC file that is exported from it. Run by CNF_PEERS; without it all of it fails.
"""

import io
import os
import sys
import unittest

import numpy as np

sys.path.insert(0, os.path.join(os.environ["CNF_SOURCE_DIR"], "tests", "cli"))
from cnf_program import CnfTest  # noqa: E402

import mrcfile  # noqa: E402
import ome_zarr_models  # noqa: E402
import tensorstore  # noqa: E402
import z5py  # noqa: E402
import zarr  # noqa: E402
import zarrs  # noqa: E402


def voxels(dtype, shape, seed):
    """Values that compress as an image does: a slope, noise, and a part that is all zero."""
    random = np.random.default_rng(seed)
    values = sum(np.indices(shape)) + random.normal(0, 9, shape)
    values[: max(shape[0] // 2, 1), : shape[1] // 2] = 0
    if np.dtype(dtype).kind == "c":
        return (values + 1j * random.normal(0, 9, shape)).astype(dtype)
    if np.dtype(dtype).kind == "u":
        values = abs(values)
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        values = np.clip(values, limits.min, limits.max)
    return values.astype(dtype)


def read_zarr(root, path):
    with zarr.config.set({"codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline"}):
        return zarr.open_group(root, mode="r")[path][...]


def read_zarrs(root, path):
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        return zarr.open_array(os.path.join(root, path), mode="r")[...]


def read_tensorstore(root, path):
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": os.path.join(root, path)}}
    return tensorstore.open(spec, open=True).result().read().result()


def read_z5py(root, path):
    with z5py.File(root, "r") as file:
        return file[path][:]


READERS = {"zarr": read_zarr, "zarrs": read_zarrs, "tensorstore": read_tensorstore,
           "z5py": read_z5py}
# What z5 has not: half floats and complex numbers as they are in Zarr v3, and sums of chunks.
NOT_IN_Z5 = {"float16", "complex64"}


class PeersTest(CnfTest):
    def cnf(self, *args):
        status, _, err = self.run_cnf(*args)
        self.assertEqual(status, 0, (args, err))

    def import_volume(self, values, *options, name="v"):
        source = self.path(name + ".npy")
        np.save(source, values)
        target = self.path(name + ".zarr")
        self.cnf("cryoem", "import", source, target, *options)
        return target

    def levels(self, root):
        ome = zarr.open_group(root, mode="r").attrs["ome"]
        return [level["path"] for level in ome["multiscales"][0]["datasets"]]

    def check(self, root, values, without=(), model="image"):
        """Everybody reads the first level as it was, and of the others the same."""
        for number, path in enumerate(self.levels(root)):
            want = values if number == 0 else read_zarr(root, path)
            for name, read in READERS.items():
                if name in without:
                    continue
                got = np.asarray(read(root, path))
                with self.subTest(reader=name, level=path, dtype=str(values.dtype)):
                    self.assertEqual(got.dtype, values.dtype)
                    np.testing.assert_array_equal(got, want)
        if model is None:
            return
        valid = ome_zarr_models.open_ome_zarr(zarr.open_group(root, mode="r"))
        self.assertEqual(type(valid).__module__, "ome_zarr_models.v05." + model)

    def test_every_type_with_edges(self):
        for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float16", "float32",
                      "float64", "complex64"):
            values = voxels(dtype, (37, 50, 41), seed=1)
            without = {"z5py"} if dtype in NOT_IN_Z5 else set()
            root = self.import_volume(values, "--chunk", "16,16,16", "--shard", "32,32,32",
                                      name=dtype)
            self.check(root, values, without)

    def test_every_codec(self):
        for dtype in ("int16", "float32"):
            values = voxels(dtype, (33, 40, 47), seed=2)
            for codec in ("auto", "lz4", "zstd", "zstd:9", "none"):
                root = self.import_volume(values, "--chunk", "16,16,16", "--codec", codec,
                                          name=f"{dtype}-{codec.replace(':', '-')}")
                self.check(root, values)

    def test_sums_of_chunks(self):
        values = voxels("int16", (20, 20, 20), seed=3)
        root = self.import_volume(values, "--chunk", "8,8,8", "--checksum")
        self.check(root, values, without={"z5py"})

    def test_shapes(self):
        shapes = {"one_voxel": (1, 1, 1), "a_plane": (1, 70, 90), "thin": (3, 300, 2),
                  "slabs": (40, 300, 280), "exactly_one_chunk": (16, 16, 16),
                  "exactly_one_shard": (32, 32, 32), "one_more_than_a_shard": (33, 33, 33)}
        for name, shape in shapes.items():
            values = voxels("int16", shape, seed=4)
            options = () if name == "slabs" else ("--chunk", "16,16,16")
            with self.subTest(shape=name):
                self.check(self.import_volume(values, *options, name=name), values)

    def test_nothing_but_the_fill_value(self):
        values = np.zeros((20, 30, 40), "float32")
        self.check(self.import_volume(values, "--chunk", "16,16,16"), values)

    def test_numbers_that_are_none(self):
        values = voxels("float32", (20, 20, 20), seed=5)
        values[3, 4, 5], values[6, 7, 8], values[9] = np.nan, -np.inf, np.inf
        self.check(self.import_volume(values, "--chunk", "8,8,8"), values)

    def test_the_mean_of_eight(self):
        values = voxels("float32", (32, 32, 32), seed=6)
        root = self.import_volume(values, "--chunk", "8,8,8", "--levels", "2")
        want = values.astype("float64").reshape(16, 2, 16, 2, 16, 2).mean(axis=(1, 3, 5))
        path = self.levels(root)[1]
        np.testing.assert_array_equal(read_tensorstore(root, path), want.astype("float32"))

    def test_a_replaced_dataset(self):
        first = voxels("int16", (20, 20, 20), seed=7)
        root = self.import_volume(first, "--chunk", "8,8,8")
        second = voxels("int16", (24, 17, 30), seed=8)
        root = self.import_volume(second, "--chunk", "8,8,8", "--overwrite")
        self.check(root, second)

    def test_labels(self):
        values = voxels("int16", (20, 30, 40), seed=12)
        root = self.import_volume(values, "--chunk", "8,8,8")
        source = self.path("labels.npy")
        for number, options in enumerate(((), ("--overwrite",))):
            labels = voxels("uint8", (20, 30, 40), seed=13 + number)
            np.save(source, labels)
            self.cnf("cryoem", "import", source, root, "--label", "cells", *options)
            # From an image ome-zarr-models looks for arrays of its labels beside one another only, not in
            # the folder of their id where labels were replaced; opened by themselves they are valid.
            self.check(root, values, model="image" if number == 0 else None)
            group = zarr.open_group(root, mode="r")
            self.assertEqual(group["labels"].attrs["ome"]["labels"], ["cells"])
            path = os.path.join(root, "labels", "cells")
            self.check(path, labels, model="image_label")
            alone = zarr.open_group(path, mode="r").attrs["ome"]
            self.assertEqual(alone["image-label"]["source"]["image"], "../../")
            if number == 0:
                folder = zarr.open_group(os.path.join(root, "labels"), mode="r")
                model = ome_zarr_models.open_ome_zarr(folder)
                self.assertEqual(model.attributes.ome.labels, ["cells"])

    def test_a_copy(self):
        values = voxels("int16", (20, 30, 40), seed=9)
        root = self.import_volume(values, "--chunk", "8,8,8")
        copy = self.path("copy.zarr")
        self.cnf("copy", root, copy)
        self.check(copy, values)

    def test_what_mrcfile_says_of_an_export(self):
        for dtype in ("int8", "int16", "uint16", "float16", "float32", "complex64"):
            values = voxels(dtype, (20, 30, 41), seed=10)
            if dtype == "float16":
                values /= 64  # mrcfile adds squares up in float16
            root = self.import_volume(values, "--chunk", "16,16,16", name="mrc-" + dtype)
            exported = self.path(dtype + ".mrc")
            self.cnf("cryoem", "export", root, exported)
            with self.subTest(dtype=dtype):
                if dtype != "complex64":  # of which mrcfile takes the real part alone
                    report = io.StringIO()
                    self.assertTrue(mrcfile.validate(exported, print_file=report),
                                    report.getvalue())
                with mrcfile.open(exported) as file:
                    np.testing.assert_array_equal(file.data, values)

    def test_what_mrcfile_wrote(self):
        values = voxels("int16", (20, 30, 41), seed=11)
        source = self.path("source.mrc")
        with mrcfile.new(source) as file:
            file.set_data(values)
            file.voxel_size = (1.5, 2.5, 3.5)  # x, y, z
            file.set_extended_header(np.frombuffer(b"kept as it is".ljust(80), "V1"))
        root = self.path("mrc.zarr")
        self.cnf("cryoem", "import", source, root, "--chunk", "16,16,16")
        self.check(root, values)
        image = zarr.open_group(root, mode="r").attrs["ome"]["multiscales"][0]
        self.assertEqual([axis["unit"] for axis in image["axes"]], ["angstrom"] * 3)
        scale = image["datasets"][0]["coordinateTransformations"][0]["scale"]
        np.testing.assert_allclose(scale, [3.5, 2.5, 1.5], rtol=1e-6)
        exported = self.path("exported.mrc")
        self.cnf("cryoem", "export", root, exported)
        with open(source, "rb") as first, open(exported, "rb") as second:
            self.assertEqual(first.read(), second.read(), "not byte by byte the same")


if __name__ == "__main__":
    unittest.main()
