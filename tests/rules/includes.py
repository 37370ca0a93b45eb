#!/usr/bin/env python3
"""The include law: who may include whom (docs/architecture.md). Prints every breach; exit status 1 if there is one.
Usage: tests/rules/includes.py [IGNORED]"""
import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
KERNEL_SYSTEM = {"stddef.h", "stdint.h", "stdbool.h", "math.h", "float.h", "limits.h", "string.h", "stdlib.h", "stdatomic.h",
                 "cpuid.h"}
COMPOSITION = {"server", "inspect", "tune"}
STAGES = {"ingest", "track", "warn", "emit", "journal"}


def allowed(path, name):
    """May the file at `path` include our header `name`? Both from the root."""
    place = path.split("/")
    if place[0] == "kernels":
        return name.startswith("kernels/")
    if place[0] == "engine" and (len(place) == 2 or place[1] in COMPOSITION):
        return name.startswith(("engine/", "kernels/wk"))
    if place[0] == "engine":
        stage = place[1]
        if stage == "base":
            return name.startswith("engine/base/")
        if stage == "domain":
            return name.startswith(("engine/domain/", "engine/base/"))
        if stage == "platform":
            return name.startswith(("engine/platform/", "engine/base/"))
        if name.startswith(("engine/" + stage + "/", "engine/domain/", "engine/base/", "kernels/wk")):
            return stage in STAGES
        return stage in ("journal", "emit") and name == "engine/platform/io.h"
    if place[0] == "tools":
        return name == "engine/weft.h" or name.startswith(("engine/base/", "tools/"))
    return True  # tests look everywhere, benches measure anything


def main():
    breaches, seen = [], 0
    for top in ("engine", "kernels", "tools", "bench", "tests"):
        for path in sorted((root / top).rglob("*.[ch]")):
            here = str(path.relative_to(root))
            seen += 1
            text = path.read_text()
            for match in INCLUDE.finditer(text):
                bracket, name = match.groups()
                where = "%s:%d" % (here, text.count("\n", 0, match.start(2)) + 1)
                if name.endswith(".c"):
                    breaches.append("%s includes a .c file: %s" % (where, name))
                elif name == "liburing.h" and here != "engine/platform/io_uring.c":
                    breaches.append("%s: only engine/platform/io_uring.c includes liburing.h" % where)
                elif bracket == "<":
                    if top == "kernels" and name not in KERNEL_SYSTEM and not name.endswith("intrin.h"):
                        breaches.append("%s: a kernel includes <%s>" % (where, name))
                elif not (root / name).is_file():
                    breaches.append('%s: "%s" is no path from the root' % (where, name))
                elif not allowed(here, name):
                    breaches.append("%s may not include %s" % (where, name))
    if seen < 50:
        breaches.append("only %d files found under %s: looking in the wrong place?" % (seen, root))
    print("\n".join(breaches) or "include law: %d files keep it" % seen)
    return 1 if breaches else 0


sys.exit(main())
