#!/usr/bin/env python3
"""Objects in orbit are said to be orbital, soon, and are not warned of; what comes down is never called orbital, however high it flies."""
import csv
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

LAT, LON = -45.0, -123.0  # what the orbits pass over
EARTH_KM = 6378.137
# name, perigee km, apogee km, course over the place, true anomaly there
ORBITS = [("c200", 200, 200, 40, 0), ("c200b", 200, 205, 200, 120), ("c300", 300, 300, 120, 0), ("c400", 400, 410, 310, 90), ("c500", 500, 500, 75, 0),
          ("c800", 800, 800, 350, 0), ("c800b", 790, 805, 150, 200), ("e200x2000", 200, 2000, 60, 0), ("e200x2000up", 200, 2000, 250, 60),
          ("e180x900down", 180, 900, 100, 320), ("e300x20000", 300, 20000, 80, 10), ("e250x36000", 250, 36000, 95, 0),
          ("e700x1500", 700, 1500, 20, 45), ("c600", 600, 600, 170, 0)]
RADAR = """  - id: {id}
    name: radar-{id}
    nation: A
    kind: radar
    position: {{lat_deg: {lat}, lon_deg: {lon}, height_m: 40}}
    revisit_s: 1
    phase_s: {phase}
    sees: [ballistic, orbital]
    sigma: {{range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001{rate}}}
    detection_probability: 0.9
    clutter_per_scan: 5
    coverage: {{range_m: [2000, 2500000], azimuth_deg: [0, 360], elevation_deg: [{low}, {high}]}}
"""
EYE = """  - id: {id}
    name: eye-{id}
    nation: B
    kind: los
    frame: ecef
    position: {{lat_deg: 0, lon_deg: {lon}, height_m: 35786000}}
    revisit_s: 1
    phase_s: {phase}
    boost_only: false
    sees: [ballistic, orbital]
    sigma: {{azimuth_rad: 0.00002, elevation_rad: 0.00002}}
    detection_probability: 0.9
    clutter_per_scan: 1
    coverage: {{elevation_deg: [-20, 20]}}
"""
MISSILES = """types:
  - name: lofted
    stages:
      - {thrust_n: 450e3, isp_s: 290, propellant_kg: 16000, dry_kg: 1200, diameter_m: 1.4}
      - {thrust_n: 140e3, isp_s: 300, propellant_kg: 7500, dry_kg: 500, diameter_m: 1.2, coast_s: 2}
    payload_kg: 500
    ballistic_coefficient_kgpm2: 6000
    rise_s: 6
    pitch_end_s: 65
    pitch_end_deg: 78
salvos:
  - name: H
    type: lofted
    count: 4
    first_s: 5
    last_s: 40
    launch: {lat_deg: -46.0, lon_deg: -122.0, radius_km: 30}
    aim: {lat_deg: -36.5, lon_deg: -136.0, radius_km: 40}
"""


def orbits_yaml(ahead_deg):
    """Orbits that begin so many degrees before the place, measured along them, on their course over it."""
    text = "orbits:\n"
    for name, perigee, apogee, course, anomaly in ORBITS:
        lat, az = math.radians(LAT), math.radians(course)
        inclination = math.acos(math.cos(lat) * math.sin(az))
        u = math.atan2(math.sin(lat), math.cos(lat) * math.cos(az))
        node = LON - math.degrees(math.atan2(math.cos(inclination) * math.sin(u), math.cos(u)))
        node = (node + 180) % 360 - 180
        text += (f"  - {{name: {name}, perigee_km: {perigee}, apogee_km: {apogee}, inclination_deg: {math.degrees(inclination):.4f}, "
                 f"node_deg: {node:.4f}, argument_deg: {(math.degrees(u) - anomaly + 180) % 360 - 180:.4f}, "
                 f"anomaly_deg: {(anomaly - ahead_deg + 180) % 360 - 180:.4f}}}\n")
    return text


