# SPDX-License-Identifier: Apache-2.0
"""Makes the cohorts of the variants benchmark: simulated, seeded, the same text every time.

Genomes come from msprime under the two-population model of Tennessen et al. 2012 (Science 337:64; the parameters are those
of stdpopsim's OutOfAfrica_2T12): half the samples African, half European, generations of 25 years, 1.45e-8 mutations
(Jukes-Cantor) and 1e-8 crossings over per base and generation, on contig 22. Simulated haplotypes are cleaner than those
phased from reads: take absolute sizes from real data, and from these how things scale.
"""
import argparse
import math
import os
import subprocess
from dataclasses import dataclass

MUTATION_RATE = 1.45e-8
CONTIG = "22"


@dataclass(frozen=True)
class Cohort:
    samples: int
    length: int  # bases, at --scale 1
    seed: int
    fields: bool = False  # GT:AD:DP:GQ:PL, unphased, instead of phased GT alone
    bcf_only: bool = False  # the text would be tens of gigabytes


COHORTS = {
    "sim2504": Cohort(2_504, 10_000_000, 2504),
    "simfmt200": Cohort(200, 10_000_000, 200, fields=True),
    "sim10k": Cohort(10_000, 5_000_000, 10_000),
    "sim100k": Cohort(100_000, 300_000, 100_000, bcf_only=True),
}


def demography():
    """Tennessen's model; growth rates are per generation, sizes are of diploids."""
    import msprime
    african, out_of_africa, early, recent = 14_474, 2_040, 920, 205
    growth_early, growth_recent, growth_african = 0.00307, 0.0195, 0.0166
    european_then = 1_032 * math.exp(growth_early * (early - recent))
    model = msprime.Demography()
    model.add_population(name="AFR", initial_size=african * math.exp(growth_african * recent), growth_rate=growth_african)
    model.add_population(name="EUR", initial_size=european_then * math.exp(growth_recent * recent),
                         growth_rate=growth_recent)
    model.set_symmetric_migration_rate(["AFR", "EUR"], 2.5e-5)
    model.add_population_parameters_change(time=recent, population="AFR", initial_size=african, growth_rate=0)
    model.add_population_parameters_change(time=recent, population="EUR", initial_size=european_then,
                                           growth_rate=growth_early)
    model.add_population_parameters_change(time=early, population="EUR", initial_size=1_861, growth_rate=0)
    model.add_symmetric_migration_rate_change(time=early, populations=["AFR", "EUR"], rate=15e-5)
    model.add_mass_migration(time=out_of_africa, source="EUR", dest="AFR", proportion=1)
    model.add_migration_rate_change(time=out_of_africa, rate=0)
    model.add_population_parameters_change(time=5_920, population="AFR", initial_size=7_310)
    return model


def simulate(cohort, length):
    import msprime
    half = cohort.samples // 2
    ancestry = msprime.sim_ancestry(samples={"AFR": cohort.samples - half, "EUR": half}, demography=demography(),
                                    sequence_length=length, recombination_rate=1e-8, random_seed=cohort.seed)
    return msprime.sim_mutations(ancestry, rate=MUTATION_RATE, model=msprime.JC69(), random_seed=cohort.seed)


class Names:
    """rs numbers that cost what real ones do: old ones spread wide, most from one later submission.

    7 in 10 are drawn from 61 million numbers, the others from 200 million: 27.3 bits each, as in 1000 Genomes phase 3.
    """

    def __init__(self, generator):
        self.generator, self.taken = generator, set()

    def next(self):
        while True:
            recent = self.generator.random() < 0.7
            number = int(self.generator.integers(527_000_000, 588_000_000) if recent
                         else self.generator.integers(1, 200_000_000))
            if number not in self.taken:
                self.taken.add(number)
                return f"rs{number}"


