# SPDX-License-Identifier: Apache-2.0
"""CryoEM beside TensorStore, zarr-python, zarrs, h5py and mrcfile: writing, boxes and slices from disk and from S3."""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

from measure import Run, S3Server, medians, print_table
from volumes_data import SHAPE, tomogram
from volumes_write import CHUNK, SHARD, WRITERS

HERE = os.path.dirname(os.path.abspath(__file__))
CNF = os.path.abspath("build/release/cnf")
READ_VOLUME = os.path.abspath("build/release/read_volume")
ZARR_PEERS = ("tensorstore", "zarr-python", "zarrs")
# Figures promised for CPU time against TensorStore, by tiles and case (formats' contract, one core).
GATES = {("slab", "all voxels"): 0.66, ("cube", "256³ box"): 0.33, ("slab", "z slice"): 0.05,
         ("cube", "x slice"): 0.5, ("cube", "random 64³ boxes"): 0.35}
SECONDS_OF_IMPORT = 1.6  # CPU, with pyramid and statistics


def xyz(shape):
    return ",".join(str(length) for length in reversed(shape))


def cases():
    """{name: boxes (z, y, x, depth, height, width)}, the same for everybody."""
    generator = random.Random(7)
    middle = [length // 2 for length in SHAPE]
    box = [min(256, length) for length in SHAPE]
    at = [(length - side) // 2 + 5 for length, side in zip(SHAPE, box)]
    return {
        "all voxels": [(0, 0, 0, *SHAPE)],
        "256³ box": [(*at, *box)],
        "z slice": [(middle[0], 0, 0, 1, *SHAPE[1:])],
        "y slice": [(0, middle[1], 0, SHAPE[0], 1, SHAPE[2])],
        "x slice": [(0, 0, middle[2], *SHAPE[:2], 1)],
        "random 64³ boxes": [(*(generator.randrange(length - 64) for length in SHAPE), 64, 64, 64) for _ in range(40)],
    }


class Reader:
    """A process that reads boxes, one at a time."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, RAYON_NUM_THREADS="1", OMP_NUM_THREADS="1"))

    def read(self, box):
        self.process.stdin.write(" ".join(map(str, box)) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def peer(library, store):
    return Reader([sys.executable, os.path.join(HERE, "volumes_peer.py"), library, store])


def read_side_by_side(readers, times):
    """{case: {reader: (median CPU, median wall)}}; all give the same voxels, and take turns."""
    found = {}
    for name, boxes in cases().items():
        sums, figures = {}, {reader: [] for reader in readers}
        for i in range(times if len(boxes) == 1 else 1):
            for box in boxes:
                for reader, process in readers.items():
                    answer = process.read(box)
                    figures[reader].append(answer)
                    if sums.setdefault(box, answer["sum"]) != answer["sum"]:
                        raise SystemExit(f"{reader}, {name}, {box}: other voxels than the first reader's")
        found[name] = {reader: tuple(statistics.median(one[key] for one in of) for key in ("cpu", "wall"))
                       for reader, of in figures.items()}
    return found


def tree_bytes(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(path) for name in names)


def import_command(source, store, tiles=None, *options, threads=1):
    chunks = ["--chunk", xyz(CHUNK[tiles]), "--shard", xyz(SHARD[tiles])] if tiles else []
    return [CNF, "cryoem", "import", "--quiet", "--overwrite", "--threads", str(threads), *chunks, *options, source, store]


def write_side_by_side(source, work, times):
    """Stores by (writer, tiles), and rows of what writing them cost. The peers hold the input mapped, as we do."""
    stores, rows, cpu = {}, [], {}
    for tiles in CHUNK:
        runs = {}
        for _ in range(times):
            for writer in ("cnf", *WRITERS):
                store = stores[writer, tiles] = os.path.join(work, f"{writer}-{tiles}")
                shutil.rmtree(store, ignore_errors=True)
                if os.path.isfile(store):
                    os.remove(store)
                command = (import_command(source, store, tiles, "--levels", "1") if writer == "cnf" else
                           [sys.executable, os.path.join(HERE, "volumes_write.py"), writer, source, store, tiles])
                runs.setdefault(writer, []).append(Run(command))
        for writer, of in runs.items():
            wall, used = medians(of)
            cpu[writer, tiles] = used
            rows.append([f"{writer}, {tiles}", f"{wall:.2f}", f"{used:.2f}", f"{max(run.peak for run in of) / 1e6:.0f}",
                         f"{tree_bytes(stores[writer, tiles]):,}"])
    whole = []
    for _ in range(times):
        store = stores["cnf", "default"] = os.path.join(work, "default")
        shutil.rmtree(store, ignore_errors=True)
        whole.append(Run(import_command(source, store)))
    wall, used = medians(whole)
    rows.append(["**cnf, all levels and statistics**", f"{wall:.2f}", f"{used:.2f}",
                 f"{max(run.peak for run in whole) / 1e6:.0f}", f"{tree_bytes(store):,}"])
    print_table("Writing 891 MB of int16, one thread (peak includes the mapped input)",
                ["", "wall s", "CPU s", "peak MB", "bytes"], rows)
    return stores, cpu, used


def print_reads(tiles, found, readers):
    rows = []
    for name, of in found.items():
        cells = [f"{of[reader][0] * 1e3:.1f} / {of[reader][1] * 1e3:.1f}" for reader in readers]
        rows.append([name, *cells, f"{of['cnf'][0] / of['tensorstore'][0]:.3f}"])
    print_table(f"Reading, {tiles} tiles {CHUNK[tiles]} in shards {SHARD[tiles]}: CPU / wall ms, one thread, into memory "
                "that was touched (zarr-python and zarrs make their own)", ["", *readers, "cnf : TensorStore, CPU"], rows)


def print_gates(found, cpu, seconds):
    rows = []

    def gate(what, value, limit):
        rows.append([what, f"{value:.3f}", f"{limit:g}", "met" if value <= limit else f"missed by {100 * (value / limit - 1):.0f} %"])

    for (tiles, name), limit in GATES.items():
        of = found[tiles][name]
        gate(f"{name}, {tiles}: CPU × TensorStore", of["cnf"][0] / of["tensorstore"][0], limit)
    for tiles in CHUNK:
        gate(f"sharded write, {tiles}: CPU × TensorStore", cpu["cnf", tiles] / cpu["tensorstore", tiles], 0.45)
    gate("import with pyramid and statistics: CPU s", seconds, SECONDS_OF_IMPORT)
    print_table("What was promised", ["", "measured", "at most", ""], rows)


S3_PEER = """
import json, os, sys, time
import numpy as np
library, url, endpoint, bucket, path = sys.argv[1:6]
if library == "tensorstore":
    import tensorstore
    array = tensorstore.open({"driver": "zarr3", "kvstore": {
        "driver": "s3", "bucket": bucket, "path": path, "endpoint": endpoint, "aws_region": "us-east-1",
        "aws_credentials": {"type": "environment"}}}, open=True).result()
    def read_all(boxes):
        for i in range(0, len(boxes), 200):  # 200 boxes at once are 100 MB
            with tensorstore.Batch() as batch:
                found = [array[tuple(slice(a, a + s) for a, s in zip(box[:3], box[3:]))].read(batch=batch)
                         for box in boxes[i:i + 200]]
            for one in found:
                one.result()
else:
    import zarr
    from obstore.store import S3Store
    from zarr.storage import ObjectStore
    store = S3Store(bucket, prefix=path, endpoint=endpoint, region="us-east-1", client_options={"allow_http": True},
                    virtual_hosted_style_request=False)
    array = zarr.open_array(ObjectStore(store), mode="r")
    def read_all(boxes):
        for box in boxes:
            array[tuple(slice(a, a + s) for a, s in zip(box[:3], box[3:]))]
read_all([json.loads(line) for line in sys.stdin])
"""


def s3_peer(server, library, path, boxes, work):
    """(requests, bytes, seconds) of a cold process of a peer, its start included as ours is."""
    script = os.path.join(work, "s3_peer.py")
    with open(script, "w") as file:
        file.write(S3_PEER)
    listing = os.path.join(work, "boxes")
    with open(listing, "w") as file:
        file.writelines(json.dumps(box) + "\n" for box in boxes)
    command = f"{sys.executable} {script} {library} x {server.endpoint} {server.BUCKET} {path} < {listing}"
    server.proxy.reset()
    run = Run(command, server.env)
    return server.proxy.requests, server.proxy.bytes, run.wall


def on_s3(source_star, stores, work, latency, particles):
    rows = []
    with open(source_star) as file:
        places = [[int(word) for word in line.split()] for line in file if line[:1].isdigit()][:particles]
    star = os.path.join(work, "some.star")
    with open(source_star) as file, open(star, "w") as out:
        out.writelines(line for i, line in enumerate(file) if i < 7 + particles)
    inside = [[z - 32, y - 32, x - 32, 64, 64, 64] for x, y, z in places
              if all(32 <= at <= length - 32 for at, length in zip((z, y, x), SHAPE))]
    questions = {name: boxes for name, boxes in cases().items() if name in ("256³ box", "z slice")}
    with S3Server(os.path.join(work, "s3")) as server:
        for tiles in (*CHUNK, "default"):
            Run([CNF, "cp", "-r", stores["cnf", tiles], f"s3://{server.BUCKET}/{tiles}"], server.env)
        server.proxy.latency = latency / 1000
        for tiles, name in (("cube", "256³ box"), ("slab", "z slice"), ("default", "particles")):
            uri = f"s3://{server.BUCKET}/{tiles}"
            if name == "particles":
                command = [CNF, "cryoem", "extract", "--quiet", uri, star, "--box-size", "64", "-o",
                           os.path.join(work, "stack.mrcs")]
                boxes = inside
            else:
                boxes = questions[name]
                box = boxes[0]
                command = [CNF, "cryoem", "query", "--quiet", uri, "--box", ",".join(map(str, (*box[2::-1], *box[:2:-1]))),
                           "-o", os.path.join(work, "box.raw")]
            server.proxy.reset()
            run = Run(command, server.env)
            cells = [f"{server.proxy.requests} / {server.proxy.bytes / 1e6:.1f} / {run.wall:.2f}"]
            for library in ("tensorstore", "zarr-python"):
                if name == "particles" and library == "zarr-python":
                    cells.append("")
                    continue
                requests, size, wall = s3_peer(server, library, f"{tiles}/0/", boxes, work)
                cells.append(f"{requests} / {size / 1e6:.1f} / {wall:.2f}")
            rows.append([f"{len(places):,} particles of 64³, {tiles} import" if name == "particles" else f"{name}, {tiles}", *cells])
    print_table(f"S3 with {latency:.0f} ms latency, cold: requests / MB on the wire / s, start of the program included",
                ["", "cnf", "TensorStore (particles: 200 a Batch)", "zarr-python, obstore"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder for what is made once")
    parser.add_argument("--times", type=int, default=5, help="rounds; medians are printed")
    parser.add_argument("--latency", type=float, default=20, help="of S3, in ms")
    parser.add_argument("--particles", type=int, default=10_000, help="how many of the 10,000 are extracted from S3")
    parser.add_argument("--skip", default="", help="parts to leave out, by comma: reads, s3")
    args = parser.parse_args()
    source, star = tomogram(os.path.join(os.path.abspath(args.data), "volumes"))
    with tempfile.TemporaryDirectory() as work:
        stores, cpu, seconds = write_side_by_side(source, work, args.times)
        if "reads" not in args.skip:
            found = {}
            for tiles in CHUNK:
                level = os.path.join(stores["cnf", tiles], "0")
                readers = {"cnf": Reader([READ_VOLUME, level, "1"]), **{name: peer(name, level) for name in ZARR_PEERS},
                           "h5py": peer("h5py", stores["h5py", tiles]), "mrcfile": peer("mrcfile", source)}
                found[tiles] = read_side_by_side(readers, args.times)
                print_reads(tiles, found[tiles], list(readers))
                for process in readers.values():
                    process.close()
            print_gates(found, cpu, seconds)
        if "s3" not in args.skip:
            on_s3(star, stores, work, args.latency, args.particles)


if __name__ == "__main__":
    main()
