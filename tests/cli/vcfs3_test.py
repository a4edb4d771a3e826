# SPDX-License-Identifier: Apache-2.0
"""cnf vcfs3: what people type, what they get, and what is refused."""

import gzip
import json
import os
import struct
import unittest

from cnf_program import CnfTest

META = (
    "##fileformat=VCFv4.2\n"
    "##FILTER=<ID=q10,Description=\"low\">\n"
    "##contig=<ID=chr1>\n##contig=<ID=chr2>\n"
    "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"a\">\n"
    "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"a\">\n"
    "##INFO=<ID=END,Number=1,Type=Integer,Description=\"e\">\n"
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n"
    "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"d\">\n")
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
HEADER = META + COLUMNS + "\tFORMAT\tA\tB\tC\n"
RECORDS = [
    "chr1\t101\trs1\tA\tC\t10.0\tPASS\tAC=3;AN=6\tGT:DP\t0/1:7\t1/1:8\t./.\n",
    "chr1\t150\t.\tAT\tA\t50\tq10\tAC=1\tGT\t0/0\t0/0\t0/1\n",
    "chr1\t200\trs3;rs4\tG\tC,T\t.\t.\tEND=260\tGT\t0|2\t0/0\t.\n",
    "chr2\t5\trs5\tC\tT\t99\tPASS\t.\tGT\t0/0\t0/0\t0/0\n",
]
VCF = HEADER + "".join(RECORDS)


def columns(line, *numbers):
    """The sites' columns of a line and those of samples with these numbers."""
    cells = line.rstrip("\n").split("\t")
    return "\t".join(cells[:8] + ([cells[8]] + [cells[9 + n] for n in numbers] if numbers else [])) + "\n"


class Vcfs3Test(CnfTest):
    def make(self, *options, text=VCF):
        self.write("in.vcf", text.encode())
        self.ok("vcfs3", "convert", "--quiet", "in.vcf", "d", *options)

    def view(self, *options):
        return self.ok("vcfs3", "view", "-H", "d", *options)


