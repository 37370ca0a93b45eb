"""What the crash tests share: a site with an open and a sealed sensor, its traffic, and what must be true of the runs that killed servers
left in one folder, each of which went on with the one before it."""
import functools
import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e", "common"))
from weft_e2e import *
from weft_seal import sealed

BESIDE = os.path.join(os.path.dirname(WEFT), "tests")  # where the programs of these tests were built
UNINTERRUPTED = os.path.join(BESIDE, "crash_uninterrupted")
KEY = bytes(range(32))
OPEN, SEALED_SENSOR = 1, 2
TARGETS = 20
TRACKS_MAX = 256
SITE = """centre: K
time: recorded
frame_limit_ms: {frame_limit_ms}
listen: {{{listen}}}
journal: {{directory: unused, segment_mib: 1, resume_s: 3600, snapshot_s: {snapshot_s}, pack: {pack}, parity_segments: 2, parity_files: {parity}}}
sensors:
  - {{id: 1, name: open, nation: A, kind: position, position: {{lat_deg: 0, lon_deg: 0, height_m: 10}}, revisit_s: 0.5,
     sigma: {{x_m: 20}}, clutter_per_scan: 0.1}}
  - {{id: 2, name: keyed, nation: B, kind: position, position: {{lat_deg: 0, lon_deg: 0, height_m: 10}}, revisit_s: 0.5,
     sigma: {{x_m: 20}}, clutter_per_scan: 0.1, key: 2.key}}
"""


def site_write(place, bytes_of_text=0, **options):
    """A configuration; padded to `bytes_of_text` by a comment, which every segment carries, so that it is soon full."""
    text = SITE.format(**{"snapshot_s": 0.02, "pack": "true", "parity": 1, "frame_limit_ms": 5,
                            "listen": 'detections: "127.0.0.1:0", tracks: "127.0.0.1:0"', **options})
    while len(text) < bytes_of_text:
        text += "#" * min(100, bytes_of_text - len(text) - 1) + "\n"
    with open(os.path.join(place, "site.yaml"), "w") as file:
        file.write(text)
    with open(os.path.join(place, "2.key"), "w") as file:
        file.write(f"1 {KEY.hex()}\n")
    os.chmod(os.path.join(place, "2.key"), 0o600)


@functools.cache
def traffic(scans, first=0, skipped=0, sensors=(OPEN, SEALED_SENSOR), targets=TARGETS):
    """(sensor, sequence, datagram) of so many scans: aircraft 10 km apart above the equator, seen every half second by one sensor after
    the other. `skipped`: sequence numbers left out before, which a dead server may have used up unseen."""
    draw = random.Random(first + 1)
    made = []
    for scan in range(first, first + scans):
        sensor, sequence = sensors[scan % len(sensors)], scan + 1 + skipped
        seen_ns = 1_700_000_000_000_000_000 + scan * 500_000_000
        places = [(6386137.0 + draw.gauss(0, 20), 10000.0 * t + 100.0 * scan + draw.gauss(0, 20), 10000.0 + draw.gauss(0, 20))
                  for t in range(targets)]
        plain = datagram(sensor, sequence, [entry(seen_ns, POSITION, (*place, 0)) for place in places], sent_ns=seen_ns,
                         epoch=1 if sensor == SEALED_SENSOR else 0)
        made.append((sensor, sequence, sealed(plain, KEY, 1) if sensor == SEALED_SENSOR else plain))
    return made


def arguments(place, io="auto"):
    return [WEFT, "run", "--config", os.path.join(place, "site.yaml"), "--workers", "1", "--tracks-max", str(TRACKS_MAX), "--io", io,
            "--tracks", os.path.join(place, "tracks.jsonl"), "--journal", os.path.join(place, "journal")]


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


def received(link):
    """What came on a connection that is closed at the other end."""
    parts = []
    try:
        while part := link.recv(1 << 20):
            parts.append(part)
    except ConnectionResetError:
        pass
    link.close()
    return b"".join(parts)


