#!/usr/bin/env python3
"""Every kernel in the table of kernels/wk.h is called by some test under tests/kernel.
Usage: tests/rules/kernels.py [IGNORED]"""
import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[2]


def main():
    header = (root / "kernels/wk.h").read_text()
    table = re.search(r"struct wk_table \{(.*?)\n\};", header, re.S)
    if not table:
        print("kernels/wk.h: no struct wk_table")
        return 1
    names = re.findall(r"\(\*(\w+)\)\(", table.group(1))
    tests = "\n".join(path.read_text() for path in sorted((root / "tests/kernel").glob("*.[ch]")))
    untested = [name for name in names if not re.search(r"(->|\.)%s\b" % name, tests)]
    for name in untested:
        print("kernel %s: no test under tests/kernel calls it" % name)
    if not names:
        print("struct wk_table has no kernels: looked wrongly?")
    elif not untested:
        print("kernels: %d, each called by a test" % len(names))
    return 1 if untested or not names else 0


sys.exit(main())
