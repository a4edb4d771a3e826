# SPDX-License-Identifier: Apache-2.0
"""The figures VCFS3 was promised to reach, one by one: met, or missed by how much."""
import os

from measure import print_table

# Size against vcf.gz, promised of the smallest profile.
SIZES = {"shp": 0.30, "hail": 0.52, "simfmt200": 0.42, "sim2504": 0.20}
# Wall seconds on sim2504 at full length.
TIMES = {"a": 0.8, "b": 0.08, "c": 0.02, "d": 0.02, "e": 0.05}
PARSED_PER_SECOND = 36e6  # genotypes a second and core: the speed of parsing VCF text
MEMORY = 2 << 30  # what `cnf vcfs3 convert` keeps to when --memory says nothing
REQUESTS = {"a": None, "b": 3, "c": 3, "d": 4}  # cold, of a dataset that nothing is known of


class Gates:
    """Gathers figures as they are measured, prints them at the end."""

    def __init__(self, full_length):
        self.full_length = full_length  # times are promised for it alone
        self.rows = []

    def at_most(self, name, limit, found, unit=""):
        verdict = "met" if found <= limit else f"missed by {100 * (found / limit - 1):.0f} %"
        self.rows.append([name, f"≤ {limit:g}{unit}", f"{found:.4g}{unit}", verdict])

    def absent(self, name, limit, why):
        self.rows.append([name, f"≤ {limit:g}", "", why])

    def sizes(self, case, ours):
        source = os.path.getsize(case.source)
        if case.name in SIZES:
            for variant in ours.VARIANTS:
                self.at_most(f"{case.name}, size of {variant} against vcf.gz", SIZES[case.name], ours.bytes(variant) / source)
        elif case.vcf_gz and source > 1_000_000:
            self.at_most(f"{case.name}, size of normal against vcf.gz", 1, ours.bytes() / source)
        if case.name == "sim10k":
            self.at_most("sim10k, bits per genotype of tiles of 1,000 samples", 0.016, ours.bits_per_genotype(1_000))
        run = ours.runs["normal"]
        if case.samples >= 1_000:
            seconds = case.samples * case.records / PARSED_PER_SECOND
            self.at_most(f"{case.name}, convert: CPU seconds (1.5 × parsing at 36 M genotypes/s)", round(1.5 * seconds, 1),
                         run.cpu, " s")
        self.at_most(f"{case.name}, convert: peak memory", MEMORY / 1e6, run.peak / 1e6, " MB")

    def queries(self, case, ours, live, disk):
        if case.name == "sim2504" and self.full_length:
            for letter, limit in TIMES.items():
                self.at_most(f"{case.name}, query {letter}: wall", limit, live[letter]["cnf"][0], " s")
        share = 100 * disk["a"]["bytes_fetched"] / ours.bytes()
        if case.samples >= 2_000 and case.vcf_gz:
            self.at_most(f"{case.name}, one sample over all: bytes against the vcf.gz", 5,
                         100 * disk["a"]["bytes_fetched"] / os.path.getsize(case.vcf_gz), " %")
        if case.samples >= 2_000:
            self.at_most(f"{case.name}, one sample over all: share of the dataset's bytes", 1 if case.samples >= 10_000 else 5,
                         share, " %")

    def requests(self, case, remote):
        for letter, limit in REQUESTS.items():
            if limit:
                self.at_most(f"{case.name}, query {letter} from S3, cold: requests", limit,
                             remote[letter]["requests"]["total"])

    def real(self, worst):
        if worst:
            ratio, name, files = worst
            self.at_most(f"the worst of {files} real files over 1 MB, size of normal against vcf.gz ({name})", 1, ratio)

    def print(self):
        for name, limit in (("kg", 0.33), ("wex", 0.80)):
            self.absent(f"{name}, size against vcf.gz", limit, "not measured: the file is kept back")
        print_table("The gates", ["", "asked", "measured", ""], self.rows)