def header(cohort, length):
    lines = [
        "##fileformat=VCFv4.2",
        '##FILTER=<ID=PASS,Description="All filters passed">',
        f"##contig=<ID={CONTIG},length={length}>",
        '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count in genotypes, for each ALT allele">',
        '##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency, for each ALT allele">',
        '##INFO=<ID=AN,Number=1,Type=Integer,Description="Total number of alleles in called genotypes">',
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth over all samples">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    ]
    if cohort.fields:
        lines += [
            '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads of each allele">',
            '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Reads">',
            '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Genotype quality">',
            '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Phred-scaled genotype likelihoods">',
        ]
    names = [f"S{i:06d}" for i in range(cohort.samples)]
    lines.append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + "\t".join(names))
    return ("\n".join(lines) + "\n").encode()


def site(name, position, alleles, counts, called, depth, quality):
    counts = counts[1:len(alleles)]
    frequencies = ",".join(f"{count / called:.6g}" for count in counts)
    return (f"{CONTIG}\t{position}\t{name}\t{alleles[0]}\t{','.join(alleles[1:])}\t{quality}\tPASS\t"
            f"AC={','.join(str(count) for count in counts)};AF={frequencies};AN={called};DP={depth}\t")


def phased_text(cohort, trees):
    """GT alone, all phased, none missing: `0|1`."""
    import numpy
    generator = numpy.random.default_rng(cohort.seed)
    names = Names(generator)
    cells = numpy.full(4 * cohort.samples, ord("\t"), numpy.uint8)
    cells[1::4] = ord("|")
    cells[-1] = ord("\n")
    for variant in trees.variants():
        genotypes = variant.genotypes
        counts = numpy.bincount(genotypes, minlength=len(variant.alleles))
        if counts[0] == len(genotypes):
            continue  # a second mutation undid the first
        depth = int(generator.normal(7.4 * cohort.samples, 0.74 * cohort.samples))
        yield site(names.next(), int(variant.site.position) + 1, variant.alleles, counts, len(genotypes), depth,
                   100).encode() + b"GT\t"
        cells[0::4] = genotypes[0::2] + ord("0")
        cells[2::4] = genotypes[1::2] + ord("0")
        yield cells.tobytes()


def with_indels(alleles, generator):
    """One site in ten becomes an insertion or a deletion of 1 to 12 bases."""
    if len(alleles) != 2 or generator.random() >= 0.1:
        return alleles
    more = "".join("ACGT"[i] for i in generator.integers(0, 4, min(12, int(generator.geometric(0.4)))))
    return (alleles[0], alleles[0] + more) if generator.random() < 0.5 else (alleles[0] + more, alleles[0])


def likelihoods(reads, depth, alleles, generator):
    """Phred-scaled and normalised, (samples, genotypes) in VCF's order, as a caller derives them from the reads.

    A read costs its quality where the genotype lacks its allele, 3.01 where it has one of two. Qualities differ
    from sample to sample, and local assembly moves every value by some 3 %.
    """
    import numpy
    samples = len(depth)
    quality = generator.normal(36, 3, samples)
    columns = []
    for second in range(alleles):
        for first in range(second + 1):
            shared = reads[:, first] if first == second else reads[:, first] + reads[:, second]
            columns.append((depth - shared) * quality + (0 if first == second else 3.0103 * shared))
    values = numpy.stack(columns, axis=1)
    values = numpy.maximum(0, values * generator.normal(1, 0.03, values.shape))
    values = numpy.rint(values - values.min(axis=1, keepdims=True)).astype(int)
    return values


def cell_texts(genotypes, reads, depth, values):
    ordered = values.copy()
    ordered.sort(axis=1)
    quality = ordered[:, 1].clip(max=99).tolist()
    for gt, ad, dp, gq, pl in zip(genotypes, reads.tolist(), depth.tolist(), quality, values.tolist()):
        if dp == 0:
            yield f"./.:{','.join(map(str, ad))}:0:.:{','.join(map(str, pl))}"
        else:
            yield f"{gt}:{','.join(map(str, ad))}:{dp}:{gq}:{','.join(map(str, pl))}"


