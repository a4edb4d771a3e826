# SPDX-License-Identifier: Apache-2.0
"""BAMS3 beside samtools on BAM and CRAM: conversion, size, counts, regions from disk and from S3."""
import argparse
import os
import random
import shutil
import subprocess
import tempfile

from measure import Run, S3Server, print_table, side_by_side

CNF = os.path.abspath("build/release/cnf")
REGIONS = {"1 kb": "chr1:1000001-1001000", "100 kb": "chr1:1000001-1100000", "1 Mb": "chr1:1000001-2000000"}


def make_data(folder, coverage):
    """A random genome of 4 Mb, 150-bp HS25 pairs by ART, aligned by bwa; the same bytes every time."""
    os.makedirs(folder, exist_ok=True)
    bam = os.path.join(folder, f"sim-{coverage}x.bam")
    if os.path.exists(bam + ".bai"):
        return bam
    print(f"making {bam} (once)", flush=True)
    generator = random.Random(7)
    with open(os.path.join(folder, "ref.fa"), "w") as fasta:
        for name, length in (("chr1", 2_500_000), ("chr2", 1_500_000), ("chrM", 16_569)):
            bases = "".join(generator.choices("ACGT", k=length))
            fasta.write(f">{name}\n" + "".join(bases[i:i + 80] + "\n" for i in range(0, length, 80)))
    script = f"""
      set -euo pipefail
      art_illumina -q -rs 7 -ss HS25 -p -l 150 -f {coverage} -m 400 -s 50 -na -i ref.fa -o reads >/dev/null
      bwa index ref.fa 2>/dev/null
      bwa mem -t 2 -R '@RG\\tID:A\\tSM:sim' ref.fa reads1.fq reads2.fq 2>/dev/null |
        samtools sort -@ 1 --no-PG -o {bam}.part - 2>/dev/null
      mv {bam}.part {bam}
      samtools index {bam}
      rm -f reads1.fq reads2.fq"""
    subprocess.run(["bash", "-c", script], cwd=folder, check=True)
    return bam


def tree_bytes(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


def ratio_row(name, ours, theirs):
    return [name, f"{ours[0]:.2f} / {ours[1]:.2f}", f"{theirs[0]:.2f} / {theirs[1]:.2f}",
            f"{ours[0] / theirs[0]:.2f} / {ours[1] / max(theirs[1], 1e-3):.2f}"]


def conversion(bam, work, times, threads):
    dataset = os.path.join(work, "sim.bams3")
    result = side_by_side({
        "cnf": f"{CNF} bams3 convert --overwrite --quiet -@ {threads} {bam} {dataset} && {CNF} gc --quiet {dataset}",
        "samtools": f"samtools view -b -@ {threads} {bam} -o {work}/again.bam",
        "export": f"{CNF} bams3 export -@ {threads} --overwrite {dataset} {work}/export.bam",
    }, times)
    print_table(f"Conversion, {threads} threads: median wall / CPU seconds", ["", "cnf", "samtools view -b", "ratio"],
                [ratio_row("BAM → BAMS3", result["cnf"], result["samtools"]),
                 ratio_row("BAMS3 → BAM", result["export"], result["samtools"])])
    return dataset


def sizes(bam, dataset, work):
    reference = os.path.join(os.path.dirname(bam), "ref.fa")
    peers = {
        "BAM": os.path.getsize(bam),
        "BAMS3": tree_bytes(dataset),
        "CRAM 3.1, no reference": (f"samtools view -C -@ 2 --output-fmt-option version=3.1 --output-fmt-option no_ref=1", None),
        "CRAM 3.1, with the reference": (f"samtools view -C -@ 2 --output-fmt-option version=3.1 -T {reference}", None),
    }
    rows = []
    for name, value in peers.items():
        if isinstance(value, tuple):
            Run(f"{value[0]} {bam} -o {work}/size.cram")
            value = os.path.getsize(f"{work}/size.cram")
        rows.append([name, f"{value:,}", f"{value / peers['BAM']:.3f}"])
    print_table("Size", ["", "bytes", "× BAM"], rows)


def whole_file(bam, dataset, times):
    rows = []
    for verb, theirs in (("flagstat", "samtools flagstat"), ("view -c", "samtools view -c")):
        result = side_by_side({"cnf": f"{CNF} bams3 {verb} {dataset}", "samtools": f"{theirs} {bam}"}, times)
        assert result["cnf"][2] == result["samtools"][2], f"{verb}: answers differ"
        rows.append(ratio_row(verb, result["cnf"], result["samtools"]))
    print_table("Whole file: median wall / CPU seconds", ["", "cnf", "samtools", "ratio"], rows)


def regions_on_disk(bam, dataset, times):
    rows = []
    for name, region in REGIONS.items():
        result = side_by_side({"cnf": f"{CNF} bams3 view -c {dataset} {region}",
                               "samtools": f"samtools view -c {bam} {region}"}, times)
        assert result["cnf"][2] == result["samtools"][2], f"{region}: answers differ"
        rows.append([name, f"{result['cnf'][0] * 1e3:.0f}", f"{result['samtools'][0] * 1e3:.0f}",
                     f"{result['cnf'][0] / result['samtools'][0]:.2f}"])
    print_table("view -c of a region, disk: median wall milliseconds", ["", "cnf", "samtools", "ratio"], rows)


def regions_on_s3(bam, work, times):
    with S3Server(os.path.join(work, "s3")) as server:
        Run(f"{CNF} bams3 convert --quiet {bam} s3://bench/sim.bams3", server.env)
        for suffix in ("", ".bai"):
            shutil.copy(bam + suffix, os.path.join(work, "s3", "bench", "sim.bam" + suffix))
        url = f"{server.presign('sim.bam')}##idx##{server.presign('sim.bam.bai')}"
        rows = []
        for what, options in (("count", "-c"), ("records", "")):
            for name, region in REGIONS.items():
                row = [f"{what}, {name}"]
                for command in (f"{CNF} bams3 view {options} s3://bench/sim.bams3 {region}",
                                f"samtools view {options} '{url}' {region}"):
                    runs = []
                    for _ in range(times):
                        server.proxy.reset()
                        # samtools keeps a copy of a remote index in the folder it runs in: a cold query has none
                        with tempfile.TemporaryDirectory() as empty:
                            runs.append(Run(f"cd {empty} && {command}", server.env))
                    wall = sorted(run.wall for run in runs)[len(runs) // 2]
                    row.append(f"{server.proxy.requests} / {server.proxy.bytes:,} / {wall * 1e3:.0f}")
                rows.append(row)
        print_table("Regions over S3, cold: requests / bytes on the wire / median wall milliseconds",
                    ["", "cnf, s3://", "samtools, presigned http URL"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder for what is made once")
    parser.add_argument("--coverage", type=int, default=25, help="of the simulated genome (25: 669,400 reads)")
    parser.add_argument("--times", type=int, default=5, help="rounds; medians are printed")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    bam = make_data(os.path.abspath(args.data), args.coverage)
    with tempfile.TemporaryDirectory() as work:
        dataset = conversion(bam, work, args.times, args.threads)
        sizes(bam, dataset, work)
        whole_file(bam, dataset, args.times)
        regions_on_disk(bam, dataset, args.times)
        regions_on_s3(bam, work, args.times)


if __name__ == "__main__":
    main()
