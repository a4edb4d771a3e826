# SPDX-License-Identifier: Apache-2.0
"""One peer of volumes.py writes the tomogram as Zarr v3 (HDF5) with blosc(lz4, 5, bitshuffle), one thread.

volumes_write.py LIBRARY TOMOGRAM STORE {slab,cube}
"""
import sys

import mrcfile
import numpy as np

CHUNK = {"slab": (32, 256, 256), "cube": (64, 64, 64)}
SHARD = {"slab": (128, 512, 512), "cube": (256, 256, 256)}


def tensorstore_write(voxels, store, tiles):
    import tensorstore
    blosc = {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "typesize": 2}}
    sharding = {"name": "sharding_indexed", "configuration": {
        "chunk_shape": CHUNK[tiles], "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, blosc]}}
    context = tensorstore.Context({"data_copy_concurrency": {"limit": 1}, "file_io_concurrency": {"limit": 1}})
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": store}, "metadata": {
        "shape": voxels.shape, "data_type": "int16", "codecs": [sharding],
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": SHARD[tiles]}}}}
    tensorstore.open(spec, create=True, context=context).result().write(np.asarray(voxels)).result()


def zarr_write(voxels, store, tiles):
    import zarr
    from zarr.codecs import BloscCodec
    zarr.config.set({"async.concurrency": 1, "threading.max_workers": 1})
    array = zarr.create_array(store, shape=voxels.shape, dtype="int16", chunks=CHUNK[tiles], shards=SHARD[tiles],
                              compressors=BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", typesize=2))
    for z in range(0, voxels.shape[0], SHARD[tiles][0]):
        array[z:z + SHARD[tiles][0]] = voxels[z:z + SHARD[tiles][0]]


def h5py_write(voxels, store, tiles):
    import h5py
    import hdf5plugin
    with h5py.File(store, "w") as file:
        data = file.create_dataset("data", voxels.shape, "int16", chunks=CHUNK[tiles],
                                   **hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=hdf5plugin.Blosc.BITSHUFFLE))
        for z in range(0, voxels.shape[0], CHUNK[tiles][0]):
            data[z:z + CHUNK[tiles][0]] = voxels[z:z + CHUNK[tiles][0]]


WRITERS = {"tensorstore": tensorstore_write, "zarr-python": zarr_write, "h5py": h5py_write}

if __name__ == "__main__":
    WRITERS[sys.argv[1]](mrcfile.mmap(sys.argv[2], permissive=True).data, sys.argv[3], sys.argv[4])
