#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the MRC file that the demo imports: a simulated tomogram of a real molecule.

No Debian package ships a volume of electron microscopy. So copies of a crystal structure (PDB 1TII,
a heat-labile enterotoxin, from Debian's pymol-data) are laid into a volume, each turned at random,
every atom as a small Gaussian, and noise is added: voxels of 4 Å, int16, the header as MRC2014 has
it. The seed is fixed, so every run makes the same file. What it says of sizes, requests and bytes
holds for such noisy integers; it is no measured specimen.

Usage: demo_volume.py STRUCTURE.pdb OUT.mrc
"""

import array
import math
import random
import struct
import sys

SIDES = (320, 320, 160)  # x, y, z
VOXEL = 4.0  # Å
COPIES = 60
GAUSSIAN = {0: 40, 1: 15, 2: 6, 3: 2}  # density by squared distance from the atom, in voxels


def read_atoms(path):
    """Places of the atoms in Å, from their centre (PDB format 3.3, columns 31 to 54)."""
    atoms = []
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if line.startswith("ATOM"):
                atoms.append((float(line[30:38]), float(line[38:46]), float(line[46:54])))
    centre = [sum(atom[axis] for atom in atoms) / len(atoms) for axis in range(3)]
    return [tuple(atom[axis] - centre[axis] for axis in range(3)) for atom in atoms]


def random_turn(dice):
    """A rotation, evenly distributed: that of a random unit quaternion."""
    w, x, y, z = (dice.gauss(0, 1) for _ in range(4))
    norm = math.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / norm, x / norm, y / norm, z / norm
    return ((1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
            (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
            (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)))


def lay(voxels, atoms, at, turn):
    """Adds one copy, its centre at a voxel."""
    width, height, _ = SIDES
    near = [(dx + width * (dy + height * dz), GAUSSIAN[dx * dx + dy * dy + dz * dz])
            for dz in (-1, 0, 1) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    for atom in atoms:
        x, y, z = (round(at[axis] + sum(turn[axis][i] * atom[i] for i in range(3)) / VOXEL)
                   for axis in range(3))
        voxel = x + width * (y + height * z)
        for offset, density in near:
            voxels[voxel + offset] += density


def header(voxels):
    """1024 bytes. The statistics are those of the values; RMS is their deviation from the mean."""
    mean = sum(voxels) / len(voxels)
    deviation = math.sqrt(sum(value * value for value in voxels) / len(voxels) - mean * mean)
    cell = [side * VOXEL for side in SIDES]
    head = struct.pack("<10i6f3i3f2i", *SIDES, 1, 0, 0, 0, *SIDES, *cell, 90, 90, 90, 1, 2, 3,
                       min(voxels), max(voxels), mean, 1, 0)
    head += bytes(8) + struct.pack("<4si", b"", 20140) + bytes(84)  # EXTTYP, NVERSION, EXTRA
    head += struct.pack("<3f4s4sfi", 0, 0, 0, b"MAP ", b"\x44\x44\0\0", deviation, 1)
    return head + b"simulated: PDB 1TII and noise".ljust(800)


def main():
    structure, out = sys.argv[1:]
    dice = random.Random(1)
    atoms = read_atoms(structure)
    reach = 2 + math.ceil(max(math.dist(atom, (0, 0, 0)) for atom in atoms) / VOXEL)
    voxels = array.array("h", array.array("b", dice.randbytes(SIDES[0] * SIDES[1] * SIDES[2])))
    for _ in range(COPIES):
        at = [dice.randrange(reach, side - reach) for side in SIDES]
        lay(voxels, atoms, at, random_turn(dice))
    if sys.byteorder == "big":
        voxels.byteswap()
    with open(out, "wb") as file:
        file.write(header(voxels))
        file.write(voxels.tobytes())


if __name__ == "__main__":
    main()
