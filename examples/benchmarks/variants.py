# SPDX-License-Identifier: Apache-2.0
"""VCFS3 beside bcftools, SAV, plink2 and VCF Zarr: size, conversion, five queries from disk and from S3, the gates."""
import argparse
import dataclasses
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

import variants_gates
from measure import Run, S3Server, medians, print_table
from variants_data import COHORTS
from variants_peers import PEERS, QUERIES, Case, answers, figures_of, rounds_for, tree_bytes

CNF = os.path.abspath("build/release/cnf")
BCF = next(peer for peer in PEERS if peer.name.startswith("BCF"))
# The region of the queries, in bases; 100,000 samples print 450 kB a record.
REGION = {"sim100k": 5_000}
REAL = {"shp": "odelaneau__shapeit4/test/reference.vcf.gz", "hail": "hail-is__hail/hail/hail/test/resources/sample.vcf"}


def output(command):
    return subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True).stdout.strip()


def simulated(data, name, scale):
    """The case of a simulated cohort; a process of its own makes the data, for its memory would count as the peers'."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "variants_data.py")
    lines = output(shlex.join([sys.executable, script, "--data", data, "--scale", str(scale), name])).splitlines()
    paths = [line.split("\t")[0] for line in lines if "\t" in line]
    bcf = next(path for path in paths if path.endswith(".bcf"))
    text = next((path for path in paths if path.endswith(".vcf.gz")), None)
    records = int(output(f"bcftools index -n {bcf}"))
    middle = int(COHORTS[name].length * scale) // 2
    width = REGION.get(name, 100_000)
    contig, start, end = "22", middle, min(middle + width - 1, 2 * middle)
    rs_number = output(f"bcftools query -r {contig}:{end}- -f '%ID\\n' {bcf} | head -n 1")
    sample = f"S{COHORTS[name].samples // 2:06d}"
    return Case(name, bcf, text, not COHORTS[name].fields, contig, start, end, sample, rs_number, COHORTS[name].samples,
                records)


def real(folder, work, name):
    """The case of a real slice, compressed by bgzip where it is plain text; sizes alone are compared."""
    text = os.path.join(folder, REAL[name])
    if not text.endswith(".gz"):
        source, text = text, os.path.join(work, name + ".vcf.gz")
        if not os.path.exists(text):
            subprocess.run(["bash", "-c", f"bgzip -c {source} > {text}.part && mv {text}.part {text}"], check=True)
    header = output(f"gzip -dc {text} | grep '^#CHROM'").split("\t")
    records = int(output(f"gzip -dc {text} | grep -vc '^#'"))
    return Case(name, None, text, phased=name == "shp", samples=len(header) - 9, records=records)


def worst_real(folder, work, threads):
    """(ratio to its bgzip'd text, name, files) of the real file over 1 MB that shrinks least; None without the folder."""
    ratios = []
    for at, _, names in sorted(os.walk(folder)):
        for path in (os.path.join(at, name) for name in sorted(names)):
            if not path.endswith((".vcf", ".vcf.gz")) or os.path.getsize(path) <= 1_000_000:
                continue
            dataset = os.path.join(work, "large.vcfs3")
            Run([CNF, "vcfs3", "convert", "--quiet", "--overwrite", "-@", str(threads), path, dataset])
            Run([CNF, "gc", "--quiet", dataset])
            text = os.path.getsize(path) if path.endswith(".gz") else int(output(f"bgzip -c {shlex.quote(path)} | wc -c"))
            ratios.append((tree_bytes(dataset) / text, os.path.relpath(path, folder)))
    return (*max(ratios), len(ratios)) if ratios else None


def our_queries(case, dataset):
    view = f"{CNF} vcfs3 view -H"
    return {
        "a": f"{view} -s {case.sample} {dataset}",
        "b": f"{view} -r {case.region} {dataset}",
        "c": f"{view} -s {case.sample} -r {case.region} {dataset}",
        "d": f"{view} --id {case.rs_number} {dataset}",
        "e": f"{CNF} vcfs3 query -f '%POS\\n' {dataset}",
    }


class Ours:
    """The datasets of a case, and what making them cost."""

    VARIANTS = ("normal", "archive")

    def __init__(self, case, work, threads):
        self.case, self.work, self.threads, self.runs, self.paths = case, work, threads, {}, {}
        for name in self.VARIANTS:
            self.make(name, f"--profile {name}")

    def make(self, name, options):
        self.paths[name] = os.path.join(self.work, f"{self.case.name}-{name}.vcfs3")
        self.runs[name] = Run(f"{CNF} vcfs3 convert --quiet -@ {self.threads} {options} {self.case.source} {self.paths[name]}")

    def bytes(self, name="normal"):
        return tree_bytes(self.paths[name])

    def bits_per_genotype(self, chunk_samples):
        """Of the genotype tiles alone, at so many samples a tile."""
        name = f"{chunk_samples}-a-tile"
        self.make(name, f"--chunk-samples {chunk_samples}")
        with open(os.path.join(self.paths[name], "_metadata.json")) as file:
            stored = json.load(file)["custom"]["stored"]
        shutil.rmtree(self.paths[name])
        return 8 * stored["genotypes"] / self.case.samples / self.case.records


def metrics(command, env=None):
    """What `cnf --metrics` says of a command: its last line on stderr."""
    return json.loads(Run(answers(f"{command} --metrics"), env).errors.strip().splitlines()[-1])


def check_equal(case, dataset):
    """Each query answered by bcftools and by us: the same records, but for how bcftools prints numbers of the site."""
    theirs = BCF.queries(case, "")
    for letter, command in our_queries(case, dataset).items():
        digest = "| grep -v '^#' | cut -f 1-5,9- | sha256sum"
        if output(command + digest) != output(theirs[letter] + digest):
            raise SystemExit(f"{case.name}, query {letter}: answers differ\n  {command}\n  {theirs[letter]}")


def query_side_by_side(case, dataset, times):
    """{letter: {"cnf" | "bcf": (wall, CPU)}}: the two take turns."""
    found = {}
    theirs = BCF.queries(case, "")
    for letter, ours in our_queries(case, dataset).items():
        commands = {"cnf": answers(ours), "bcf": answers(theirs[letter])}
        runs = {name: [Run(command)] for name, command in commands.items()}
        for _ in range(rounds_for(runs["bcf"][0], times) - 1):
            for name, command in commands.items():
                runs[name].append(Run(command))
        found[letter] = {name: medians(of) for name, of in runs.items()}
    return found


def print_sizes(cases, ours, peers):
    rows = []
    for name in [peer.name for peer in PEERS]:
        cells = []
        for case in cases:
            figures = peers[case.name].get(name)
            if figures is None:
                cells.append("absent")
            elif "refused" in figures:
                cells.append("refused")
            else:
                cells.append(size_cell(figures["bytes"], case))
        rows.append([name, *cells])
    for variant in Ours.VARIANTS:
        rows.append([f"**VCFS3 {variant}**", *(size_cell(ours[case.name].bytes(variant), case) for case in cases)])
    print_table("Size: bytes (× vcf.gz; of sim100k × BCF)", ["", *(case.name for case in cases)], rows)


def size_cell(size, case):
    return f"{size:,} ({size / os.path.getsize(case.source):.3f})"


def cost_cell(wall, cpu, peak):
    return f"{wall:.1f} / {cpu:.1f} / {peak / 1e6:.0f}"


def print_conversion(cases, ours, peers):
    rows = []
    for peer in PEERS:
        if peer.make is None:
            continue
        figures = [peers[case.name].get(peer.name) for case in cases]
        rows.append([peer.name, *("" if not of or "cpu" not in of else cost_cell(of["wall"], of["cpu"], of["peak"])
                                  for of in figures)])
    for variant in Ours.VARIANTS:
        runs = [ours[case.name].runs[variant] for case in cases]
        rows.append([f"**VCFS3 {variant}**", *(cost_cell(run.wall, run.cpu, run.peak) for run in runs)])
    print_table("Conversion: wall seconds / CPU seconds / peak memory in MB", ["", *(case.name for case in cases)], rows)


def print_queries(case, live, peers, disk):
    def row(name, times, extra=()):
        cells = [f"{times[letter][0]:.3f} / {times[letter][1]:.3f}" if letter in times else "" for letter in QUERIES]
        return [name, *cells, *extra]

    rows = [row(peer.name, peers[peer.name]["queries"]) for peer in PEERS
            if peer is not BCF and "queries" in (peers.get(peer.name) or {})]
    rows.append(row(BCF.name, {letter: of["bcf"] for letter, of in live.items()}))
    rows.append(row("**VCFS3 normal**", {letter: of["cnf"] for letter, of in live.items()}))
    ratios = [f"{of['cnf'][0] / of['bcf'][0]:.2f} / {of['cnf'][1] / max(of['bcf'][1], 1e-3):.2f}" for of in live.values()]
    rows.append(["VCFS3 : BCF", *ratios])
    rows.append(["VCFS3, requests / bytes fetched", *(f"{disk[letter]['requests']['total']} / {disk[letter]['bytes_fetched']:,}"
                                                      for letter in QUERIES)])
    header = [f"{letter}: {what}" for letter, what in QUERIES.items()]
    print_table(f"{case.name}, disk: median wall / CPU seconds (region {case.region})", ["", *header], rows)


def on_wire(server, command, times):
    """(requests, bytes, median wall, the last run) of a command that finds no index in its folder."""
    runs = []
    while len(runs) < (rounds_for(runs[0], times) if runs else 1):
        server.proxy.reset()
        with tempfile.TemporaryDirectory() as empty:
            runs.append(Run(answers(f"cd {empty} && {command}"), server.env))
    return server.proxy.requests, server.proxy.bytes, sorted(run.wall for run in runs)[len(runs) // 2], runs[-1]


def queries_on_s3(case, dataset, zarr, work, times, latency):
    """{letter: metrics} of ours; prints what crossed the wire, for the peers that read from a bucket too."""
    found, rows = {}, []
    with S3Server(os.path.join(work, "s3")) as server:
        bucket = os.path.join(work, "s3", server.BUCKET)
        Run(f"{CNF} cp -r {dataset} s3://{server.BUCKET}/x.vcfs3", server.env)
        for suffix in ("", ".csi"):
            shutil.copy(case.bcf + suffix, os.path.join(bucket, "x.bcf" + suffix))
        if zarr:
            shutil.copytree(zarr, os.path.join(bucket, "zarr"))
        whole = server.presign("x.bcf")
        indexed = f"{whole}##idx##{server.presign('x.bcf.csi')}"
        server.proxy.latency = latency / 1000
        server.env["AWS_ALLOW_HTTP"] = "true"  # vcztools' obstore asks for it
        ours = our_queries(case, f"s3://{server.BUCKET}/x.vcfs3")
        for letter, what in QUERIES.items():
            url = f"'{indexed if letter in 'bc' else whole}'"
            theirs = BCF.queries(dataclasses.replace(case, bcf=url), "")[letter]
            commands = [f"{ours[letter]} --metrics", theirs]
            if zarr:
                query = PEERS[-1].queries(case, f"s3://{server.BUCKET}")[letter]
                commands.append(f"{query} --backend-storage obstore")
            row = [f"{letter}: {what}"]
            for command in commands:
                requests, size, wall, last = on_wire(server, command, times)
                row.append(f"{requests} / {size:,} / {wall * 1e3:.0f}")
                if command is commands[0]:
                    found[letter] = json.loads(last.errors.strip().splitlines()[-1])
            rows.append(row)
    print_table(f"{case.name}, S3 with {latency:.0f} ms latency, cold: requests / bytes on the wire / median wall ms",
                ["", "VCFS3", "BCF, bcftools, presigned http URL", *(["VCF Zarr, vcztools"] if zarr else [])], rows)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder for what is made once")
    parser.add_argument("--real", default=os.path.join(os.environ.get("CNF_SHARED_DATA", "../shared/data"), "real-vcf"),
                        help="folder with real slices (shp, hail)")
    parser.add_argument("--scale", type=float, default=1.0, help="of the simulated cohorts' lengths; 0.1 takes minutes")
    parser.add_argument("--cases", default=",".join([*REAL, *COHORTS]), help="which, by comma")
    parser.add_argument("--times", type=int, default=5, help="rounds; medians are printed")
    parser.add_argument("--threads", type=int, default=1, help="of cnf vcfs3 convert; the peers have one")
    parser.add_argument("--latency", type=float, default=30, help="of S3, in ms")
    parser.add_argument("--fresh", action="store_true", help="measure the peers again even where they were measured before")
    parser.add_argument("--peers-only", action="store_true", help="measure the peers alone, and keep their figures")
    args = parser.parse_args()
    data = os.path.abspath(args.data)
    names = args.cases.split(",")
    cases = []
    for name in names:
        if name in COHORTS:
            cases.append(simulated(data, name, args.scale))
        elif os.path.isdir(args.real):
            cases.append(real(args.real, data, name))
        else:
            print(f"{name}: absent, there is no {args.real}")
    kept = os.path.join(data, f"variants-peers-{args.scale:g}")
    peers = {}
    for case in cases:
        peers[case.name] = {peer.name: figures_of(peer, case, kept, args.times, args.fresh) for peer in PEERS}
        print(f"peers of {case.name}: measured", flush=True)
    for peer in PEERS:
        if not shutil.which(peer.program):
            print(f"{peer.name}: absent, there is no program {peer.program}")
    if args.peers_only:
        return
    with tempfile.TemporaryDirectory() as work:
        gates = variants_gates.Gates(full_length=args.scale == 1)
        ours = {}
        for case in cases:
            ours[case.name] = Ours(case, work, args.threads)
            gates.sizes(case, ours[case.name])
        print_sizes(cases, ours, peers)
        print_conversion(cases, ours, peers)
        for case in cases:
            if not case.rs_number:
                continue
            dataset = ours[case.name].paths["normal"]
            check_equal(case, dataset)
            live = query_side_by_side(case, dataset, args.times)
            disk = {letter: metrics(command) for letter, command in our_queries(case, dataset).items()}
            print_queries(case, live, peers[case.name], disk)
            gates.queries(case, ours[case.name], live, disk)
            if case.name == "sim2504":
                zarr = os.path.join(kept, case.name, "vcf2zarr", "zarr")
                gates.requests(case, queries_on_s3(case, dataset, zarr if os.path.isdir(zarr) else None, work, args.times,
                                                   args.latency))
        gates.real(worst_real(args.real, work, args.threads))
        gates.print()


if __name__ == "__main__":
    main()
