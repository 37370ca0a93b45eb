#!/usr/bin/env python3
"""How many detections a second `weft run` takes from its socket to its track lines: 100,000 bodies on ballistic arcs, radars and infrared
sensors of three nations, 5 % false plots, IMM and soft association, one subscriber of the live port that keeps up. A generator that is a
process of its own plays datagrams made beforehand over loopback, as fast as they are taken and so that none is lost; all of it
on the cores there are. The accuracy is that of the same run, against the truth. Prints JSON as the other benches do.
Usage: capacity.py BUILD_DIRECTORY [OBJECTS]"""
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import reference
from stages import stage_shares

OBJECTS, BEGIN_S, PART_S, PARTS, WORKERS = 100_000, 6, 1, 3, 2
SAMPLE = 101  # the lines of every so manieth track are held against the truth
GOAL_PER_S = 1_000_000
figures = []


def figure(name, value, unit, better=0, goal=0):
    figures.append({"name": name, "value": value, "unit": unit, "goal": goal, "better": better})


def cpu_of(process):
    """On-CPU seconds so far by thread: the I/O thread, the engine's, and all others."""
    sums = {"I/O thread": 0.0, "engine thread": 0.0, "workers and others": 0.0}
    for task in Path("/proc/%d/task" % process.pid).iterdir():
        name = (task / "comm").read_text().strip()
        role = "I/O thread" if task.name == str(process.pid) else "engine thread" if name == "weft-engine" else "workers and others"
        sums[role] += int((task / "schedstat").read_text().split()[0]) * 1e-9
    return sums


def page(port):
    with urllib.request.urlopen("http://127.0.0.1:%s/metrics" % port, timeout=60) as answer:
        return answer.read().decode()


def counted(text, name, label=""):
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name) and label in line)


def settled(port, detections):
    """Everything was received, stepped and emitted."""
    text = page(port)
    return counted(text, "weft_detections_total{", 'fate="received"') == detections and re.search(r"^weft_ring_used 0$", text, re.M)


def usage_of(process):
    parts = Path("/proc/%d/stat" % process.pid).read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


