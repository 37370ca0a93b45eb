"""What the crash tests share: a site with an open and a sealed sensor, its traffic, and what must be true after a server was killed."""
import functools
import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e", "common"))
from weft_e2e import *
from weft_seal import sealed

KEY = bytes(range(32))
OPEN, SEALED_SENSOR = 1, 2
TARGETS = 20
TRACKS_MAX = 256
SITE = """centre: K
time: recorded
listen: {{detections: "127.0.0.1:0", tracks: "127.0.0.1:0"}}
journal: {{directory: unused, segment_mib: 1, {journal}}}
sensors:
  - {{id: 1, name: open, nation: A, kind: position, position: {{lat_deg: 0, lon_deg: 0, height_m: 10}}, revisit_s: 0.5,
     sigma: {{x_m: 20}}, clutter_per_scan: 0.1}}
  - {{id: 2, name: keyed, nation: B, kind: position, position: {{lat_deg: 0, lon_deg: 0, height_m: 10}}, revisit_s: 0.5,
     sigma: {{x_m: 20}}, clutter_per_scan: 0.1, key: 2.key}}
"""


def site_write(place, name, journal="pack: true", bytes_of_text=0):
    """A configuration; padded to `bytes_of_text` by a comment, which every segment carries, so that it is soon full."""
    text = SITE.format(journal=journal)
    while len(text) < bytes_of_text:
        text += "#" * min(100, bytes_of_text - len(text) - 1) + "\n"
    path = os.path.join(place, name)
    with open(path, "w") as file:
        file.write(text)
    with open(os.path.join(place, "2.key"), "w") as file:
        file.write(f"1 {KEY.hex()}\n")
    os.chmod(os.path.join(place, "2.key"), 0o600)
    return path


@functools.cache
def traffic(scans, sensors=(OPEN, SEALED_SENSOR), targets=TARGETS):
    """(sensor, sequence, datagram): aircraft 10 km apart above the equator, seen every half second by one sensor after the other."""
    draw = random.Random(1)
    made = []
    for scan in range(scans):
        sensor = sensors[scan % len(sensors)]
        seen_ns = 1_700_000_000_000_000_000 + scan * 500_000_000
        places = [(6386137.0 + draw.gauss(0, 20), 10000.0 * t + 100.0 * scan + draw.gauss(0, 20), 10000.0 + draw.gauss(0, 20))
                  for t in range(targets)]
        plain = datagram(sensor, scan + 1, [entry(seen_ns, POSITION, (*place, 0)) for place in places], sent_ns=seen_ns,
                         epoch=1 if sensor == SEALED_SENSOR else 0)
        made.append((sensor, scan + 1, sealed(plain, KEY, 1) if sensor == SEALED_SENSOR else plain))
    return made


def arguments(place, config, tracks="tracks.jsonl", io="auto"):
    return [WEFT, "run", "--config", config, "--workers", "1", "--tracks-max", str(TRACKS_MAX), "--io", io,
            "--tracks", os.path.join(place, tracks), "--journal", os.path.join(place, "journal")]


def segments(journal):
    """Names of the segments that hold anything."""
    if not os.path.isdir(journal):
        return set()
    return {name for name in os.listdir(journal) if name.endswith(".wj") and os.path.getsize(os.path.join(journal, name)) > 0}


def file_bytes(path):
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as file:
        return file.read()


def replayed(place, journal):
    """(None or what is wrong, the lines, whether a record was cut short) of a replay of the newest run."""
    again = os.path.join(place, "again.jsonl")
    done = run("replay", "--workers", 1, "--tracks-max", TRACKS_MAX, "--tracks", again, journal)
    said = done.stderr.strip() if done.returncode != 0 or "damaged" in done.stderr or "missing" in done.stderr else None
    return said, file_bytes(again), "cut short" in done.stderr


def lines_differ(written, lines):
    """None where what was written is how the replay's lines begin."""
    if lines[:len(written)] == written:
        return None
    at = next((i for i, (a, b) in enumerate(zip(lines, written)) if a != b), min(len(lines), len(written)))
    return f"{len(written)} bytes of lines had left, the replay has {len(lines)} and differs at byte {at}"


def live_lines_differ(live, lines):
    """None where each whole line of the live port is one of the replay's. Its latency is its own."""
    known = set(lines.splitlines())
    for line in live.splitlines(keepends=True):
        bare = re.sub(rb',"latency_us":\d+', b"", line)
        if line.endswith(b"\n") and bare.rstrip(b"\n") not in known:
            return f"a line of the live port is not in the replay: {line[:200]!r}"
    return None


def inspected(journal, names):
    """(those of these segments whose header was written, sequence numbers of the sealed sensor's datagrams that they hold)."""
    begun, found = set(), set()
    for name in sorted(names):
        text = run("inspect", os.path.join(journal, name)).stdout
        if text.startswith('{"record":"segment"'):
            begun.add(name)
        found.update(map(int, re.findall(rf'"sequence":(\d+),"index":0,"time_ns":\d+,"sensor":{SEALED_SENSOR},', text)))
    return begun, found
