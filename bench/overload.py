#!/usr/bin/env python3
"""More than can be done: `weft run` over loopback UDP, 60 missiles and 1,000 aircraft live at their own pace (`weft salvo`), and beside them a
radar in a storm of false plots, everywhere it looks. First what the server can do of that, then three times as much, whatever becomes of
it: latency from arrival to emission against the limit, and the books to one detection, with what the kernel dropped before weft beside
them. Then a sensor that floods at a hundred times its budget: the others' latency with the flood in the server over that with the same
flood to a port that nobody reads, by turns. Prints JSON as the other benches do. Usage: overload.py BUILD_DIRECTORY"""
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from server import Server, latency_ms, scenario, value

LIMIT_MS, TIMES, TURNS, WARM_S, STORM_S = 200, 3, 3, 15, 8
STORM, STORM_PER_S, STORM_ENTRIES, BURST_S, STORM_DONE_S = 998, 600_000, 20, 0.3, 60  # where capacity is sought
FLOODER, BUDGET, FLOOD_PER_S, FLOOD_TURNS, FLOOD_S = 999, 1000, 100_000, 7, 6
FATES = ("associated", "started", "clutter", "late", "shed", "in_flight")
STAGES = ("receive", "collect", "queue", "step", "hold", "emit")
figures = []


def figure(name, number, unit, better=0, goal=0):
    figures.append({"name": name, "value": number, "unit": unit, "goal": goal, "better": better})


def site_make(source, limit_ms):
    """The scenario's own site, live, with the radar in the storm and a sensor with a budget that nobody is in sight of."""
    site = source.with_name("limit%d.yaml" % limit_ms)
    site.write_text("latency_limit_ms: %d\n" % limit_ms + source.read_text().replace("time: recorded", "time: live").rstrip("\n") + """
  - id: %d
    kind: radar
    position: {lat_deg: -45, lon_deg: -124, height_m: 40}
    revisit_s: 1
    sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001}
    clutter_per_scan: 100000
    coverage: {range_m: [10000, 1010000], elevation_deg: [0, 60]}
    budget_per_s: 1e8
  - id: %d
    kind: position
    position: {lat_deg: 0, lon_deg: 180, height_m: 0}
    sigma: {x_m: 20}
    coverage: {elevation_deg: [-90, -89]}
    budget_per_s: %d
""" % (STORM, FLOODER, BUDGET))
    return site


