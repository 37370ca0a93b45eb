#!/usr/bin/env python3
"""Two satellites alone confirm a burning missile within three looks each; the radar that it meets later goes on with that track."""
import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

SCENARIO, SITE = "tools/scenarios/infrared.yaml", "tools/scenarios/infrared.site.yaml"
SATELLITES, RADAR = (191, 291), 501


def test():
    out = folder()
    plots, truth, site, tracks = (os.path.join(out, f"infrared.{end}") for end in ("csv", "truth.csv", "site.yaml", "jsonl"))
    made = run("salvo", SCENARIO, "--csv", plots, "--truth", truth, "--site", site, "--speed", "max")
    with open(site) as new, open(SITE) as old:
        check("site_file_is_what_the_generator_writes", made.returncode == 0 and new.read() == old.read(), SITE)
    done = run("fuse", "--config", SITE, "--tracks", tracks, plots)
    check("books_balance", done.returncode == 0 and books_balanced(ledger_books(ledger_of(done.stdout))), "")
    with open(plots) as file:
        seen = [(int(row["time_ns"]), int(row["sensor"])) for row in csv.DictReader(file) if row["truth"]]
    burnt_ns = max(time for time, sensor in seen if sensor in SATELLITES)
    radar_ns = min(time for time, sensor in seen if sensor == RADAR)
    check("radar_sees_it_only_after_burn_out", radar_ns > burnt_ns, f"{(radar_ns - burnt_ns) * 1e-9:.1f} s after the last infrared look")
    found = confirmed(tracks_read(tracks))
    check("one_confirmed_track", len(found) == 1, f"{len(found)}")
    lines = max(found.values(), key=len)
    first = next(line for line in lines if line["status"] == "confirmed")
    looks = [sum(time <= first["time_ns"] and sensor == eye for time, sensor in seen) for eye in SATELLITES]
    check("confirmed_within_three_looks_of_each", max(looks) <= 3 and sorted(first["sensors"]) == sorted(SATELLITES),
          f"after {looks} looks, {first['detections']} plots")
    joined = [line for line in lines if RADAR in line["sensors"]]
    check("radar_goes_on_with_the_same_track", bool(joined) and (joined[0]["time_ns"] - radar_ns) * 1e-9 < 5,
          f"{(joined[0]['time_ns'] - radar_ns) * 1e-9:.1f} s after its first look" if joined else "never")
    last_ns = max(time for time, sensor in seen if sensor == RADAR)
    left_s = (last_ns - lines[-1]["time_ns"]) * 1e-9
    check("one_number_to_the_radars_horizon", left_s < 3, f"last line {left_s:.1f} s before the last look")


main(test)
