# SPDX-License-Identifier: Apache-2.0
"""The peers of the variants benchmark: how each makes its file, asks the five queries, and how large it is."""
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field

from measure import Failed, Run, medians

QUERIES = {
    "a": "one sample, all records",
    "b": "a region, all samples",
    "c": "one sample, a region",
    "d": "one rs number",
    "e": "the POS column",
}


@dataclass(frozen=True)
class Case:
    """One cohort, the forms of it that are there, and what is asked of it."""
    name: str
    bcf: str | None
    vcf_gz: str | None
    phased: bool = True
    contig: str = ""
    start: int = 0  # of the region asked for, 1-based, both ends included
    end: int = 0
    sample: str = ""
    rs_number: str = ""
    samples: int = 0
    records: int = 0

    @property
    def source(self):
        """What is converted: the text where there is one."""
        return self.vcf_gz or self.bcf

    @property
    def region(self):
        return f"{self.contig}:{self.start}-{self.end}"


def tree_bytes(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(path) for name in names)


def file_count(path):
    return sum(len(names) for _, _, names in os.walk(path)) if os.path.isdir(path) else 1


def bcftools_queries(path):
    def queries(case, _):
        # -I: the others do not rewrite AC and AN for a subset of the samples either.
        return {
            "a": f"bcftools view -I -H -s {case.sample} {path(case)}",
            "b": f"bcftools view -H -r {case.region} {path(case)}",
            "c": f"bcftools view -I -H -s {case.sample} -r {case.region} {path(case)}",
            "d": f"bcftools view -H -i 'ID=\"{case.rs_number}\"' {path(case)}",
            "e": f"bcftools query -f '%POS\\n' {path(case)}",
        }
    return queries


def zarr_queries(case, at):
    return {
        "a": f"vcztools view -I -H -s {case.sample} {at}/zarr",
        "b": f"vcztools view -H -r {case.region} {at}/zarr",
        "c": f"vcztools view -I -H -s {case.sample} -r {case.region} {at}/zarr",
        "d": f"vcztools view -H -i 'ID=\"{case.rs_number}\"' {at}/zarr",
        "e": f"vcztools query -f '%POS\\n' {at}/zarr",
    }


def sav_queries(case, at):
    return {
        "a": f"sav export --update-info never -i {case.sample} {at}/x.sav",
        "b": f"sav export -r {case.region} {at}/x.sav",
        "c": f"sav export --update-info never -i {case.sample} -r {case.region} {at}/x.sav",
    }


def plink_queries(case, at):
    export = f"plink2 --silent --pfile {at}/x --export vcf-4.2 --out {at}/answer"
    region = f"--chr {case.contig} --from-bp {case.start} --to-bp {case.end}"
    keep = f"--keep {at}/keep.txt"
    return {
        "a": f"echo {case.sample} > {at}/keep.txt && {export} {keep}",
        "b": f"{export} {region}",
        "c": f"echo {case.sample} > {at}/keep.txt && {export} {keep} {region}",
        "d": f"{export} --snp {case.rs_number}",
    }


@dataclass(frozen=True)
class Peer:
    name: str
    program: str
    version: str  # a command
    make: object  # (case, folder) -> command
    made: tuple  # names of what `make` leaves in the folder; none: it reads the source itself
    queries: object  # (case, folder) -> {letter: command}
    reads: object = field(default=lambda case: True)


PEERS = [
    Peer("vcf.gz, bcftools", "bcftools", "bcftools --version", None, (), bcftools_queries(lambda case: case.vcf_gz),
         reads=lambda case: case.vcf_gz),
    Peer("BCF, bcftools", "bcftools", "bcftools --version",
         lambda case, at: f"bcftools view --no-version -Ob -o {at}/x.bcf {case.source} && bcftools index {at}/x.bcf", ("x.bcf",),
         bcftools_queries(lambda case: case.bcf)),
    Peer("SAV -19 PBWT", "sav", "sav --version",
         # Without the threshold its PBWT sees no genotypes: 0.01 gave the smallest file on sim2504.
         lambda case, at: f"sav import -19 --phasing {'full' if case.phased else 'none'} --pbwt-fields GT "
                          f"--sparse-threshold 0.01 {case.source} {at}/x.sav", ("x.sav",), sav_queries),
    Peer("plink2 pgen + pvar", "plink2", "plink2 --version",
         lambda case, at: f"plink2 --silent --threads 1 --allow-extra-chr "
                          f"{'--vcf' if case.vcf_gz else '--bcf'} {case.source} --make-pgen --out {at}/x",
         ("x.pgen", "x.pvar", "x.psam"), plink_queries),
    Peer("VCF Zarr, bio2zarr + vcztools", "vcf2zarr", "vcf2zarr --version; vcztools --version",
         lambda case, at: f"vcf2zarr explode -Q -f -p 0 {case.source} {at}/icf && vcf2zarr encode -Q -f -p 0 {at}/icf {at}/zarr "
                          f"&& rm -rf {at}/icf", ("zarr",), zarr_queries),
]


def rounds_for(first, times):
    """Fewer rounds of what takes long: medians of 5, of 3 from 2 s on, one run from 20 s on."""
    return times if first.wall < 2 else min(times, 3) if first.wall < 20 else 1


def answers(command):
    """The command with its answer thrown away; what is printed is no part of the time."""
    return f"{command} > /dev/null"


def ask(queries, times):
    """{letter: (median wall, median CPU)}"""
    found = {}
    for letter, command in queries.items():
        runs = [Run(answers(command))]
        runs += [Run(answers(command)) for _ in range(rounds_for(runs[0], times) - 1)]
        found[letter] = medians(runs)
    return found


def convert_peer(peer, case, at):
    """What the peer's conversion costs and how large its files are; "refused" says why there is none."""
    shutil.rmtree(at, ignore_errors=True)
    os.makedirs(at)
    try:
        run = Run(peer.make(case, at))
    except Failed as why:
        lines = str(why).split(": exit ", 1)[1].splitlines()
        return {"refused": next((line for line in lines if "rror" in line), lines[-1])[-200:]}
    made = [os.path.join(at, name) for name in peer.made]
    return {"bytes": sum(map(tree_bytes, made)), "files": sum(map(file_count, made)), "wall": run.wall, "cpu": run.cpu,
            "peak": run.peak}


def figures_of(peer, case, folder, times, fresh):
    """The peer's figures for a case: measured, or those of an earlier run with the same versions and data.

    Returns None where the peer's program is absent.
    """
    if not shutil.which(peer.program) or not peer.reads(case):
        return None
    version = subprocess.run(peer.version, shell=True, capture_output=True, text=True).stdout.split("\nCopyright")[0]
    at = os.path.join(folder, case.name, peer.program + ("-text" if peer.make is None else ""))
    key = {"version": version.strip(), "source": os.path.basename(case.source), "bytes": os.path.getsize(case.source),
           "command": peer.make(case, "") if peer.make else ""}
    kept = at + ".json"
    if not fresh and os.path.exists(kept):
        with open(kept) as file:
            figures = json.load(file)
        if all(figures["key"].get(name) == value for name, value in key.items()):
            return figures
    if peer.make:
        figures = convert_peer(peer, case, at)
    else:
        figures = {"bytes": os.path.getsize(case.vcf_gz), "files": 1}
    if "refused" not in figures and case.rs_number:
        figures["queries"] = ask(peer.queries(case, at), times)
    figures["key"] = key
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    with open(kept, "w") as file:
        json.dump(figures, file, indent=1)
    return figures
