#!/usr/bin/env python3
"""What the journal costs a running server: the same recording (1,000 aircraft), sent over loopback UDP by a process of its own, as fast
as it is taken and at 20,000 detections a second, into `weft run` without a journal, with one in memory (tmpfs) and on the disk, and with one that is packed and has
parity; by turns. CPU time of the server per detection by threads, and detections per second from the first datagram to the last line.
Prints JSON as the other benches do. Usage: journal.py BUILD_DIRECTORY [FOLDER_ON_THE_DISK]"""
import json
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

ROOT = Path(__file__).resolve().parent.parent
# Detections, detections per second (0: as fast as it is taken), repeats, size of the segments that are packed: some are closed.
LOADS = {"saturated": (450_000, 0, 5, 8), "paced": (60_000, 20_000, 5, 1)}
PLAIN, WHOLE = "pack: false", "pack: true, parity_segments: 4, parity_files: 1, segment_mib: %d"
figures = []


def figure(name, value, unit, better=0, goal=0):
    figures.append({"name": name, "value": value, "unit": unit, "goal": goal, "better": better})


def cpu_of(process):
    """On-CPU seconds so far of the I/O thread and its helpers (packer, the kernel's workers for it), and of the engine's thread."""
    threads = {task.name: int((task / "schedstat").read_text().split()[0]) * 1e-9 for task in Path("/proc/%d/task" % process.pid).iterdir()}
    own = threads.pop(str(process.pid))
    engine = max(threads.values())
    return own + sum(threads.values()) - engine, engine


def page(port):
    with urllib.request.urlopen("http://127.0.0.1:%s/metrics" % port, timeout=10) as answer:
        return answer.read().decode()


def settled(port, detections):
    """Everything was received, stepped and emitted."""
    text = page(port)
    came = sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("weft_detections_total{") and 'fate="received"' in line)
    return came == detections and re.search(r"^weft_ring_used 0$", text, re.M)


def packed(journal):
    """Every closed segment is packed and has its parity."""
    closed = sorted(Path(journal).glob("*.wj"))[:-1]
    return all(b"WJZB" in file.read_bytes()[:1 << 16] for file in closed) and len(list(Path(journal).glob("*.wjp"))) >= len(closed) // 4


def run(build, csv, load, site, journal, whole):
    """CPU seconds of I/O thread and helpers, of the engine's thread; seconds from the first datagram to the last emission; bytes of
    the journal. Starting up is left out."""
    command = [build / "weft", "run", "--config", site, "--workers", "1"] + (["--journal", journal] if journal else [])
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    ready = server.stdout.readline()
    port, pages = (re.search(name + r"=\w+:[\d.]+:(\d+)", ready).group(1) for name in ("detections", "metrics"))
    before = cpu_of(server)
    sent = json.loads(subprocess.run([build / "bench/bench_recording_sender", port, csv, str(load[0]), str(load[1])], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)
    ended = time.monotonic()
    while not settled(pages, sent["detections"]):
        time.sleep(0.02)
    wall = sent["seconds"] + time.monotonic() - ended
    while whole and not packed(journal):
        time.sleep(0.05)
    after = cpu_of(server)
    server.send_signal(signal.SIGTERM)
    out = server.stdout.read()
    server.wait()
    ledger = json.loads(next(line for line in out.splitlines() if line.startswith('{"ledger"')))["ledger"]
    accepted = ledger["total"]["detections"]["accepted"]
    if server.returncode or accepted != sent["detections"] or ledger["unjournaled"]:
        sys.exit("journal: %d of %d detections accepted, %d frames without a journal: not the same load" %
                 (accepted, sent["detections"], ledger["unjournaled"]))
    size = sum(file.stat().st_size for file in Path(journal).iterdir()) if journal else 0
    if journal:
        shutil.rmtree(journal)
    return after[0] - before[0], after[1] - before[1], wall, size


def site_of(folder, load, keys):
    return folder / ("off.yaml" if not keys else load + (".whole.yaml" if keys == WHOLE else ".plain.yaml"))


def main():
    build = Path(sys.argv[1]).resolve()
    disk = Path(sys.argv[2]) if len(sys.argv) > 2 else build
    with tempfile.TemporaryDirectory() as place_of_all, tempfile.TemporaryDirectory(dir="/dev/shm") as memory, tempfile.TemporaryDirectory(dir=disk) as place:
        folder = Path(place_of_all)
        for source in ("aircraft1000.yaml", "sensors.yaml"):
            shutil.copy(ROOT / "tools/scenarios" / source, folder)
        csv, site = folder / "in.csv", folder / "off.yaml"
        subprocess.run([build / "weft", "salvo", folder / "aircraft1000.yaml", "--csv", csv, "--truth", folder / "truth.csv", "--site", site,
                        "--speed", "max"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for load in LOADS:
            for keys in (PLAIN, WHOLE):
                text = keys % LOADS[load][3] if keys == WHOLE else keys
                site_of(folder, load, keys).write_text("journal: {directory: unused, %s}\n" % text + site.read_text())
        cases = {"no journal": ("", None), "tmpfs": (PLAIN, Path(memory) / "j"), "disk": (PLAIN, Path(place) / "j"),
                 "disk, packed, parity 1 of 4": (WHOLE, Path(place) / "j")}
        for name, load in LOADS.items():
            io, engine, wall, size = ({case: [] for case in cases} for _ in range(4))
            for turn in range(load[2]):
                for case in sorted(cases, key=lambda one: (list(cases).index(one) + turn) % len(cases)):
                    keys, journal = cases[case]
                    for table, value in zip((io, engine, wall, size), run(build, csv, load, site_of(folder, name, keys), journal, keys == WHOLE)):
                        table[case].append(value / load[0])
            tell(name, cases, io, engine, wall, size)
    print(json.dumps({"bench": "journal", "figures": figures}))


def tell(load, cases, io, engine, wall, size):
    """The engine's thread does the same whether there is a journal or not; what its time differs by is noise, and left out of the
    ratio that is held."""
    median, bare = statistics.median, "no journal"
    whole = {case: [a + b for a, b in zip(io[case], engine[case])] for case in cases}
    for case in cases:
        title = "%s, %s: " % (load, case)
        figure(title + "CPU time per detection, I/O thread and helpers", min(io[case]) * 1e9, "ns", -1)
        figure(title + "CPU time per detection, engine's thread", min(engine[case]) * 1e9, "ns", -1)
        if load == "saturated":
            figure(title + "detections per second, best", 1 / min(wall[case]), "1/s", 1)
            figure(title + "detections per second, median", 1 / median(wall[case]), "1/s", 1)
        if size[case][0]:
            figure(title + "bytes of journal per detection", size[case][0], "B")
        if case == bare:
            continue
        goal = 1.1 if load == "saturated" else 0  # throughput is what there is to lose
        for name, of, unit, goal in (("minima", min, "x", goal), ("medians", median, "", 0)):
            figure(title + "CPU time over that without, " + name, 1 + (of(io[case]) - of(io[bare])) / of(whole[bare]), unit, -1, goal)
        figure(title + "the same with the engine's noise, medians", median(whole[case]) / median(whole[bare]), "", -1)


main()
