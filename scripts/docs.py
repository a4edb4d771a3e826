#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what the documents promise. Exit status 1 names each promise that is not kept.

- A relative link in a *.md file leads to a file, and its #anchor to a heading there.
- A decision record (docs/adr/NNNN-title.md) has its four sections and at most 40 lines.
- A name of ours in docs/HACKING.md's table of the seed's names stands in the header it names.
- A package's README.md names each of its public headers.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ADR_SECTIONS = ["Context", "Decision", "Cost", "What would reverse it"]
ADR_SECTION = re.compile(r"^\*\*(.*?)\.\*\*", flags=re.M)
ADR_LINES = 40
# A cell "`name` … (`package/x.h`)": the names before the header stand in it.
SEED_CELL = re.compile(r"(`[^|]*?)\(`([a-z0-9_/]+\.h)`\)")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.S)


def anchor(heading: str) -> str:
    """A heading's anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def documents():
    for path in sorted(ROOT.rglob("*.md")):
        parts = path.relative_to(ROOT).parts
        if parts[0] != "build" and not parts[0].startswith("."):
            yield path


def broken_links():
    for path in documents():
        for target in LINK.findall(re.sub(r"`[^`\n]*`", "", without_code(path.read_text()))):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, fragment = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            where = f"{path.relative_to(ROOT)}: link to {target}"
            if not file.exists():
                yield f"{where}: no such file"
            elif fragment and file.suffix == ".md":
                headings = re.findall(r"^#+ (.*)$", without_code(file.read_text()), flags=re.M)
                if fragment not in map(anchor, headings):
                    yield f"{where}: no such heading"


def bad_records():
    seen = {}
    for path in sorted((ROOT / "docs/adr").glob("*.md")):
        name = path.relative_to(ROOT)
        text = path.read_text()
        if not re.match(r"\d{4}-[a-z0-9-]+\.md$", path.name):
            yield f"{name}: not named NNNN-title.md"
        elif (number := path.name[:4]) in seen:
            yield f"{name}: {seen[number]} has the same number"
        else:
            seen[number] = path.name
        if (count := len(text.splitlines())) > ADR_LINES:
            yield f"{name}: {count} lines, {ADR_LINES} are the most"
        sections = [found.replace("What it costs", "Cost") for found in ADR_SECTION.findall(text)]
        if sections != ADR_SECTIONS:
            yield f"{name}: sections {sections}, wanted {ADR_SECTIONS}"


def stale_seed_names():
    path = ROOT / "docs/HACKING.md"
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.startswith("|"):
            continue
        for names, header in SEED_CELL.findall(line):
            where = f"docs/HACKING.md:{number}"
            file = next((f for f in [ROOT / "cnf/core" / header, ROOT / "cnf" / header] if f.exists()), None)
            if file is None:
                yield f"{where}: no header {header}"
                continue
            text = file.read_text()
            for name in re.findall(r"`([^`]+)`", names):
                last = re.split(r"::|\.", name.removesuffix("()"))[-1]
                if not re.search(rf"\b{re.escape(last)}\b", text):
                    yield f"{where}: {header} has no {name}"


def unnamed_headers():
    for readme in sorted(ROOT.glob("cnf/*/*/README.md")):
        text = readme.read_text()
        for header in sorted(readme.parent.glob("*.h")):
            if not header.name.endswith(("_internal.h", "_test.h")) and header.name not in text:
                yield f"{readme.relative_to(ROOT)}: does not name {header.name}"


def main() -> int:
    found = [*broken_links(), *bad_records(), *stale_seed_names(), *unnamed_headers()]
    print("\n".join(found) if found else "docs: links, decision records, names and package READMEs hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