class VerbsTest(Vcfs3Test):
    def test_a_dataset_gives_back_what_went_in(self):
        self.make()
        self.assertEqual(self.ok("vcfs3", "view", "d"), VCF)
        self.assertEqual(self.ok("vcfs3", "view", "-h", "d"), HEADER)
        self.ok("vcfs3", "export", "d", "out.vcf")
        self.assertEqual(self.read("out.vcf").decode(), VCF)
        self.ok("vcfs3", "export", "d", "out.vcf.gz")
        self.assertEqual(gzip.decompress(self.read("out.vcf.gz")).decode(), VCF)

    def test_odd_text_comes_back_too(self):
        odd = VCF[:-1].replace("\n", "\r\n") + "\r\n\r\nchr2\tx\tbroken"
        self.make(text=odd)
        self.ok("vcfs3", "export", "d", "out.vcf")
        self.assertEqual(self.read("out.vcf").decode(), odd)

    def test_regions_and_targets(self):
        self.make()
        self.assertEqual(self.view("-r", "chr1:250-300"), RECORDS[2])
        self.assertEqual(self.view("chr2,chr1:101"), RECORDS[3] + RECORDS[0])
        self.assertEqual(self.view("-t", "chr1:151-250"), RECORDS[2])
        self.assertEqual(self.view("-t", "^chr1"), RECORDS[3])
        self.write("r.bed", b"chr1\t149\t151\n")
        self.assertEqual(self.view("-R", "r.bed"), RECORDS[1])
        self.write("r.tsv", b"chr1\t150\n")
        self.assertEqual(self.view("-T", "r.tsv"), RECORDS[1])

    def test_samples(self):
        self.make()
        self.assertEqual(self.view("-s", "C,A", "-r", "chr1:101"), columns(RECORDS[0], 2, 0))
        self.assertEqual(self.view("-s", "^B", "-r", "chr1:101"), columns(RECORDS[0], 0, 2))
        self.write("s", b"B\n")
        self.assertEqual(self.ok("vcfs3", "view", "-S", "s", "--id", "rs5", "d"),
                         META + COLUMNS + "\tFORMAT\tB\n" + columns(RECORDS[3], 1))
        self.assertEqual(self.view("--quiet", "--force-samples", "-s", "nobody,B", "--id", "rs1"), columns(RECORDS[0], 1))
        self.assertEqual(self.ok("vcfs3", "view", "-G", "--id", "rs1", "d"), META + COLUMNS + "\n" + columns(RECORDS[0]))

    def test_conditions(self):
        self.make()
        self.assertEqual(self.view("-v", "indels"), RECORDS[1])
        self.assertEqual(self.view("-m", "3"), RECORDS[2])
        self.assertEqual(self.view("-M", "2", "-V", "indels"), RECORDS[0] + RECORDS[3])
        self.assertEqual(self.view("-i", "QUAL>20"), RECORDS[1] + RECORDS[3])
        self.assertEqual(self.view("-e", "QUAL>20 || ALT=\"T\""), RECORDS[0])
        self.assertEqual(self.view("-f", "PASS"), RECORDS[0] + RECORDS[3])
        self.assertEqual(self.view("-c", "2"), RECORDS[0])
        self.assertEqual(self.view("-n"), RECORDS[1])
        self.assertEqual(self.view("--nonref-only", "-s", "B"), columns(RECORDS[0], 1))
        self.assertEqual(self.view("--limit", "1"), RECORDS[0])
        self.assertEqual(self.view("--count", "-r", "chr1"), "3\n")

    def test_ids(self):
        self.make()
        self.assertEqual(self.view("--id", "rs4,rs1"), RECORDS[0] + RECORDS[2])

    def test_info_changes_only_when_asked(self):
        self.make()
        self.assertEqual(self.view("-s", "A", "--id", "rs1"), columns(RECORDS[0], 0))
        self.assertIn("AC=1;AN=2\t", self.view("-s", "A", "--id", "rs1", "--update-info", "AC,AN"))
        self.assertEqual(self.view("-s", "C", "--id", "rs1", "--bcftools-compatible"),
                         columns(RECORDS[0], 2).replace("AC=3;AN=6", "AC=0;AN=0").replace("./.", "./.:."))
        self.assertEqual(self.view("-s", "A", "--trim-alts", "--id", "rs3"),
                         "chr1\t200\trs3;rs4\tG\tT\t.\t.\tEND=260\tGT\t0|1\n")

    def test_query(self):
        self.make()
        self.assertEqual(self.ok("vcfs3", "query", "-f", "%POS %INFO/AC[ %SAMPLE=%GT]\\n", "-s", "A,B", "d", "chr1:101"),
                         "101 3 A=0/1 B=1/1\n")
        self.assertEqual(self.ok("vcfs3", "query", "-f", "[%SAMPLE\\n]", "-i", "GT=\"hom\" & GT=\"alt\"", "d"), "B\n")
        self.assertTrue(self.ok("vcfs3", "query", "-H", "-f", "%POS\\n", "d").startswith("#"))

    def test_carriers(self):
        self.make()
        self.assertEqual(self.ok("vcfs3", "carriers", "--id", "rs1", "d"),
                         "chr1\t101\trs1\tA\tC\tA\nchr1\t101\trs1\tA\tC\tB\n")
        self.assertEqual(self.ok("vcfs3", "carriers", "--samples-only", "-r", "chr1", "d"), "A\nB\nC\n")
        self.assertEqual(self.ok_json("vcfs3", "carriers", "--id", "rs5", "d")["samples"], [])

    def test_samples_and_statistics(self):
        self.write("t.tsv", b"sample\tpopulation\nB\tYRI\n")
        self.make("--sample-table", "t.tsv")
        self.assertEqual(self.ok("vcfs3", "samples", "d"), "A\nB\nC\n")
        self.assertEqual(self.ok("vcfs3", "samples", "--attributes", "d"), "sample\tpopulation\nA\t.\nB\tYRI\nC\t.\n")
        stats = self.ok_json("vcfs3", "stats", "d")
        self.assertEqual((stats["records"], stats["snps"], stats["indels"], stats["multiallelic"]), (4, 3, 1, 1))
        self.assertEqual((stats["transitions"], stats["transversions"]), (1, 3))
        self.assertEqual(stats["samples"][2], {"name": "C", "hom_ref": 1, "het": 1, "hom_alt": 0, "missing": 2})
        self.assertIn("chr2\t1\n", self.ok("vcfs3", "stats", "-G", "d"))

    def test_json_and_arrow(self):
        self.make()
        line = json.loads(self.ok("vcfs3", "view", "--format", "json", "--id", "rs1", "d"))
        self.assertEqual((line["pos"], line["info"]["AC"], line["samples"]["A"]), (101, [3], {"GT": "0/1", "DP": 7}))
        self.assertEqual(self.ok("vcfs3", "view", "--format", "tsv", "-s", "B", "--id", "rs1", "d"),
                         "contig\tpos\tid\tref\talt\tqual\tfilter\tinfo\tB\n"
                         "chr1\t101\trs1\tA\tC\t10.0\tPASS\tAC=3;AN=6\t1/1\n")
        self.ok("vcfs3", "view", "--format", "arrow", "-o", "out.arrows", "d")
        stream = self.read("out.arrows")
        self.assertEqual(struct.unpack("<i", stream[:4])[0], -1)  # the mark of an encapsulated message
        self.assertIn(b"rs3;rs4", stream)

    def test_bcf_says_what_it_adds(self):
        self.make(text=VCF + "chrX\t1\t.\tA\tC\t.\tlow\tNEW=1\tGT\t0/1\t.\t.\n")
        status, _, err = self.run_cnf("vcfs3", "view", "-O", "b", "-o", "out.bcf", "d")
        self.assertEqual(status, 0)
        for name in ("contig chrX", "INFO/NEW", "FILTER low"):
            self.assertIn(name, err)
        self.ok("vcfs3", "convert", "--quiet", "out.bcf", "again")
        self.assertEqual(self.ok("vcfs3", "view", "-H", "again", "chrX"),
                         "chrX\t1\t.\tA\tC\t.\tlow\tNEW=1\tGT\t0/1\t.\t.\n")

    def test_an_index_beside_the_file(self):
        self.make()
        self.ok("vcfs3", "view", "-O", "z", "-o", "out.vcf.gz", "--write-index", "d")
        self.ok("vcfs3", "view", "-o", "out.bcf", "--write-index", "d")
        self.assertTrue(self.read("out.vcf.gz.tbi") and self.read("out.bcf.csi"))

    def test_info_and_validate(self):
        self.make("--sharding-bits", "4")
        self.assertEqual(self.ok_json("info", "d")["custom"]["records"], 4)
        status, _, err = self.run_cnf("validate", "--deep", "d")
        self.assertEqual((status, err.count("\n")), (0, 1))

    def test_explain_reads_no_data(self):
        self.make()
        for name in os.listdir(self.path("d", "data")):
            os.remove(self.path("d", "data", name))
        for verb in (["view"], ["query", "-f", "%POS[ %GT]\\n"], ["carriers"], ["stats"]):
            plan = self.ok_json("vcfs3", *verb, "--explain", "d", "-r", "chr1:105-150")
            self.assertEqual(plan["bins"], 1)
            self.assertGreater(plan["bytes"], 0)


