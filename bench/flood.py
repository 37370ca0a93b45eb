#!/usr/bin/env python3
"""At which rate a flood of one sensor costs others datagrams: `weft run` over loopback UDP, 1,000 aircraft as several sensors report
them (`weft salvo` at its own pace), and beside it a sensor with a budget of 1,000 detections/s that sends ever more. Prints JSON as
the other benches do. Usage: flood.py BUILD_DIRECTORY"""
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUDGET, SENSOR, SECONDS = 1000, 999, 6
# Detections per second (0: as fast as the sender can), entries of a datagram, coalesced sends.
STEPS = ([(rate, 1, 0) for rate in (30_000, 100_000, 0)] +
         [(rate, entries, 1) for entries in (1, 20) for rate in (100_000, 300_000, 1_000_000, 3_000_000, 0)])
figures = []


def figure(name, value, unit, better=0, goal=0):
    figures.append({"name": name, "value": value, "unit": unit, "goal": goal, "better": better})


def site_make(weft, folder):
    """The scenario's own site, live, with the flooding sensor, which nobody is in sight of."""
    for name in ("aircraft1000.yaml", "sensors.yaml"):
        shutil.copy(ROOT / "tools/scenarios" / name, folder)
    scenario, site = folder / "aircraft1000.yaml", folder / "site.yaml"
    subprocess.run([weft, "salvo", scenario, "--site", site, "--list"], check=True, stdout=subprocess.DEVNULL)
    text = site.read_text().replace("time: recorded", "time: live")
    flooder = """  - id: %d
    kind: position
    position: {lat_deg: 0, lon_deg: 180, height_m: 0}
    sigma: {x_m: 20}
    coverage: {elevation_deg: [-90, -89]}
    budget_per_s: %d
""" % (SENSOR, BUDGET)
    site.write_text(text.rstrip("\n") + "\n" + flooder)
    return scenario, site


def step(weft, sender, scenario, site, rate, entries, coalesce):
    """The ledger, what the flood was, and the CPU seconds of the server."""
    server = subprocess.Popen([weft, "run", "--config", site, "--workers", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    port = re.search(r"detections=udp:[\d.]+:(\d+)", server.stdout.readline()).group(1)
    others = subprocess.Popen([weft, "salvo", scenario, "--to", "127.0.0.1:" + port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    flood = subprocess.run([sender, port, str(SENSOR), str(rate), str(entries), str(SECONDS), str(coalesce)], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    others.send_signal(signal.SIGTERM)
    others.wait()
    server.send_signal(signal.SIGTERM)
    out = server.stdout.read()
    server.wait()
    return json.loads(next(line for line in out.splitlines() if line.startswith('{"ledger"')))["ledger"], json.loads(flood)


def main():
    build = Path(sys.argv[1]).resolve()
    harmless, harmful = 0.0, float("inf")
    with tempfile.TemporaryDirectory() as name:
        scenario, site = site_make(build / "weft", Path(name))
        for rate, entries, coalesce in STEPS:
            ledger, flood = step(build / "weft", build / "bench/bench_flood_sender", scenario, site, rate, entries, coalesce)
            rows = {row["sensor"]: row for row in ledger["sensors"]}
            flooder = rows.pop(SENSOR)
            honest = [row for row in rows.values() if row["sensor"] != "unknown"]
            lost, came = sum(row["sequence_gaps"] for row in honest), sum(row["datagrams"]["received"] for row in honest)
            sent = flood["datagrams"] / flood["seconds"]
            times = sent * entries / BUDGET
            title = "%s, %d a datagram, %s" % ("%d/s" % rate if rate else "as fast as it goes", entries,
                                               "coalesced" if flood["coalesced"] else "one by one")
            figure(title + ": sent, times the budget", times, "")
            figure(title + ": datagrams", sent, "1/s")
            figure(title + ": of the flood lost in the kernel", 1 - flooder["datagrams"]["received"] / flood["datagrams"], "part")
            figure(title + ": of %d datagrams of others lost" % (came + lost), lost / max(came + lost, 1), "part", -1)
            if lost:
                harmful = min(harmful, times)
            else:
                harmless = max(harmless, times)
            if sum(row["detections"]["refused"]["over_budget"] for row in honest):
                sys.exit("flood: an honest sensor was refused over its budget")
    figure("most that cost others nothing, times the budget", harmless, "", 1, 100)
    if harmful < float("inf"):
        figure("least that cost others something, times the budget", harmful, "", 1, 100)
    print(json.dumps({"bench": "flood", "figures": figures}))


main()
