#!/usr/bin/env python3
"""`weft fuse` over generated recordings: CPU time per detection, by stage where perf is there; allocations and page faults that a detection
costs once it runs (the whole recording less its first half). Prints JSON as the other benches do. Usage: end_to_end.py BUILD_DIRECTORY"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from stages import stage_shares

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 5
SMALL, LARGE = "aircraft100", "aircraft1000"
figures = []


def figure(name, value, unit, better=0, goal=0):
    figures.append({"name": name, "value": value, "unit": unit, "goal": goal, "better": better})


def scenario(weft, folder, name, count=None):
    """Recording, site and number of detections."""
    source = (ROOT / "tools/scenarios" / (name + ".yaml")).read_text()
    if count:
        source = re.sub(r"count: *\d+", "count: %d" % count, source)
        name = "aircraft%d" % count
    for extra in ("sensors.yaml",):
        shutil.copy(ROOT / "tools/scenarios" / extra, folder)
    (folder / (name + ".yaml")).write_text(source)
    csv, site = folder / (name + ".csv"), folder / (name + ".site.yaml")
    subprocess.run([weft, "salvo", folder / (name + ".yaml"), "--csv", csv, "--truth", folder / "truth.csv", "--site", site,
                    "--speed", "max"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(csv) as file:
        return csv, site, sum(1 for line in file if not line.startswith("#")) - 1


def fuse(weft, csv, site, folder, counted=None):
    """CPU seconds, minor page faults, allocations (with the counter preloaded)."""
    environment = dict(os.environ)
    if counted:
        environment.update(LD_PRELOAD=str(counted), WEFT_BENCH_COUNT=str(folder / "count"))
    process = subprocess.Popen([weft, "fuse", "--config", site, "--tracks", folder / "tracks.jsonl", "--workers", "1", csv],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    if status:
        sys.exit("end_to_end: weft fuse failed on %s" % csv.name)
    taken = int((folder / "count").read_text()) if counted else 0
    return usage.ru_utime + usage.ru_stime, usage.ru_minflt, taken


def halved(csv, folder):
    half = folder / "half.csv"
    size = csv.stat().st_size // 2
    data = csv.open("rb").read(size)
    half.write_bytes(data[:data.rindex(b"\n") + 1])
    with open(half) as file:
        return half, sum(1 for line in file if not line.startswith("#")) - 1


def stages(weft, build, csv, site, folder, name, ns):
    """Shares of the samples by stage; silent where perf is missing or forbidden."""
    if not shutil.which("perf"):
        return
    data = folder / "perf.data"
    record = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-o", data, weft, "fuse", "--config", site, "--tracks",
                             folder / "tracks.jsonl", "--workers", "1", csv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if record.returncode:
        return
    for stage, share in stage_shares(build, data).items():
        if share >= 0.005:
            figure("%s: %s" % (name, stage), round(share * ns), "ns of it")


def measure(weft, build, folder, recordings):
    cpu = {name: [] for name in recordings}
    for _ in range(REPEATS):
        for name, (csv, site, _) in recordings.items():
            cpu[name].append(fuse(weft, csv, site, folder)[0])
    for name, (csv, site, count) in recordings.items():
        ns = min(cpu[name]) / count * 1e9
        figure(name + ": detections", count, "")
        figure(name + ": detections per CPU second", count / min(cpu[name]), "1/s", 1)
        figure(name + ": CPU time per detection, CSV in, JSON out", ns, "ns", -1)
        stages(weft, build, csv, site, folder, name, ns)
    csv, site, count = recordings[LARGE]
    half, half_count = halved(csv, folder)
    counter = build / "bench/libbench_counted.so"
    whole, first = fuse(weft, csv, site, folder, counter), fuse(weft, half, site, folder, counter)
    figure("second half of %s: allocations per detection" % LARGE, (whole[2] - first[2]) / (count - half_count), "1", -1)
    figure("second half of %s: page faults per detection" % LARGE, (whole[1] - first[1]) / (count - half_count), "1", -1)
    per = {name: min(cpu[name]) / recordings[name][2] for name in (SMALL, LARGE)}
    figure("cost per detection, 1,000 aircraft over 100", per[LARGE] / per[SMALL], "x", -1, 2)


def main():
    build = Path(sys.argv[1]).resolve()
    weft = build / "weft"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recordings = {"salvo60": scenario(weft, folder, "salvo60"), SMALL: scenario(weft, folder, "aircraft1000", 100),
                      LARGE: scenario(weft, folder, "aircraft1000")}
        measure(weft, build, folder, recordings)
    print(json.dumps({"bench": "end_to_end", "figures": figures}))


main()
