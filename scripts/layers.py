#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that include lines obey the layers: a package includes only what stands below it.

CMake's targets say the same of what is linked; this says it of headers, which need no linking.
Exit status 1 names each line that does not obey.
"""

import pathlib
import re
import sys

# Each layer sees those before it. Packages of one layer do not see each other.
LAYERS = [
    ["core/util"],
    ["core/storage", "core/compress", "core/worker"],
    ["core/chunk", "core/index", "core/metadata"],
    ["core/query"],
    ["testing"],
    ["hts", "zarr", "em"],
    ["formats/*"],
    ["cli"],
]
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]cnf/([^">]+)[">]')
ROOT = pathlib.Path(__file__).resolve().parent.parent


def package_of(path: str) -> str:
    """'core/storage/s3.h' is of core/storage, 'formats/bams3/x.h' of formats/bams3, 'cli/main.cc' of cli."""
    parts = path.split("/")
    return parts[0] if parts[0] in ("cli", "em", "hts", "testing", "zarr") else "/".join(parts[:2])


def may_include(path: pathlib.Path, package: str, other: str) -> bool:
    if other == package:
        return True
    if other == "testing":  # fakes and contract suites: for tests, of whatever layer, and for nothing else
        return path.name.endswith(("_test.cc", "_test.h"))
    return layer_of(other) < layer_of(package)


def layer_of(package: str) -> int:
    for number, layer in enumerate(LAYERS):
        if package in layer or ("formats/*" in layer and package.startswith("formats/")):
            return number
    raise SystemExit(f"layers.py: package {package} is in no layer; say in scripts/layers.py where it stands")


def offences(root: pathlib.Path):
    for path in sorted((root / "cnf").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        package = package_of(path.relative_to(root / "cnf").as_posix())
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            other = package_of(match[1])
            if not may_include(path, package, other):
                yield f"{path.relative_to(root)}:{number}: {package} may not include {match[1]}"


def main() -> int:
    found = list(offences(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
    print("\n".join(found) if found else "layers: every include line obeys")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
