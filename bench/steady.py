#!/usr/bin/env python3
"""Whether the engine, once it runs, takes memory or meets pages that were not there: 10,000 coasting bodies, of which some come down and
others begin all the time, for as many detections as one likes. Prints JSON as the other benches do; fails where it does.
Usage: steady.py BUILD_DIRECTORY DETECTIONS"""
import json
import subprocess
import sys
from pathlib import Path

import reference

OBJECTS, FRAME, FALSE_SHARE = 10_000, 4096, 0.05


def main():
    build, detections = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    out = subprocess.run([build / "bench/bench_coast_steps", str(OBJECTS), str(FRAME), "1", str(FALSE_SHARE), str(detections)], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    one = json.loads(out)
    if one["allocations"] or one["faults"]:
        sys.exit("steady: in {:,} detections {:,} allocations, {:,} page faults".format(one["detections"], one["allocations"], one["faults"]))
    rows = [("detections", one["detections"], "", 0), ("confirmed tracks at the end", one["confirmed"], "", 0), ("tracks that ended", one["lost"], "", 0),
            ("allocations", one["allocations"], "", -1), ("page faults", one["faults"], "", -1), ("CPU time per detection, tracker", one["track_cpu_ns"], "ns", -1),
            ("warning", one["warn_cpu_ns"], "ns", -1), ("lines", one["line_cpu_ns"], "ns", -1)]
    all_ns = one["track_cpu_ns"] + one["warn_cpu_ns"] + one["line_cpu_ns"]
    rows.append(("all of it " + reference.NAME, all_ns / reference.imm_step_ns(build), "x", -1))
    print(json.dumps({"bench": "steady", "figures": [{"name": name, "value": value, "unit": unit, "goal": 0, "better": better}
                                                     for name, value, unit, better in rows]}))


main()