def fields_text(cohort, trees):
    """GT:AD:DP:GQ:PL as GATK writes them, at 30-fold depth; GT is the likeliest genotype; ./. where no read is."""
    import numpy
    generator = numpy.random.default_rng(cohort.seed)
    names = Names(generator)
    coverage = generator.normal(30, 5, cohort.samples).clip(12)  # of each sample
    for variant in trees.variants():
        alleles = with_indels(variant.alleles, generator)
        n = len(alleles)
        mapped = 0.05 + 0.95 * generator.beta(9, 1)  # a few sites are hard to map
        depth = generator.poisson(coverage * mapped * generator.gamma(20, 1 / 20, cohort.samples))
        share = numpy.full((cohort.samples, n), 0.001)  # reads in error
        for haplotype in (variant.genotypes[0::2], variant.genotypes[1::2]):
            share[numpy.arange(cohort.samples), haplotype] += 0.5
        reads = generator.multinomial(depth, share / share.sum(axis=1, keepdims=True))
        values = likelihoods(reads, depth, n, generator)
        order = [f"{first}/{second}" for second in range(n) for first in range(second + 1)]
        best = values.argmin(axis=1)
        members = numpy.array([[first, second] for second in range(n) for first in range(second + 1)])
        counts = numpy.bincount(members[best[depth > 0]].ravel(), minlength=n)
        called = int(counts.sum())
        if called == 0 or counts[0] == called:
            continue  # a caller would not have seen it
        carriers = values[:, 0][(best > 0) & (depth > 0)]
        yield site(names.next(), int(variant.site.position) + 1, alleles, counts, called, int(depth.sum()),
                   f"{min(carriers.sum() * 0.97, 2e6):.2f}").encode()
        texts = cell_texts([order[i] for i in best], reads, depth, values)
        yield ("GT:AD:DP:GQ:PL\t" + "\t".join(texts) + "\n").encode()


def run(*command):
    subprocess.run(command, check=True)


def pour(chunks, command):
    """The bytes of `chunks` into the standard input of `command`."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    for chunk in chunks:
        process.stdin.write(chunk)
    process.stdin.close()
    if process.wait() != 0:
        raise SystemExit(f"{command}: exit {process.returncode}")


def make(folder, name, scale=1.0):
    """The paths {"vcf.gz": …, "bcf": …} of a cohort, made where they are missing; indices lie beside them."""
    cohort = COHORTS[name]
    length = int(cohort.length * scale)
    stem = os.path.join(folder, f"{name}-{length // 1000}kb")
    paths = {"bcf": stem + ".bcf"} if cohort.bcf_only else {"vcf.gz": stem + ".vcf.gz", "bcf": stem + ".bcf"}
    if all(os.path.exists(path + (".csi" if kind == "bcf" else ".tbi")) for kind, path in paths.items()):
        return paths
    os.makedirs(folder, exist_ok=True)
    print(f"making {stem} (once)", flush=True)
    trees = simulate(cohort, length)

    def text():
        yield header(cohort, length)
        yield from (fields_text if cohort.fields else phased_text)(cohort, trees)

    part = stem + ".part"
    if cohort.bcf_only:
        pour(text(), ["bcftools", "view", "--no-version", "-Ob", "-o", part, "-"])
    else:
        pour(text(), ["bash", "-c", f"bgzip -c > {part}"])
        os.rename(part, paths["vcf.gz"])
        run("tabix", "-f", "-p", "vcf", paths["vcf.gz"])
        run("bcftools", "view", "--no-version", "-Ob", "-o", part, paths["vcf.gz"])
    os.rename(part, paths["bcf"])
    run("bcftools", "index", "-f", paths["bcf"])
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder for what is made once")
    parser.add_argument("--scale", type=float, default=1.0, help="of every cohort's length (0.1: sim2504 has 1 Mb)")
    parser.add_argument("names", nargs="*", default=list(COHORTS), help="of " + ", ".join(COHORTS))
    args = parser.parse_args()
    for name in args.names:
        for path in make(os.path.abspath(args.data), name, args.scale).values():
            records = subprocess.run(["bcftools", "index", "-n", path], check=True, capture_output=True, text=True)
            print(f"{path}\t{COHORTS[name].samples} samples\t{records.stdout.strip()} records\t"
                  f"{os.path.getsize(path)} bytes", flush=True)


if __name__ == "__main__":
    main()
