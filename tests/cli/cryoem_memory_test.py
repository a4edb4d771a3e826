# SPDX-License-Identifier: Apache-2.0
"""How much memory an import takes above its mapped input: at most 256 MiB, for a volume of any size."""

import array
import random
import time

from cnf_program import CnfTest
from cryoem_files import mrc

LIMIT = 256 << 20


class ImportMemoryTest(CnfTest):
    """Of files with holes: some planes are noise, the rest is zeros that no disk holds."""

    def peak_of_import(self, sides, noisy_planes, *options):
        """The most memory that is not mapped from a file, in bytes, as the kernel tells it."""
        plane = sides[0] * sides[1] * 2
        path = self.write("in.mrc", mrc(sides, array.array("h")))
        with open(path, "ab") as file:
            dice = random.Random(1)
            for _ in range(noisy_planes):
                file.write(dice.randbytes(plane))
            file.truncate(1024 + plane * sides[2])
        process = self.start("cryoem", "import", "--quiet", "--overwrite", "--threads", "2", *options, "in.mrc", "d")
        peak = samples = 0
        while process.poll() is None:
            with open(f"/proc/{process.pid}/status") as status:
                found = [int(line.split()[1]) << 10 for line in status if line.startswith("RssAnon:")]
            if found:  # a process that has ended has none
                peak, samples = max(peak, *found), samples + 1
            time.sleep(0.005)
        self.assertEqual(process.returncode, 0, process.stderr.read())
        self.assertGreater(samples, 10)
        return peak

    def test_a_gigabyte(self):
        self.assertLess(self.peak_of_import((1024, 1024, 512), 96), LIMIT)
        self.assertLess(self.peak_of_import((1024, 1024, 512), 96, "--chunk", "256,256,32"), LIMIT)

    def test_twenty_gigabytes(self):
        self.assertLess(self.peak_of_import((8192, 8192, 160), 1, "--levels", "1", "--chunk", "256,256,32"), LIMIT)