class Generator:
    def __init__(self, build, objects, site):
        self.process = subprocess.Popen([build / "bench/bench_coast_sender", str(objects), str(BEGIN_S), str(PARTS), str(PART_S), site],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.made = json.loads(self.process.stdout.readline())["detections"]

    def do(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def wait_settled(pages, detections):
    while not settled(pages, detections):
        time.sleep(0.02)
    return time.monotonic()


def part_run(generator, server, reader, port, pages, part, before):
    """Plays a part; wall seconds until its last line has left, CPU seconds by thread, what was sent."""
    cpu, own, read = cpu_of(server), usage_of(generator.process), usage_of(reader)
    began = time.monotonic()
    sent = generator.do("play %s %d" % (port, part))
    wall = wait_settled(pages, before + sent["detections"]) - began
    after = cpu_of(server)
    spent = {role: after[role] - cpu[role] for role in cpu}
    spent["generator, its own process"] = usage_of(generator.process) - own
    spent["subscriber, its own process"] = usage_of(reader) - read
    return wall, spent, sent


def perf_begin(folder, server):
    if not shutil.which("perf"):
        return None
    return subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-o", folder / "perf.data", "-p", str(server.pid)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def perf_end(recorder, build, folder):
    if not recorder:
        return {}
    recorder.send_signal(signal.SIGINT)
    recorder.wait()
    return stage_shares(build, folder / "perf.data")


def limiting(spent, shares):
    """The thread that was busy for longest, and, where perf is there, the stage of it that took most."""
    thread = max((role for role in spent if "own process" not in role), key=spent.get)
    inner = [stage for stage in shares if stage not in ("operating system", "libraries", "emit", "ingest", "platform")]
    return thread + (", in it: " + inner[0] if inner else "")


def checked(result, objects):
    """A run in which something was lost is not a measurement."""
    total = result["ledger"]["total"]["detections"]
    gaps = sum(row["sequence_gaps"] for row in result["ledger"]["sensors"])
    used = sum(total[fate] for fate in ("associated", "started", "clutter", "late", "shed", "in_flight"))
    if total["received"] != result["made"] or total["accepted"] != result["made"] or gaps or used != total["accepted"]:
        sys.exit("capacity: of %d detections %d were received, %d accepted, %d datagrams missed, %d booked: not a measurement" %
                 (result["made"], total["received"], total["accepted"], gaps, used))
    if result["confirmed"] < 0.99 * objects:
        sys.exit("capacity: %d tracks are confirmed, not %d: not a measurement" % (result["confirmed"], objects))


def capacity_run(build, folder, objects, workers):
    weft, site, sample = build / "weft", folder / "site.yaml", folder / "sample.jsonl"
    generator = Generator(build, objects, site)
    server = subprocess.Popen([weft, "run", "--config", site, "--tracks-max", str(2 * objects), "--workers", str(workers)],
                              stdout=subprocess.PIPE, text=True)
    ready = server.stdout.readline()
    port, tracks, pages = (re.search(name + r"=\w+:[\d.]+:(\d+)", ready).group(1) for name in ("detections", "tracks", "metrics"))
    reader = subprocess.Popen([build / "bench/bench_track_reader", tracks, sample, str(SAMPLE)], stdout=subprocess.PIPE, text=True)
    parts = [part_run(generator, server, reader, port, pages, 0, 0)]
    recorder = perf_begin(folder, server)
    for part in range(1, PARTS + 1):
        parts.append(part_run(generator, server, reader, port, pages, part, sum(one[2]["detections"] for one in parts)))
    shares = perf_end(recorder, build, folder)
    text = page(pages)
    server.send_signal(signal.SIGTERM)
    ledger = json.loads(next(line for line in server.stdout.read().splitlines() if line.startswith('{"ledger"')))["ledger"]
    server.wait()
    read = json.loads(reader.stdout.read())
    score = generator.do("score %s" % sample)
    generator.close()
    step_ns = reference.imm_step_ns(build)
    return {"parts": parts[1:], "step_ns": step_ns, "made": generator.made, "confirmed": counted(text, "weft_tracks{", "confirmed"), "ledger": ledger, "read": read,
            "score": score, "shares": shares}


def tell(result):
    parts, total, score = result["parts"], result["ledger"]["total"]["detections"], result["score"]
    count = sum(sent["detections"] for _, _, sent in parts)
    rates = [sent["detections"] / wall for wall, _, sent in parts]
    spent = {role: min(one[role] / sent["detections"] for _, one, sent in parts) * 1e9 for role in parts[0][1]}
    figure("live, confirmed tracks", result["confirmed"], "")
    figure("detections in the measured parts", count, "")
    figure("detections per second, best part", max(rates), "1/s", 1, GOAL_PER_S)
    figure("detections per second, median part", statistics.median(rates), "1/s", 1)
    for role, ns in spent.items():
        figure("CPU time per detection: " + role, ns, "ns", -1)
    server = sum(ns for role, ns in spent.items() if "own process" not in role)
    figure("CPU time of the server per detection " + reference.NAME, server / result["step_ns"], "x", -1)
    for stage, share in result["shares"].items():
        if share >= 0.005:
            figure("of the server's: " + stage, round(share * server), "ns")
    figure("it is limited by: " + limiting(spent, result["shares"]), max(spent.values()), "ns")
    figure("lost or refused", total["received"] - total["accepted"], "", -1)
    figure("shed or late", total["shed"] + total["late"], "", -1)
    figure("lines to the subscriber", result["read"]["lines"], "")
    figure("lines that newer ones of their tracks replaced", result["read"]["missed"], "")
    figure("tracks held against the truth", score["tracks"], "")
    figure("of them confirmed ballistic", score["ballistic"] / max(score["tracks"], 1), "part")
    figure("of these within 2 km of an object", score["of_objects"] / max(score["ballistic"], 1), "part")
    figure("error of position, median", score["median_position_m"], "m", -1)
    figure("error of position, root mean square", score["rmse_position_m"], "m", -1)
    figure("error of velocity, median", score["median_velocity_mps"], "m/s", -1)
    figure("error of velocity, root mean square", score["rmse_velocity_mps"], "m/s", -1)
    figure("NEES per degree of freedom", score["nees_per_degree"], "")


def main():
    build = Path(sys.argv[1]).resolve()
    objects = int(sys.argv[2]) if len(sys.argv) > 2 else OBJECTS
    with tempfile.TemporaryDirectory() as name:
        result = capacity_run(build, Path(name), objects, WORKERS)
    checked(result, objects)
    tell(result)
    print(json.dumps({"bench": "capacity", "figures": figures}))


main()