class PartsTest(Vcfs3Test):
    def setUp(self):
        super().setUp()
        self.text = HEADER + "".join(
            f"chr{1 + (n >= 300)}\t{100 + n}\trs{n}\tA\tC\t.\tPASS\tAC={n % 7}\tGT\t0/1\t{n % 2}/1\t./.\n"
            for n in range(500))
        self.write("in.vcf", self.text.encode())

    def part(self, part, *options, source="in.vcf"):
        return self.ok("vcfs3", "convert", "--quiet", "--part", part, source, "d", *options)

    def test_parts_answer_as_the_whole(self):
        self.ok("vcfs3", "convert", "--quiet", "in.vcf", "whole")
        self.ok("vcfs3", "export", "whole", "in.vcf.gz")
        for source in ("in.vcf", "in.vcf.gz"):
            for part in ("3/3", "1/3", "2/3", "1/3"):
                self.part(part, "--overwrite", source=source)
            self.assertEqual(self.ok_json("vcfs3", "convert", "--overwrite", "--commit", "d")["records"], 500)
            self.ok("vcfs3", "export", "--overwrite", "d", "out.vcf")
            self.assertEqual(self.read("out.vcf").decode(), self.text)
            for options in (["-r", "chr1:350-390"], ["--id", "rs7,rs499"], ["-s", "B", "-c", "2"], ["-i", "AC=3"]):
                self.assertEqual(self.view(*options), self.ok("vcfs3", "view", "-H", "whole", *options))
            self.assertEqual(self.ok("vcfs3", "stats", "d"), self.ok("vcfs3", "stats", "whole"))
            self.ok("gc", "--quiet", "d")
            self.ok("validate", "--deep", "--quiet", "d")

    def test_missing_parts_are_named(self):
        self.part("2/4")
        self.fails(1, "vcfs3", "view", "d")
        self.assertIn("missing: 1, 3, 4", self.fails(1, "vcfs3", "convert", "--commit", "d"))

    def test_wrong_usage(self):
        for part in ("2", "0/3", "4/3", "a/b", "1/100001"):
            self.fails(2, "vcfs3", "convert", "--part", part, "in.vcf", "d")
        self.fails(2, "vcfs3", "convert", "in.vcf")
        self.fails(2, "vcfs3", "convert", "--commit", "in.vcf", "d")

    def test_only_what_can_be_cut(self):
        self.write("in.gz", gzip.compress(self.text.encode()))
        self.assertIn("bgzip", self.fails(1, "vcfs3", "convert", "--part", "1/2", "in.gz", "d"))
        self.fails(1, "vcfs3", "convert", "--part", "1/2", "-", "d")


