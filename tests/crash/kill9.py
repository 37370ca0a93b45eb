#!/usr/bin/env python3
"""A server that journals is killed (SIGKILL) at random moments, again and again in the same folder: every line that had left
it comes out of a replay of its journal again, bit for bit and in its place, so nothing accepted was lost.
About 40 seconds or 300 kills; WEFT_STAT=full: 10,000 kills. A failure names the seed; `kill9.py WEFT SEED` repeats that cycle's timing."""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e", "common"))
from weft_e2e import *

FULL = os.environ.get("WEFT_STAT") == "full"
CYCLES, LIMIT_S = (10000, 86400) if FULL else (300, 40)
PER_FOLDER = 10  # runs in one journal folder
TARGETS, DATAGRAMS = 20, 1500
SITE = """centre: K
time: recorded
listen: {detections: "127.0.0.1:0"}
journal: {directory: unused, segment_mib: 1}
sensors:
  - {id: 1, name: one, nation: A, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 10}, revisit_s: 0.5,
     sigma: {x_m: 20}, clutter_per_scan: 0.1}
"""


def datagrams():
    """Twenty aircraft 10 km apart above the equator, seen every half second."""
    draw = random.Random(1)
    made = []
    for scan in range(DATAGRAMS):
        seen_ns = 1_700_000_000_000_000_000 + scan * 500_000_000
        places = [(6386137.0 + draw.gauss(0, 20), 10000.0 * t + 100.0 * scan + draw.gauss(0, 20), 10000.0 + draw.gauss(0, 20))
                  for t in range(TARGETS)]
        made.append(datagram(1, scan + 1, [entry(seen_ns, POSITION, (*place, 0)) for place in places], sent_ns=seen_ns))
    return made


def life(seed, place, journal, traffic):
    """One run, killed after a time that the seed says. How many datagrams it was sent; what it had written."""
    draw = random.Random(seed)
    tracks = os.path.join(place, "tracks.jsonl")
    out_path = os.path.join(place, "stdout")
    if os.path.exists(tracks):
        os.unlink(tracks)
    with open(out_path, "wb") as out:
        server = subprocess.Popen([WEFT, "run", "--config", os.path.join(place, "site.yaml"), "--workers", "1", "--tracks-max", "256",
                                   "--tracks", tracks, "--journal", journal], stdout=out, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    port = None
    early = draw.random() < 0.05  # during its start
    sent = 0
    try:
        if early:
            time.sleep(draw.uniform(0, 0.1))
        else:
            def ready():
                with open(out_path) as file:
                    return re.search(r"detections=udp:127\.0\.0\.1:(\d+)", file.read())
            found = poll(ready, 20, 0.002)
            port = int(found[1])
            link = UdpSender(port)
            end = time.monotonic() + draw.uniform(0.001, 0.15)
            while time.monotonic() < end and sent < len(traffic):
                burst = draw.choice((1, 1, 2, 8, 40))
                for one in traffic[sent:sent + burst]:
                    link.send(one)
                sent += burst
                time.sleep(draw.choice((0, 0, 0.0005, 0.003)))
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()
    if not os.path.exists(tracks):
        return sent, b""
    with open(tracks, "rb") as file:
        return sent, file.read()


def cycle(seed, place, journal, traffic, totals):
    """None, or what is wrong."""
    before = set(os.listdir(journal)) if os.path.isdir(journal) else set()
    sent, written = life(seed, place, journal, traffic)
    began = os.path.isdir(journal) and any(os.path.getsize(os.path.join(journal, name)) for name in set(os.listdir(journal)) - before)
    totals["sent"] += sent
    totals["lines"] += written.count(b"\n")
    if not began:
        totals["empty"] += 1
        return None if written == b"" else "lines without a journal"
    again = os.path.join(place, "again.jsonl")
    done = run("replay", "--workers", 1, "--tracks-max", 256, "--tracks", again, journal)
    if done.returncode != 0:
        return f"replay: {done.stderr.strip()}"
    totals["cut"] += "cut short" in done.stderr
    if "damaged" in done.stderr or "missing" in done.stderr:
        return done.stderr.strip()
    with open(again, "rb") as file:
        replayed = file.read()
    if replayed[:len(written)] != written:
        at = next((i for i, (a, b) in enumerate(zip(replayed, written)) if a != b), min(len(replayed), len(written)))
        return f"{len(written)} bytes of lines had left, the replay has {len(replayed)} and differs at byte {at}"
    totals["beyond"] += replayed[len(written):].count(b"\n")
    return None


def test():
    place = folder()
    journal = os.path.join(place, "journal")
    with open(os.path.join(place, "site.yaml"), "w") as file:
        file.write(SITE)
    traffic = datagrams()
    totals = {"sent": 0, "lines": 0, "empty": 0, "cut": 0, "beyond": 0}
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    end, wrong, seed = time.monotonic() + LIMIT_S, [], first
    while seed < first + (1 if len(sys.argv) > 2 else CYCLES) and time.monotonic() < end and not wrong:
        if seed % PER_FOLDER == 0:
            shutil.rmtree(journal, ignore_errors=True)
        said = cycle(seed, place, journal, traffic, totals)
        if said:
            wrong.append(f"seed {seed}: {said}")
        seed += 1
    check("nothing_that_left_is_lost_in_kills_at_random_times", not wrong and (totals["lines"] > 0 or len(sys.argv) > 2),
          f"{seed - first} kills, {totals['sent']} datagrams, {totals['lines']} lines had left, {totals['beyond']} more in the journals, "
          f"{totals['cut']} records cut short, {totals['empty']} died before they wrote {' '.join(wrong)}")


main(test)
