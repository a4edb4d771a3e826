# SPDX-License-Identifier: Apache-2.0
"""One peer of volumes.py in a process of its own: reads boxes and says what each cost.

volumes_peer.py LIBRARY STORE, then a line "z y x depth height width" on standard input per box. Where the library can
write into memory that is there (TensorStore, h5py, mrcfile), it does, into memory that was touched before.
"""
import json
import sys
import time

import numpy as np


def slices(at, shape):
    return tuple(slice(begin, begin + length) for begin, length in zip(at, shape))


def tensorstore_reader(store):
    import tensorstore
    context = tensorstore.Context({"data_copy_concurrency": {"limit": 1}, "file_io_concurrency": {"limit": 1},
                                   "cache_pool": {"total_bytes_limit": 0}})
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": store}}
    array = tensorstore.open(spec, context=context, open=True).result()

    def read(at, shape, memory):
        tensorstore.array(memory, context=context).write(array[slices(at, shape)]).result()
        return memory

    return array.dtype.numpy_dtype, read


def zarr_reader(store):
    import zarr
    zarr.config.set({"async.concurrency": 1, "threading.max_workers": 1})
    array = zarr.open_array(store, mode="r")
    return array.dtype, lambda at, shape, memory: array[slices(at, shape)]


def zarrs_reader(store):
    import zarr
    import zarrs  # noqa: F401: registers the codec pipeline
    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline", "async.concurrency": 1,
                     "threading.max_workers": 1})
    array = zarr.open_array(store, mode="r")
    return array.dtype, lambda at, shape, memory: array[slices(at, shape)]


def h5py_reader(store):
    import h5py
    import hdf5plugin  # noqa: F401: registers Blosc
    data = h5py.File(store, "r")["data"]

    def read(at, shape, memory):
        data.read_direct(memory, slices(at, shape))
        return memory

    return data.dtype, read


def mrcfile_reader(store):
    import mrcfile
    data = mrcfile.mmap(store, permissive=True).data

    def read(at, shape, memory):
        memory[...] = data[slices(at, shape)]
        return memory

    return data.dtype, read


READERS = {"tensorstore": tensorstore_reader, "zarr-python": zarr_reader, "zarrs": zarrs_reader, "h5py": h5py_reader,
           "mrcfile": mrcfile_reader}


def main():
    dtype, read = READERS[sys.argv[1]](sys.argv[2])
    for line in sys.stdin:
        numbers = [int(word) for word in line.split()]
        memory = np.ones(numbers[3:], dtype)
        cpu, wall = time.process_time(), time.monotonic()
        values = read(numbers[:3], numbers[3:], memory)
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        # Python's sum takes no part of the time; answers are compared by it.
        print(json.dumps({"cpu": cpu, "wall": wall, "sum": int(np.sum(values, dtype=np.int64))}), flush=True)


if __name__ == "__main__":
    main()
