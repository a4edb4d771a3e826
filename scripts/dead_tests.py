#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that every source is in some target: dead_tests.py BUILD_DIR. A test in no target never runs.

Exit status 1 names each *_test.cc, *_fuzz.cc and other source that BUILD_DIR's compile commands lack.
"""

import json
import pathlib
import sys

# Sources that this build need not compile, each with its reason.
ELSEWHERE = {
    "tests/install/consumer/consumer.cc": "the install tests compile it, as somebody else would",
    "tests/install/consumer/volume.cc": "the same",
    "tests/install/subdirectory/consumer.cc": "the same",
    "fuzz/parts_mutator.cc": "libFuzzer calls it: the preset fuzz alone compiles it",
}
FOLDERS = ("cnf", "fuzz", "tests")
ROOT = pathlib.Path(__file__).resolve().parent.parent


def main() -> int:
    commands = json.loads((pathlib.Path(sys.argv[1]) / "compile_commands.json").read_text())
    compiled = {(pathlib.Path(entry["directory"]) / entry["file"]).resolve() for entry in commands}
    sources = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.cc"))]
    dead = [
        name
        for path in sources
        if path not in compiled and (name := path.relative_to(ROOT).as_posix()) not in ELSEWHERE
    ]
    if not any(path.name.endswith("_test.cc") for path in compiled):
        dead.append(f"{sys.argv[1]} compiles no test at all")
    print("\n".join(f"{name}: in no target" for name in dead) or "dead_tests: every source is in a target")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