def inspected(journal, names):
    """(those of these segments whose header was written, sequence numbers of the sealed sensor's datagrams that they hold)."""
    begun, found = set(), set()
    for name in sorted(names):
        text = run("inspect", os.path.join(journal, name)).stdout
        if text.startswith('{"record":"segment"'):
            begun.add(name)
        found.update(map(int, re.findall(rf'"sequence":(\d+),"index":0,"time_ns":\d+,"sensor":{SEALED_SENSOR},', text)))
    return begun, found


def bare(line):
    """A line of the live port without what only that port says."""
    return re.sub(rb',"(latency_us":\d+|unjournaled":true)', b"", line)


class Life:
    """What a server left when it was killed: its lines in the file and on the live port, its log, its segments."""

    def __init__(self, place, before):
        """`before`: the folder's segments when it started."""
        self.written = file_bytes(os.path.join(place, "tracks.jsonl"))
        self.live = file_bytes(os.path.join(place, "live"))
        self.log = file_bytes(os.path.join(place, "stderr")).decode(errors="replace")
        self.own, self.sealed = inspected(os.path.join(place, "journal"), segments(os.path.join(place, "journal")) - before)

    def wrong(self, lines):
        """None where what was written is how the lines begin that its journal gives again, and each whole line of the live port is
        one of them. What left unjournaled, as the disk took longer than half a second, was marked as such and may be missing."""
        known, written = set(lines.splitlines(keepends=True)), self.written
        for line in self.live.splitlines(keepends=True):
            if b'"unjournaled":true' in line:
                written = written[:max(written.find(bare(line)), 0)]
            elif line.endswith(b"\n") and bare(line) not in known:
                return f"a line of the live port is not in the journal's: {line[:200]!r}"
        if lines[:len(written)] == written:
            return None
        at = next((i for i, (a, b) in enumerate(zip(lines, written)) if a != b), min(len(lines), len(written)))
        return f"{len(written)} bytes of lines had left, the journal gives {len(lines)} and differs at byte {at}"


def replayed(place):
    """(None or what is wrong, the lines, was a record cut short) of `weft replay` of the newest run. Of several appends on their way at a
    kill one may be whole and one before it not: the newest segment then ends in a damaged record. No line of them had left, as the
    callers check."""
    again, journal = os.path.join(place, "again.jsonl"), os.path.join(place, "journal")
    done = run("replay", "--workers", 1, "--tracks", again, journal)
    newest = max(segments(journal), default="")
    cut = [line for line in done.stderr.splitlines() if "cut short" in line or ("damaged" in line and newest and newest in line)]
    other = [line for line in done.stderr.splitlines() if line not in cut and ("damaged" in line or "missing" in line)]
    said = done.stderr.strip() if done.returncode != 0 or other else None
    return said, file_bytes(again), bool(cut)


def chain_wrong(place, lives):
    """None where the lives' journals, each going on with the one before, are one uninterrupted run without a frame missing or twice:
    stepped through one engine they give every line that had left, and the newest run's replay gives the same as its part."""
    for life in lives:
        if not life.own and (life.written or bare_lines(life.live)):
            return "lines without a journal"
    begun = [life for life in lives if life.own]
    if not begun:
        return None
    for name in os.listdir(place):
        if name.startswith("one.jsonl."):
            os.unlink(os.path.join(place, name))
    done = subprocess.run([UNINTERRUPTED, os.path.join(place, "one.jsonl"), os.path.join(place, "journal")], capture_output=True, text=True)
    if done.returncode != 0 or "gap" in done.stdout:
        return f"the runs are not one: {done.stdout} {done.stderr.strip()}"
    parts = [file_bytes(os.path.join(place, f"one.jsonl.{k}")) for k in range(len(begun))]
    if os.path.exists(os.path.join(place, f"one.jsonl.{len(begun)}")):
        return "more runs than lives that wrote"
    for k, life in enumerate(begun):
        said = life.wrong(parts[k])
        if said:
            return f"life {k}: {said}"
    said, lines, _ = replayed(place)
    return said or (None if lines == parts[-1] else f"replay gives {len(lines)} bytes of lines, the uninterrupted run {len(parts[-1])}")


def bare_lines(live):
    """Lines that left and said nothing of being unjournaled."""
    return b"".join(line for line in live.splitlines(keepends=True) if b'"unjournaled":true' not in line)
