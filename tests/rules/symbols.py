#!/usr/bin/env python3
"""What only the built objects can tell: no name defined twice in the program, and no function of libm in engine and kernels
whose result depends on the machine (sin, exp, ...: results must be the same bits everywhere).
Usage: tests/rules/symbols.py [BUILD]      BUILD: a build folder, default build/dev"""
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

root = Path(__file__).resolve().parents[2]
STAGES = "base domain platform ingest track warn emit journal kernels".split()
MACHINE_DEPENDENT = set(
    "sin cos tan asin acos atan atan2 sincos sinh cosh tanh asinh acosh atanh exp exp2 exp10 expm1 log log2 log10 log1p "
    "pow cbrt hypot erf erfc tgamma lgamma".split())
MACHINE_DEPENDENT |= {name + suffix for name in MACHINE_DEPENDENT for suffix in "fl"}
# Where it doesn't matter, with the reason.
ALLOWED = {"libweft_base.a:prng.c.o": "random numbers serve generators and simulations; the engine's step draws none"}


def symbols(path):
    """(object, kind, name) of every global symbol."""
    run = subprocess.run(["nm", "-g", "-A", "--no-demangle", str(path)], capture_output=True, text=True)
    if run.returncode:
        sys.exit("nm %s: %s" % (path, run.stderr.strip()))
    for line in run.stdout.splitlines():
        fields = line.rsplit(":", 1)
        rest = fields[1].split()
        yield fields[0], rest[-2], rest[-1]


def main():
    build = root / (sys.argv[1] if len(sys.argv) > 1 else "build/dev")
    libraries = [build / ("libweft_%s.a" % stage) for stage in STAGES] + [build / "libweft.a"]
    libraries = [library for library in libraries if library.exists()]
    objects = sorted((build / "CMakeFiles/weft.dir").rglob("*.o"))
    if len(libraries) < 8 or not objects:
        print("no build of weft in %s: tools/check makes one" % build)
        return 77
    broken, defined = [], defaultdict(list)
    for path in libraries + objects:
        for place, kind, name in symbols(path):
            short = place.rsplit("/", 1)[-1]
            if kind in "TDBRGSC":
                defined[name].append(short)
            elif kind == "U" and name in MACHINE_DEPENDENT and path in libraries and short not in ALLOWED:
                broken.append("%s calls %s of libm; use wk_%s (kernels/wk.h)" % (short, name, name))
    for name, places in sorted(defined.items()):
        if len(places) > 1:
            broken.append("%s is defined more than once: %s" % (name, ", ".join(places)))
    print("\n".join(broken) or "symbols: %d global names, each defined once; no machine-dependent libm" % len(defined))
    return 1 if broken else 0


sys.exit(main())