class RefusalsTest(Vcfs3Test):
    def test_what_was_asked_for_by_name_is_not_there(self):
        self.make()
        for options in (["-r", "chr9:1-10"], ["-s", "nobody"], ["--id", "rs99"]):
            self.assertIn(options[1].split(":")[0], self.fails(3, "vcfs3", "view", "d", *options))
        self.fails(3, "vcfs3", "carriers", "d", "--id", "rs99")
        self.fails(3, "vcfs3", "query", "d", "-f", "%POS", "-s", "nobody")

    def test_wrong_usage(self):
        self.make()
        for options in (["-m", "many"], ["-i", "QUAL>1", "-e", "QUAL>1"], ["-v", "cats"], ["-O", "x"],
                        ["--write-index"], ["-s", "A,A"], ["-k", "-n"]):
            status, _, err = self.run_cnf("vcfs3", "view", "d", *options)
            self.assertIn(status, (1, 2), options)
            self.assertEqual(err.count("\n"), 1, err)
        self.fails(2, "vcfs3", "query", "d")
        self.fails(2, "vcfs3", "carriers", "d")
        self.fails(2, "vcfs3", "export", "d", "-")
        self.assertIn("expression", self.fails(1, "vcfs3", "view", "-i", "QUAL >", "d"))

    def test_a_dataset_is_not_replaced_unasked(self):
        self.make()
        self.assertIn("--overwrite", self.fails(1, "vcfs3", "convert", "in.vcf", "d"))
        self.ok("vcfs3", "convert", "--quiet", "--overwrite", "in.vcf", "d")

    def test_bad_input_leaves_nothing(self):
        for name, content in (("empty", b""), ("text", b"no variants at all\n"),
                              ("cut.vcf.gz", gzip.compress(VCF.encode())[:-20])):
            self.write(name, content)
            self.fails(1, "vcfs3", "convert", name, "d")
            self.assertFalse(os.path.exists(self.path("d", "_metadata.json")), name)

    def test_a_raw_record_is_not_split(self):
        self.make(text=VCF + "chr2\tnowhere\n")
        self.assertEqual(self.view("-r", "chr2"), RECORDS[3] + "chr2\tnowhere\n")
        self.assertIn("nowhere", self.fails(1, "vcfs3", "view", "-s", "A", "d"))

    def test_a_damaged_chunk_is_an_error_and_no_answer(self):
        self.make()
        (chunk,) = os.listdir(self.path("d", "data"))
        with open(self.path("d", "data", chunk), "r+b") as file:
            file.seek(20)
            byte = file.read(1)
            file.seek(20)
            file.write(bytes([byte[0] ^ 1]))
        status, _, err = self.run_cnf("vcfs3", "view", "-o", "out.vcf", "d")
        self.assertEqual((status, err.count("\n")), (1, 1))
        self.assertFalse(os.path.exists(self.path("out.vcf")))
        self.assertEqual(self.run_cnf("validate", "d")[0], 1)
        self.fails(1, "vcfs3", "export", "d", "out.vcf")
        self.assertFalse(os.path.exists(self.path("out.vcf")))


