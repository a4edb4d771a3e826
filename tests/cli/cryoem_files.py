# SPDX-License-Identifier: Apache-2.0
"""MRC files for tests, written field by field from the MRC2014 specification, and arrays in pure Python."""

import array
import math
import random
import struct

TYPES = {0: "b", 1: "h", 2: "f", 6: "H"}  # by MODE


def voxels(sides, mode=1, seed=1):
    """Noise around a slope, so that no two slabs are alike."""
    dice = random.Random(seed)
    count = math.prod(sides)
    if mode == 0:
        return array.array("b", dice.randbytes(count))
    noise = dice.randbytes(count)
    values = array.array(TYPES[mode], bytes(count * array.array(TYPES[mode]).itemsize))
    plane = sides[0] * sides[1]
    for i in range(count):
        values[i] = noise[i] + i // plane
    return values


def mrc(sides, values, mode=1, big_endian=False, voxel=7.84, extended=b"", map_order=(1, 2, 3), ispg=1):
    """The bytes of a file. `sides` are NX, NY, NZ; statistics are marked as not determined."""
    order = ">" if big_endian else "<"
    cell = [voxel * side for side in sides]
    head = struct.pack(order + "10i6f3i3f2i", *sides, mode, 0, 0, 0, *sides, *cell, 90, 90, 90, *map_order,
                       0, -1, -2, ispg, len(extended))
    head += bytes(8) + struct.pack(order + "4si", b"CCP4" if extended else b"", 20140) + bytes(84)
    head += struct.pack(order + "3f4s4sfi", 1.5, 2.5, 3.5, b"MAP ", b"\x11\x11\0\0" if big_endian else b"\x44\x44\0\0", -1, 1)
    head += b"made for a test".ljust(800)
    if big_endian:
        values = array.array(values.typecode, values)
        values.byteswap()
    return head + extended + values.tobytes()


def box(values, sides, begin, size):
    """The bytes of a box, x fastest."""
    width, height, _ = sides
    rows = bytearray()
    for z in range(begin[2], begin[2] + size[2]):
        for y in range(begin[1], begin[1] + size[1]):
            first = begin[0] + width * (y + height * z)
            rows += values[first:first + size[0]].tobytes()
    return bytes(rows)


def png_size(data):
    """Width, height and bits of a PNG."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">IIB", data[16:25])