def picture(name, sensors, duration_s, ahead_deg, more=""):
    """Generates, fuses; tracks by target: lists of lines."""
    out = folder()
    scenario, plots, truth, site, path = (os.path.join(out, one) for one in ("s.yaml", "p.csv", "t.csv", "s.site.yaml", "k.jsonl"))
    with open(scenario, "w") as file:
        file.write(f"name: {name}\nduration_s: {duration_s}\ntruth_interval_s: 1\n{more or orbits_yaml(ahead_deg)}sensors:\n{sensors}")
    made = run("salvo", scenario, "--csv", plots, "--truth", truth, "--site", site)
    check(f"{name}_scenario_is_made", made.returncode == 0, made.stderr.strip().splitlines()[-1] if made.stderr else "")
    fused = run("fuse", "--config", site, "--tracks", path, plots)
    check(f"{name}_fuse_exits_0", fused.returncode == 0, fused.stderr.strip())
    places = {}
    with open(truth) as file:
        for row in csv.DictReader(file):
            places.setdefault(int(row["time_ns"]) // 10**9, []).append(
                (row["target"], [float(row[k]) for k in ("x_m", "y_m", "z_m", "vx_mps", "vy_mps", "vz_mps")], int(row["time_ns"])))
    met = {}
    for lines in confirmed(tracks_read(path)).values():
        line = lines[len(lines) // 2]
        best = (50e3, None)
        for target, x, time_ns in places.get(line["time_ns"] // 10**9, []):
            dt = (line["time_ns"] - time_ns) / 1e9
            best = min(best, (math.dist([x[k] + dt * x[3 + k] for k in range(3)], line["position_ecef_m"]), target), key=lambda b: b[0])
        if best[1]:
            met.setdefault(best[1], []).append(lines)
    return met


def seconds(lines, until_ns=None):
    """How many seconds of measurement the track has had: times without any do not count."""
    return len({one["time_ns"] // 10**9 for one in lines if until_ns is None or one["time_ns"] <= until_ns})


def judge(name, met, least, limit_s, settle_s):
    """Every orbit that was seen for so many seconds is said to be one by then; no impact once settled."""
    waits, late, warned, seen, relapses = [], [], [], 0, 0
    for target, tracks in met.items():
        if target.startswith("H"):
            continue
        for lines in tracks:
            seen += 1
            known = [one["time_ns"] for one in lines if one["class"] == "orbital"]
            if known:
                waits.append(seconds(lines, known[0]))
                relapses += sum(one["class"] != "orbital" for one in lines if one["time_ns"] > known[0])
            if seconds(lines) >= limit_s and (not known or waits[-1] > limit_s):
                late.append(f"{target} {waits[-1] if known else 'never'}")
            warned += [target for at, one in enumerate(lines) if "impact" in one and seconds(lines[:at]) > settle_s]
    waits.sort()
    check(f"{name}_orbits_are_followed", seen >= least, f"{seen} tracks of {len(met)} targets")
    check(f"{name}_orbits_are_recognised_after_{limit_s}_s", waits and not late,
          f"{len(waits)} tracks, confirmed for a median of {waits[len(waits) // 2] if waits else 0} s, at most {waits[-1] if waits else 0} s; late: {late}")
    check(f"{name}_no_impact_of_an_orbit_after_{settle_s}_s", not warned, f"{len(warned)} lines {sorted(set(warned))}")
    print(f"     lines of another class after the first orbital one: {relapses}")


def test():
    radars = (RADAR.format(id=1, lat=-43.0, lon=-124.0, phase=0, rate=", range_rate_mps: 5", low=1, high=88) +
              RADAR.format(id=2, lat=-47.0, lon=-120.0, phase=0.5, rate="", low=1, high=88))
    judge("radars", picture("radars", radars, 300, 12), 12, 30, 30)
    met = picture("lofted", radars, 1200, 0, MISSILES)
    lines = [one for target, tracks in met.items() for those in tracks for one in those]
    top = max(one["height_m"] for one in lines)
    orbital = sum(one["class"] == "orbital" for one in lines)
    silent = sum(one["class"] == "ballistic" and "impact" not in one for one in lines)
    check("missiles_fly_up_to_1200_km", 1100e3 < top < 1400e3, f"{len(met)} missiles, apogee {top / 1e3:.0f} km")
    check("they_are_never_called_orbital", orbital == 0, f"{orbital} of {len(lines)} lines")
    check("every_ballistic_line_of_theirs_has_an_impact", silent == 0, f"{silent} without")

    fan = RADAR.format(id=1, lat=-46.0, lon=-122.0, phase=0, rate=", range_rate_mps: 5", low=20, high=26)
    judge("twenty_seconds", picture("fan", fan, 300, 12), 6, 25, 25)

    eyes = EYE.format(id=1, lon=-160, phase=0) + EYE.format(id=2, lon=-95, phase=0.4)
    judge("lines_of_sight", picture("eyes", eyes, 200, 6), 6, 60, 60)


main(test)
