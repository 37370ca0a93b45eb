#!/usr/bin/env python3
"""What `weft tune` finds on this machine, against the defaults: each size of frame and each kind of datagram side by side, and the time
`weft fuse` takes over a recording, by turns. Prints JSON as the other benches do.
Usage: profile.py BUILD_DIRECTORY [PROFILE]     without a profile one is measured"""
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TURNS = 7


def seconds(command):
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def fused(weft, folder, profile):
    """Time of the default over that of the tuned one, by minima and by medians."""
    csv, site = folder / "in.csv", folder / "site.yaml"
    subprocess.run([weft, "salvo", ROOT / "tools/scenarios/salvo60.yaml", "--csv", csv, "--truth", folder / "truth.csv", "--site", site,
                    "--speed", "max"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    command = [weft, "fuse", "--config", site, "--tracks", "/dev/null", csv]
    times = {"default": [], "tuned": []}
    for turn in range(TURNS + 1):  # the first warms up
        for name, more in sorted({"default": [], "tuned": ["--profile", profile]}.items(), reverse=turn % 2 == 1):
            times[name].append(seconds(command + more))
    untuned, tuned = times["default"][1:], times["tuned"][1:]
    return min(untuned) / min(tuned), statistics.median(a / b for a, b in zip(untuned, tuned))


def main():
    build = Path(sys.argv[1]).resolve()
    weft = build / "weft"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "profile.yaml"
        if len(sys.argv) <= 2:
            subprocess.run([weft, "tune", "--out", profile], check=True)
        defaults = folder / "defaults.yaml"
        subprocess.run([weft, "tune", "--level", "estimate", "--out", defaults], check=True)
        told, untuned = (json.loads(subprocess.run([weft, "inspect", path], check=True, capture_output=True, text=True).stdout)
                         for path in (profile, defaults))
        report = json.loads(subprocess.run([build / "bench/bench_profile_contest", profile], check=True, capture_output=True, text=True).stdout)
        minima, medians = fused(weft, folder, profile)
    for value, unit in ((minima, "x"), (medians, "x of medians")):
        report["figures"].append({"name": "weft fuse, 60 missiles: default over tuned" + ("" if unit == "x" else ", by medians"), "value": value,
                                  "unit": unit, "goal": 0.97, "better": 1})
    differ = sum(told[part][key] != untuned[part][key] for part in ("engine", "pool", "receive") for key in told[part])
    report["figures"].insert(0, {"name": "settings that differ from the defaults", "value": differ, "unit": "", "goal": 0, "better": 0})
    for each in report["figures"]:
        each["goal"] *= differ > 0  # the same settings twice: what differs is noise, and no goal
    report["profile"] = {key: told[key] for key in ("engine", "pool", "receive")}
    print(json.dumps(report))


main()
