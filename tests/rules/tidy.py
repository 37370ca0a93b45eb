#!/usr/bin/env python3
"""What the house style lets a program check: file names unique, files and functions that can be read, no leftovers, no
path of somebody's machine. Exit status 1 if a hard bound is broken; what is over the soft ones is only told.
Usage: tests/rules/tidy.py [IGNORED]"""
import re
import sys
from collections import defaultdict
from pathlib import Path

root = Path(__file__).resolve().parents[2]
FILE_LINES_MAX, FUNCTION_LINES, FUNCTION_LINES_MAX, LINE_CHARACTERS_MAX = 800, 70, 80, 160
LEFTOVER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MACHINE = re.compile(r"(^|[\s\"'(=])/(wo" + r"rk|home/\w+|ro" + r"ot|tmp/ba" + r"sh_jobs|tmp/bu" + r"ild)\b")
BANNER = re.compile(r"^\s*(/\*|//|\*)\s*[-=*#]{20,}")
TEXT = {".c", ".h", ".md", ".txt", ".py", ".sh", ".yaml", ".json", ""}


def files():
    for top in ("engine", "kernels", "tools", "bench", "tests", "docs", ".ci"):
        yield from sorted(p for p in (root / top).rglob("*") if p.is_file() and p.suffix in TEXT)
    yield from sorted(p for p in root.iterdir() if p.is_file() and p.suffix in TEXT and p.name != "LICENSE")


def functions(lines):
    """(line number, lines) of every function: an opening brace that ends a line at depth 0, up to its `}` in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and re.match(r"^[A-Za-z_].*\)\s*\{$", line) or start is None and re.match(r"^\s+.*\)\s*\{$", line):
            if not re.match(r"^\s*(if|for|while|switch|do|else)\b", line):
                start = number
        elif start is not None and line == "}":
            yield start, number - start + 1
            start = None


def file_check(path, broken, told):
    here = str(path.relative_to(root))
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        return
    code = path.suffix in (".c", ".h")
    for number, line in enumerate(lines, 1):
        if LEFTOVER.search(line):
            broken.append("%s:%d: a leftover: %s" % (here, number, line.strip()))
        if MACHINE.search(line):
            broken.append("%s:%d: a path of one machine: %s" % (here, number, line.strip()))
        if code and BANNER.search(line):
            broken.append("%s:%d: a banner" % (here, number))
        if code and len(line) > LINE_CHARACTERS_MAX:
            told.append("%s:%d: %d characters in a line" % (here, number, len(line)))
        if code and "\t" in line:
            broken.append("%s:%d: a tab" % (here, number))
    if not code:
        return
    if len(lines) > FILE_LINES_MAX:
        broken.append("%s: %d lines; look for the second noun in it (at most %d)" % (here, len(lines), FILE_LINES_MAX))
    for start, length in functions(lines):
        if length > FUNCTION_LINES_MAX:
            broken.append("%s:%d: a function of %d lines (at most %d)" % (here, start, length, FUNCTION_LINES_MAX))
        elif length > FUNCTION_LINES:
            told.append("%s:%d: a function of %d lines" % (here, start, length))


def main():
    broken, told, places = [], [], defaultdict(list)
    count = 0
    for path in files():
        count += 1
        file_check(path, broken, told)
        if path.suffix in (".c", ".h"):
            place = path.relative_to(root).parts[0]
            places[("tests/" if place == "tests" else "") + path.name].append(str(path.relative_to(root)))
    for name, where in places.items():
        if len(where) > 1 and not name.startswith("tests/"):
            broken.append("one name for several files: " + ", ".join(where))
    for line in told:
        print("told: " + line)
    print("\n".join(broken) or "tidy: %d files" % count)
    return 1 if broken else 0


sys.exit(main())