class Run:
    """A server with the scenario's sensors, and what else is sent to it."""

    def __init__(self, build, site, folder):
        self.build, self.server = build, Server(build, site)
        self.others = subprocess.Popen([build / "weft", "salvo", folder / "both.yaml", "--to", "127.0.0.1:" + self.server.port],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def flood(self, sensor, rate, entries, seconds, coalesce, radar=False, port=None):
        command = [self.build / "bench/bench_flood_sender", port or self.server.port, sensor, int(rate), entries, seconds, coalesce]
        return subprocess.Popen([str(part) for part in command] + ["radar"] * radar, stdout=subprocess.PIPE, text=True)

    def end(self):
        self.others.terminate()
        self.others.wait()
        self.server.settled()
        return self.server.stop()


def storm_wait(run, detections):
    """Until so many of the storm's detections have come and no frame waits; the others go on."""
    row = re.compile(r'^weft_detections_total\{[^}]*sensor="%d"[^}]*fate="received"[^}]*\} (\S+)$' % STORM, re.M)
    end = time.monotonic() + STORM_DONE_S
    while time.monotonic() < end:
        text = run.server.page()
        came = row.search(text)
        if came and float(came[1]) >= detections and re.search(r"^weft_ring_used 0$", text, re.M):
            return
        time.sleep(0.005)
    sys.exit("overload: of %d false plots sent at once some had not come after %d s: the kernel dropped them; not a measurement" % (detections, STORM_DONE_S))


def capacity_of(build, site, folder):
    """False plots a second: some at once, until the last of them is done."""
    run = Run(build, site, folder)
    time.sleep(WARM_S)
    began = time.monotonic()
    sent = json.loads(run.flood(STORM, STORM_PER_S, STORM_ENTRIES, BURST_S, 1, True).communicate()[0])
    storm_wait(run, sent["datagrams"] * STORM_ENTRIES)
    rate = sent["datagrams"] * STORM_ENTRIES / (time.monotonic() - began)
    run.end()
    return rate


def buckets(text):
    return {float(bound): float(count) for bound, count in re.findall(r'^weft_latency_seconds_bucket\{le="([\d.e-]+)"\} (\S+)$', text, re.M)}


def overload_turn(build, site, folder, rate):
    run = Run(build, site, folder)
    time.sleep(WARM_S)
    before = run.server.page()
    storm = run.flood(STORM, rate, STORM_ENTRIES, STORM_S, 1, True)
    sent = json.loads(storm.communicate()[0])
    after = run.server.page()
    return sent, before, after, run.end()


def overload_tell(build, site, folder, capacity):
    late, stages = [], {stage: [] for stage in STAGES + ("all",)}
    for _ in range(TURNS):
        sent, before, after, ledger = overload_turn(build, site, folder, TIMES * capacity)
        for stage in stages:
            stages[stage].append(latency_ms(after, stage, "0.999"))
        lines = int(value(after, "weft_latency_seconds_count") - value(before, "weft_latency_seconds_count"))
        within = buckets(after)[LIMIT_MS / 1e3] - buckets(before)[LIMIT_MS / 1e3]
        late.append(1 - within / lines)
        rows = {row["sensor"]: row for row in ledger["sensors"]}
        storm, others = rows[STORM], [row["detections"] for sensor, row in rows.items() if sensor != STORM]
        figure("overload: sent, times capacity", sent["datagrams"] * STORM_ENTRIES / sent["seconds"] / capacity, "")
        figure("overload: highest latency bucket that 99.9 %% of %d lines are within" % lines,
               1e3 * min([bound for bound, count in buckets(after).items() if count - buckets(before)[bound] >= 0.999 * lines], default=float("inf")), "ms")
        unexplained = sum(abs(row["detections"]["received"] - row["detections"]["accepted"] - sum(row["detections"]["refused"].values())) +
                          abs(row["detections"]["accepted"] - sum(row["detections"][fate] for fate in FATES)) for row in ledger["sensors"])
        unexplained += abs((sent["datagrams"] - storm["sequence_gaps"]) * STORM_ENTRIES - storm["detections"]["received"])
        figure("overload: of %d sent and %d dropped by the kernel before weft, detections that the books do not explain" %
               (sent["datagrams"] * STORM_ENTRIES, ledger["kernel_drops"] * STORM_ENTRIES), unexplained, "", -1)
        figure("overload: of the storm, shed", storm["detections"]["shed"] / storm["detections"]["accepted"], "part")
        figure("overload: of the others' %d, shed" % sum(row["accepted"] for row in others),
               sum(row["shed"] for row in others) / sum(row["accepted"] for row in others), "part")
        figure("overload: changes of the step", value(after, "weft_overload_changes_total"), "")
    figure("overload: of the lines later than %d ms, least of %d" % (LIMIT_MS, TURNS), min(late), "part", -1, 0.001)
    figure("overload: of the lines later than %d ms, median" % LIMIT_MS, statistics.median(late), "part", -1, 0.001)
    for stage, values in stages.items():
        figure("overload, %s: p99.9 since the start, median" % stage, statistics.median(values), "ms")


def flooded(build, site, folder, port):
    """The others' latencies while the flood goes to this port, or into the server where it is None."""
    run = Run(build, site, folder)
    flood = run.flood(FLOODER, FLOOD_PER_S, 1, FLOOD_S, 0, port=port)
    flood.wait()
    text, ledger = run.server.page(), run.end()
    row = next(row for row in ledger["sensors"] if row["sensor"] == FLOODER)
    if (port is None) != (row["detections"]["refused"]["over_budget"] > 0):
        sys.exit("overload: the flood did not go where it should")
    return {key: latency_ms(text, *key) for key in ((stage, quantile) for stage in STAGES + ("all",) for quantile in ("0.5", "0.99", "0.999"))}


def flood_tell(build, site, folder):
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    turns = {"flooded": [], "beside": []}
    for turn in range(FLOOD_TURNS):
        for case in sorted(turns, reverse=turn % 2 == 1):
            turns[case].append(flooded(build, site, folder, None if case == "flooded" else sink.getsockname()[1]))
    for title, of, goal in (("least of %d" % FLOOD_TURNS, min, 1.05), ("median", statistics.median, 0)):
        for quantile in ("0.5", "0.99", "0.999"):
            with_it, beside = (of(one["all", quantile] for one in turns[case]) for case in ("flooded", "beside"))
            figure("flood of %d times its budget: others' latency at %s, %s" % (FLOOD_PER_S // BUDGET, quantile, title), with_it, "ms", -1)
            figure("the same over that with the flood elsewhere, at %s, %s" % (quantile, title), with_it / beside,
                   "x" if goal and quantile == "0.999" else "", -1, goal if quantile == "0.999" else 0)
    for stage in STAGES:
        for case in turns:
            figure("flood, %s, %s: p99.9, median" % (case, stage), statistics.median(one[stage, "0.999"] for one in turns[case]), "ms")


def main():
    build = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _, own = scenario(build / "weft", folder, "both")
        capacity = statistics.median(capacity_of(build, site_make(own, 0), folder) for _ in range(TURNS))
        figure("capacity, nothing shed, median of %d" % TURNS, capacity, "1/s", 1)
        overload_tell(build, site_make(own, LIMIT_MS), folder, capacity)
        flood_tell(build, site_make(own, LIMIT_MS), folder)
    print(json.dumps({"bench": "overload", "figures": figures}))


main()
