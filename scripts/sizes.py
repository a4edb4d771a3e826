#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names files of more than 500 lines and functions of more than 60: exit status 1 if there are any.

Functions are found by clang-format's shape: a definition's closing brace stands under its first line.
"""

import pathlib
import re
import sys

MAX_FILE = 500
MAX_FUNCTION = 60
ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ("cnf", "fuzz", "tests", "examples", "bindings")
NOT_FUNCTION = re.compile(r"(namespace|class|struct|enum|union|extern|if|for|while|switch|do|else)\b|.*=\s*(\{|$)")


def functions(lines: list[str]):
    """(first line, length) of each function's definition, by the indentation that clang-format gives it."""
    opened = {}  # indentation: the last line that began a statement there
    for number, line in enumerate(lines):
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if not text or text[0] in "#/" or indent > 4:
            continue
        if text == "}" and indent in opened:
            start = opened[indent]
            first = lines[start].strip()
            if "(" in first and not NOT_FUNCTION.match(first):
                yield start + 1, number - start + 1
        elif text[0] != "}":
            opened[indent] = number


def offences():
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".h", ".cc"):
                continue
            lines = path.read_text().splitlines()
            name = path.relative_to(ROOT)
            if len(lines) > MAX_FILE:
                yield f"{name}: {len(lines)} lines, {MAX_FILE} are the most"
            for number, length in functions(lines):
                if length > MAX_FUNCTION:
                    yield f"{name}:{number}: a function of {length} lines, {MAX_FUNCTION} are the most"


def main() -> int:
    found = list(offences())
    print("\n".join(found) if found else f"sizes: no file over {MAX_FILE} lines, no function over {MAX_FUNCTION}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
