# SPDX-License-Identifier: Apache-2.0
"""A tomogram made of real parts: the power spectrum of a real micrograph, 10,000 copies of a real map.

Both come in the source distribution of mrcfile, which pip fetches: epu2.9_example.mrc (a micrograph of a real
microscope, uint16) and EMD-3197 (a map of 20 voxels a side). Fixed seeds: the same bytes every time.
Alone it makes the data: volumes_data.py --data DIR
"""
import argparse
import os
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

MRCFILE = "1.5.4"
SHAPE = (500, 928, 960)  # z, y, x
VOXEL = 7.84  # Å
PARTICLES = 10_000


def real_parts(folder):
    """Paths of the micrograph and the map, fetched once."""
    names = {"epu2.9_example.mrc": None, "EMD-3197.map": None}
    for name in names:
        names[name] = os.path.join(folder, name)
    if all(os.path.exists(path) for path in names.values()):
        return list(names.values())
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "mrcfile",
                        f"mrcfile=={MRCFILE}", "-d", work], check=True)
        with tarfile.open(os.path.join(work, f"mrcfile-{MRCFILE}.tar.gz")) as archive:
            for name, path in names.items():
                member = archive.extractfile(f"mrcfile-{MRCFILE}/tests/test_data/{name}")
                with open(path + ".part", "wb") as out:
                    out.write(member.read())
                os.rename(path + ".part", path)
    return list(names.values())


def voxels_of(path):
    import mrcfile
    with mrcfile.open(path, permissive=True) as file:
        return np.array(file.data)


def radial_amplitude(micrograph):
    """Amplitude by spatial frequency (0 to 0.5 per pixel, 256 classes) of the micrograph's middle."""
    side = 2048
    at = [(length - side) // 2 for length in micrograph.shape]
    patch = micrograph[at[0]:at[0] + side, at[1]:at[1] + side].astype(np.float32)
    power = np.abs(np.fft.fft2(patch - patch.mean())) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    classes = np.minimum((frequency * 512).astype(int), 255)
    mean = np.bincount(classes.ravel(), power.ravel(), 256) / np.maximum(np.bincount(classes.ravel(), minlength=256), 1)
    return np.sqrt(mean)


def coloured_planes(generator, amplitude, shape):
    """Planes of noise with the micrograph's spectrum, of deviation 1, alike from one to the next."""
    frequency = np.hypot(*np.meshgrid(np.fft.rfftfreq(shape[1]), np.fft.fftfreq(shape[0])))
    gain = amplitude[np.minimum((frequency * 512).astype(int), 255)]
    gain[0, 0] = 0
    gain /= np.sqrt((gain ** 2).mean())

    def plane():
        white = np.fft.rfft2(generator.standard_normal(shape, dtype=np.float32))
        return np.fft.irfft2(white * gain, shape).astype(np.float32)

    weights = np.array([0.25, 0.5, 0.25], np.float32)
    weights /= np.sqrt((weights ** 2).sum())
    window = [plane(), plane(), plane()]
    while True:
        yield sum(weight * one for weight, one in zip(weights, window))
        window = [*window[1:], plane()]


def orientations(particle):
    """The 24 turns of a cube."""
    turned = []
    for axes in ((0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (2, 1, 0), (1, 0, 2)):
        base = np.transpose(particle, axes)
        turned += [np.rot90(base, k, (1, 2)) for k in range(4)]
    return turned


def tomogram(folder):
    """Paths of the MRC file and of the particles' STAR file, made once."""
    path, star = os.path.join(folder, "tomogram.mrc"), os.path.join(folder, "particles.star")
    if os.path.exists(path) and os.path.exists(star):
        return path, star
    import mrcfile
    os.makedirs(folder, exist_ok=True)
    micrograph, particle = (voxels_of(part) for part in real_parts(folder))
    deviation = float(micrograph.astype(np.float32).std())
    generator = np.random.default_rng(5)
    low = np.array([side // 2 for side in particle.shape])
    places = generator.integers(low, np.array(SHAPE) - low, (PARTICLES, 3))  # of the middle: z, y, x
    turned = [3 * one / np.abs(one).max() for one in orientations(particle)]
    turns = generator.integers(0, len(turned), PARTICLES)
    with mrcfile.new_mmap(path + ".part", SHAPE, mrc_mode=1, overwrite=True) as file:
        file.voxel_size = VOXEL
        for z, plane in zip(range(SHAPE[0]), coloured_planes(generator, radial_amplitude(micrograph), SHAPE[1:])):
            for i in np.flatnonzero(np.abs(places[:, 0] - z) <= low[0]):
                layer = z - (places[i, 0] - low[0])
                if layer >= particle.shape[0]:
                    continue
                y, x = places[i, 1] - low[1], places[i, 2] - low[2]
                one = turned[turns[i]][layer]
                plane[y:y + one.shape[0], x:x + one.shape[1]] += one
            file.data[z] = np.clip(np.rint(plane * deviation), -32768, 32767).astype(np.int16)
    with open(star + ".part", "w") as out:
        out.write("\ndata_particles\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n_rlnCoordinateZ #3\n")
        out.writelines(f"{x} {y} {z}\n" for z, y, x in places)
    os.rename(star + ".part", star)
    os.rename(path + ".part", path)
    return path, star


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder for what is made once")
    print("\n".join(tomogram(parser.parse_args().data)))