class MergeTest(CnfTest):
    def cohort(self, name, samples, records):
        text = META + COLUMNS + "\tFORMAT\t" + "\t".join(samples) + "\n" + "".join(records)
        self.write(name + ".vcf", text.encode())
        self.ok("vcfs3", "convert", "--quiet", name + ".vcf", name)
        return text

    def exported(self, name):
        return self.ok("vcfs3", "export", name, "-", "-O", "v")

    def setUp(self):
        super().setUp()
        self.first = self.cohort("first", ["A"], ["chr1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\n",
                                                  "chr2\t7\t.\tG\tT\t.\t.\t.\tGT\t1/1\n"])
        self.second = self.cohort("second", ["B"], ["chr1\t5\trs5\tA\tC\t.\t.\t.\tGT\t1|1\n"])

    MERGED = ["chr1\t5\trs5\tA\tC\t.\t.\t.\tGT\t0/1\t1|1\n",
              "chr2\t7\t.\tG\tT\t.\t.\t.\tGT\t1/1\t./.\n"]

    def body(self, name):
        return [line + "\n" for line in self.exported(name).splitlines() if not line.startswith("#")]

    def test_merge_puts_samples_side_by_side(self):
        self.ok("vcfs3", "merge", "--quiet", "first", "second", "both")
        self.assertEqual(self.body("both"), self.MERGED)
        self.assertEqual(self.exported("first"), self.first)
        self.assertIn("a dataset already", self.fails(1, "vcfs3", "merge", "first", "second", "both"))

    def test_add_replaces_in_one_step(self):
        self.ok("vcfs3", "add", "--quiet", "first", "second.vcf")
        self.assertEqual(self.body("first"), self.MERGED)
        self.ok("gc", "--quiet", "first")
        self.assertEqual(self.body("first"), self.MERGED)
        # The same sample again, beside one that is not there, is no cohort to add.
        self.assertIn("'B'", self.fails(1, "vcfs3", "add", "--quiet", "first", "second.vcf"))
        self.assertEqual(self.body("first"), self.MERGED)

    def test_add_takes_more_regions_of_the_same_samples(self):
        self.cohort("more", ["A"], ["chr1\t9\t.\tA\tC\t.\t.\t.\tGT\t0/0\n"])
        self.ok("vcfs3", "add", "--quiet", "first", "more.vcf")
        self.assertEqual([line.split("\t")[:2] for line in self.body("first")],
                         [["chr1", "5"], ["chr1", "9"], ["chr2", "7"]])

    def test_a_lost_object_is_not_an_id_that_is_not_there(self):
        self.fails(3, "vcfs3", "view", "--id", "rs6", "second")
        for path in self.tree("second"):
            if path.endswith(".chunk"):
                os.remove(self.path("second", path))
        self.assertIn("is missing", self.fails(1, "vcfs3", "view", "--id", "rs5", "second"))

    def test_convert_cuts_a_dataset_anew(self):
        self.ok("vcfs3", "merge", "--quiet", "first", "second", "both")
        self.ok("vcfs3", "convert", "--quiet", "--chunk-samples", "1", "--profile", "archive",
                "--sharding-bits", "4", "both", "again")
        self.assertEqual(self.exported("again"), self.exported("both"))
        self.assertEqual(self.ok_json("info", "again")["custom"]["group_samples"], 1)


if __name__ == "__main__":
    unittest.main()
