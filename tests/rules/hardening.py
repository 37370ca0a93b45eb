#!/usr/bin/env python3
"""The built program is hardened as docs/security.md says: position-independent, symbols bound at the start and read-only from then on,
nothing writable and executable, stack protector and checked library calls compiled in.
Usage: tests/rules/hardening.py [BUILD]      BUILD: a build folder, default build/dev"""
import re
import subprocess
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[2]
CHECKED_CALLS_MIN = 5 # of the C library, by _FORTIFY_SOURCE


def readelf(option, path):
    run = subprocess.run(["readelf", "-W", option, str(path)], capture_output=True, text=True)
    if run.returncode:
        sys.exit("readelf %s %s: %s" % (option, path, run.stderr.strip()))
    return run.stdout


def program_check(program, shipped):
    """What is wrong with the program as linked; `shipped`: built without the tests, for which checked calls are left off."""
    header, dynamic, segments, symbols = (readelf(option, program) for option in ("-h", "-d", "-l", "--dyn-syms"))
    flags = " ".join(line.split("Flags:")[-1] for line in dynamic.splitlines() if "(FLAGS" in line)
    access = dict(re.findall(r"^\s+(LOAD|GNU_STACK|GNU_RELRO)\s+(?:0x\w+\s+){5}([RWE ]{3})", segments, re.M))
    loads = re.findall(r"^\s+LOAD\s+(?:0x\w+\s+){5}([RWE ]{3})", segments, re.M)
    imported = set(re.findall(r"UND (\w+)", symbols))
    yield "DYN" in header and "PIE" in flags, "it is not position-independent: -fPIE, -pie"
    yield "GNU_RELRO" in access and "NOW" in flags, "its tables of symbols stay writable: -z relro, -z now"
    yield "E" not in access.get("GNU_STACK", "E"), "its stack is executable: -z noexecstack"
    yield loads and not any("W" in load and "E" in load for load in loads), "a segment is writable and executable"
    yield "(TEXTREL)" not in dynamic, "its code is written to when it is loaded"
    yield "__stack_chk_fail" in imported, "no function has a stack protector: -fstack-protector-strong"
    checked = sorted(name for name in imported if re.match(r"__\w+_chk$", name))
    yield not shipped or len(checked) >= CHECKED_CALLS_MIN, "calls of the C library are not checked: -D_FORTIFY_SOURCE=3 (%s)" % checked


def main():
    build = root / (sys.argv[1] if len(sys.argv) > 1 else "build/dev")
    program, cache = build / "weft", build / "CMakeCache.txt"
    if not program.exists() or not cache.exists():
        print("no build of weft in %s: tools/check makes one" % build)
        return 77
    if re.search(r"^(WEFT_SANITIZE:\w+=.+|WEFT_COVERAGE:\w+=ON|WEFT_HARDENED:\w+=OFF)$", cache.read_text(), re.M):
        print("%s is built for other checks, without hardening" % build)
        return 77
    shipped = not re.search(r"^WEFT_TESTS:\w+=ON$", cache.read_text(), re.M)
    broken = ["weft: " + what for good, what in program_check(program, shipped) if not good]
    objects = sorted(path for part in ("engine", "tools") for path in build.glob("CMakeFiles/*.dir/%s/**/*.o" % part))
    broken += ["%s: jumps and returns are not marked: -fcf-protection" % path.name for path in objects if "IBT, SHSTK" not in readelf("-n", path)]
    print("\n".join(broken) or "hardening: the program and its %d objects keep it" % len(objects))
    return 1 if broken else 0


sys.exit(main())
