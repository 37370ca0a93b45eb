#!/usr/bin/env python3
"""The warning of a salvo of sixty: every confirmed ballistic line says where it comes down, from the first one on; launches are grouped
into the three areas they came from; named areas get their probability; the region is below 50 km soon after burn-out."""
import csv
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

SCENARIO, SITE = "tools/scenarios/salvo60.yaml", "tools/scenarios/salvo60.site.yaml"
# The discs that the salvos aim at, as boxes.
AREAS = {"P": (-44.8, -123.6), "Q": (-43.6, -125.6), "R": (-46.4, -124.8), "S": (-47.0, -127.0)}
BOX_LAT, BOX_LON = 0.6, 0.85
SIGMAS_90 = 2.146  # half axis of the 90 % region over one sigma


def areas_write(path):
    features = []
    for name, (lat, lon) in AREAS.items():
        ring = [[lon + x * BOX_LON, lat + y * BOX_LAT] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]
        features.append({"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    with open(path, "w") as file:
        json.dump({"type": "FeatureCollection", "features": features}, file)


def truth_read(path):
    """Target -> end of boost, impact time, area of impact."""
    found = {}
    with open(path) as file:
        for row in csv.DictReader(file):
            one = found.setdefault(row["target"], {"impact_ns": int(row["impact_time_ns"]), "burnout_ns": None})
            lat, lon = float(row["impact_lat_deg"]), float(row["impact_lon_deg"])
            one["area"] = next((n for n, (a, o) in AREAS.items() if abs(lat - a) < BOX_LAT and abs(lon - o) < BOX_LON), None)
            one["place"] = lat, lon
            if row["phase"] == "boost":
                one["burnout_ns"] = int(row["time_ns"])
    return found


def target_of(line, truth):
    """The missile whose impact a track's last estimate meets."""
    impact = line["impact"]
    for name, one in truth.items():
        if abs(impact["time_ns"] - one["impact_ns"]) < 3e9 and all(
                abs(a - b) < 0.02 for a, b in zip((impact["lat_deg"], impact["lon_deg"]), one["place"])):
            return name
    return None


def events_of(tracks):
    """Event number -> launches it says in the end, tracks that name it."""
    events = {}
    for lines in tracks.values():
        if event := lines[-1]["launch"].get("event"):
            said, members = events.get(event["number"], (0, 0))
            events[event["number"]] = max(said, event["launches"]), members + 1
    return events


def test():
    out = folder()
    plots, truth_path, areas, site, path = (os.path.join(out, name) for name in
                                            ("plots.csv", "truth.csv", "areas.geojson", "site.yaml", "tracks.jsonl"))
    areas_write(areas)
    with open(SITE) as source, open(site, "w") as copy:
        copy.write(source.read() + "\nregions: areas.geojson\n")
    run("salvo", SCENARIO, "--csv", plots, "--truth", truth_path)
    fused = run("fuse", "--config", site, "--tracks", path, plots)
    check("fuse_exits_0", fused.returncode == 0, fused.stderr.strip())
    truth = truth_read(truth_path)
    tracks = {number: [one for one in lines if one["class"] == "ballistic"] for number, lines in confirmed(tracks_read(path)).items()}
    tracks = {number: lines for number, lines in tracks.items() if lines}
    lines = [one for those in tracks.values() for one in those]

    with_impact = sum("impact" in one for one in lines)
    check("every_confirmed_ballistic_line_has_an_impact", with_impact == len(lines) > 50000, f"{with_impact} of {len(lines)}")
    check("from_the_first_one_on", all("impact" in those[0] for those in tracks.values()), f"{len(tracks)} tracks")
    with_event = sum("event" in one.get("launch", {}) for one in lines)
    check("nearly_every_line_names_its_event", with_event > 0.98 * len(lines), f"{with_event} of {len(lines)}")
    events = events_of(tracks)
    # A track that broke counts its second half as another launch: one such in an event at most.
    check("three_areas_are_three_events_of_twenty_launches",
          len(events) == 3 and all(20 <= said <= 21 and said == members for said, members in events.values()), f"{events}")

    late, wrong, met = [], [], set()
    for number, those in tracks.items():
        name = target_of(those[-1], truth)
        if name is None:
            continue
        met.add(name)
        if those[-1]["impact"].get("regions", [{}])[0].get("name") != truth[name]["area"]:
            wrong.append(number)
        narrow = [one["time_ns"] for one in those if SIGMAS_90 * one["impact"]["semi_major_m"] < 50e3]
        if narrow:
            late.append((narrow[0] - truth[name]["burnout_ns"]) / 1e9)
    late.sort()
    check("every_missile_has_a_track_that_ends_at_its_impact", len(met) == 60, f"{len(met)}")
    check("the_likeliest_area_is_the_true_one_in_the_end", not wrong, f"wrong: {wrong}")
    check("region_90_is_below_50_km_within_15_s_of_burn_out", len(late) >= 60 and late[len(late) * 9 // 10] < 15,
          f"median {late[len(late) // 2]:.1f} s, nine of ten within {late[len(late) * 9 // 10]:.1f} s, worst {late[-1]:.1f} s")


main(test)
