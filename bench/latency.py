#!/usr/bin/env python3
"""Latency from arrival to emission at 10 and at 70 % of capacity, with datagrams that come at their times whatever became of those before
them: bodies on ballistic arcs, as many as make the load at their own pace. Once by the service-time method (bench/service_time.c), and raw:
`weft run` over loopback UDP, by its own histogram, on this machine with all that runs on it. Prints JSON as the other benches do.
Usage: latency.py BUILD_DIRECTORY"""
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from server import Server, value

OBJECTS, BEGIN_S, PART_S, PARTS, TURNS = 5000, 1, 1, 9, 3
BEFORE = 7  # the part after which is measured: all tracks begin at once, and false lines of sight collect for the 7.3 s that they wait
LOADS = (10, 70)
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
STAGES = ("receive", "collect", "queue", "step", "hold", "emit")
GOALS = {(10, "p50"): 0.2, (70, "p99.9"): 10}
figures = []


def figure(name, value, unit, better=0, goal=0):
    figures.append({"name": name, "value": value, "unit": unit, "goal": goal, "better": better})


def played(build, folder, objects, rate):
    """Detections per second of the parts after all objects had begun, the pages before and after what is measured, what was lost, and the
    detections of an object in a second."""
    site = folder / "site.yaml"
    generator = subprocess.Popen([build / "bench/bench_coast_sender", str(objects), str(BEGIN_S), str(PARTS), str(PART_S), site], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
    generator.stdout.readline()
    server = Server(build, site, "--tracks-max", 2 * objects + 1000)
    wall = sent = made = 0
    for part in range(PARTS + 1):
        began = time.monotonic()
        generator.stdin.write("play %s %d %d\n" % (server.port, part, rate))
        generator.stdin.flush()
        one = json.loads(generator.stdout.readline())["detections"]
        text = server.settled()
        made += one
        if part == BEFORE:
            before = text
        if part:
            wall, sent = wall + time.monotonic() - began, sent + one
    generator.stdin.close()
    generator.wait()
    ledger = server.stop()
    accepted = ledger["total"]["detections"]["accepted"]
    if rate == 0 and accepted != made:
        sys.exit("latency: %d of %d detections were accepted at full speed" % (accepted, made))
    return sent / wall, (before, text), made - accepted, made / (BEGIN_S / 2 + 1.2 + PARTS * PART_S) / objects


def at_most_ms(pages, part):
    """The lowest bound of the histogram's buckets that this part of the lines is within."""
    rows = [dict(re.findall(r'^weft_latency_seconds_bucket\{le="([^"]+)"\} (\S+)$', text, re.M)) for text in pages]
    counts = {float(bound): float(rows[1][bound]) - float(rows[0][bound]) for bound in rows[1]}
    return 1e3 * min(bound for bound, count in counts.items() if count >= part * counts[float("inf")])


def mean_ms(pages, stage):
    total, count = (value(pages[1], name) - value(pages[0], name)
                    for name in ('weft_latency_stage_seconds_%s{stage="%s"}' % (what, stage) for what in ("sum", "count")))
    return 1e3 * total / count


def main():
    build = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        service = subprocess.run([build / "bench/bench_service_time", str(OBJECTS)], check=True, stdout=subprocess.PIPE, text=True).stdout
        figures.extend(json.loads(service)["figures"])
        full = [played(build, folder, OBJECTS, 0) for _ in range(TURNS)]
        capacity, per_object = statistics.median(one[0] for one in full), full[0][3]
        figure("raw: capacity of the server, median of %d" % TURNS, capacity, "1/s", 1)
        pages, lost = {load: [] for load in LOADS}, dict.fromkeys(LOADS, 0)
        for _ in range(TURNS):
            for load in LOADS:
                rate = load / 100 * capacity
                _, both, missing, _ = played(build, folder, int(rate / per_object), int(rate))
                pages[load].append(both)
                lost[load] += missing
        for load in LOADS:
            figure("raw, %d %%: detections lost" % load, lost[load], "", -1)
            for title, part in QUANTILES.items():
                values = [at_most_ms(one, part) for one in pages[load]]
                figure("raw: %s at %d %% of it is at most, least of %d" % (title, load, TURNS), min(values), "ms", -1, GOALS.get((load, title), 0))
                figure("raw: %s at %d %% of it is at most, median" % (title, load), statistics.median(values), "ms", -1)
            for stage in STAGES:
                figure("raw, %d %%: mean of %s, median" % (load, stage), statistics.median(mean_ms(one, stage) for one in pages[load]), "ms")
    print(json.dumps({"bench": "latency", "figures": figures}))


main()
