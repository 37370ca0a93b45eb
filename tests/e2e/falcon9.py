#!/usr/bin/env python3
"""Real boost and ballistic flight: three Falcon 9 first stages (real motion through a stated measurement model)."""
import csv
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

FOLDER = "../shared/data/falcon9"
BOOST_SETTLES_S = 5.0   # of each burn: a change of thrust must be seen in noise of 30 m and 1 mrad first
BOOST_FRACTION = 0.80


def burns_of(text):
    """[(from_s, to_s)] as the script tells them."""
    burns = []
    for begin, end in re.findall(r"(\d+)(?: to (\d+)| s to the end)", re.search(r"burns (.*), ends", text)[1]):
        burns.append((float(begin), float(end) if end else 1e9))
    return burns


def flight(path, out):
    name = os.path.basename(path).replace("-stage1.csv", "").replace("-", "_")
    plots, truth, site, tracks = (os.path.join(out, f"{name}.{end}") for end in ("csv", "truth", "site.yaml", "jsonl"))
    with open(plots, "w") as file:
        told = subprocess.run([sys.executable, "tools/falcon9_detections", path, "--truth", truth, "--site", site], stdout=file,
                              stderr=subprocess.PIPE, text=True, check=True).stderr
    done = run("fuse", "--config", site, "--tracks", tracks, plots)
    ledger = ledger_of(done.stdout)
    check(f"{name}_books_balance", done.returncode == 0 and books_balanced(ledger_books(ledger)), f"{ledger['total']['detections']['received']} detections")
    with open(plots) as file:
        times = [int(row["time_ns"]) for row in csv.DictReader(file)]
    found = confirmed(tracks_read(tracks))
    check(f"{name}_one_confirmed_track", len(found) == 1, f"{len(found)} confirmed, {len(tracks_read(tracks))} in all")
    lines = max(found.values(), key=len)
    late, left = (lines[0]["time_ns"] - times[0]) * 1e-9, (times[-1] - lines[-1]["time_ns"]) * 1e-9
    check(f"{name}_confirmed_within_10_s_of_the_horizon", late <= 10, f"{late:.1f} s after the first detection")
    gap = max((b["time_ns"] - a["time_ns"]) * 1e-9 for a, b in zip(lines, lines[1:]))
    check(f"{name}_unbroken_to_the_last_detection", left <= 0.01 and gap <= 5, f"ends {left:.2f} s before it, longest pause {gap:.1f} s")
    lost = [one for all_lines in tracks_read(tracks).values() for one in all_lines if one["status"] == "lost"]
    check(f"{name}_never_lost", not lost, f"{len(lost)} lost lines")
    begin = 1_700_000_000_000_000_000
    inside = right = all_inside = all_right = 0
    told_burns = []
    for start, end in burns_of(told):
        seen = [one for one in lines if max(start, (times[0] - begin) * 1e-9) <= (one["time_ns"] - begin) * 1e-9 < end]
        late_ones = [one for one in seen if (one["time_ns"] - begin) * 1e-9 >= max(start, (times[0] - begin) * 1e-9) + BOOST_SETTLES_S]
        boost = sum(one.get("phase") == "boost" for one in late_ones)
        inside, right = inside + len(late_ones), right + boost
        all_inside, all_right = all_inside + len(seen), all_right + sum(one.get("phase") == "boost" for one in seen)
        first = next(((one["time_ns"] - begin) * 1e-9 for one in seen if one.get("phase") == "boost"), None)
        told_burns.append(f"{start:.0f}-{'end' if end > 1e8 else format(end, '.0f')} s: {boost}/{len(late_ones)}, first seen "
                          f"{'never' if first is None else format(first - start, '.1f') + ' s in'}")
    check(f"{name}_burns_seen_as_boost", inside and right / inside >= BOOST_FRACTION,
          f"{100 * right / max(1, inside):.1f} % of lines from {BOOST_SETTLES_S:g} s into each burn ({100 * all_right / max(1, all_inside):.1f} % from its start); " + "; ".join(told_burns))
    classes = {one["class"] for one in lines if (one["time_ns"] - times[0]) * 1e-9 > 30}
    check(f"{name}_is_ballistic", classes == {"ballistic"}, f"{sorted(classes)} from 30 s after the first detection")


def test():
    paths = sorted(glob.glob(FOLDER + "/*.csv"))
    if not paths:
        skip(f"no recordings in {FOLDER}")
    out = folder()
    for path in paths:
        flight(path, out)


main(test)
