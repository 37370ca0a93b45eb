#!/usr/bin/env python3
"""A server that journals is killed (SIGKILL) at random moments, again and again in the same folder: every line that had left
it comes out of a replay of its journal again, bit for bit and in its place, so nothing accepted was lost; sealed datagrams
that dead servers had in their journals are not accepted again.
About 40 seconds or 600 kills; WEFT_STAT=full: 10,000 kills. A failure names the seed; `kill9.py WEFT SEED` repeats that cycle's timing."""
import concurrent.futures
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_crash import *

FULL = os.environ.get("WEFT_STAT") == "full"
CYCLES, LIMIT_S = (10000, 86400) if FULL else (600, 40)
PER_FOLDER = 10  # runs in one journal folder
LANES = 3  # folders worked in at the same time
OPEN_SCANS, SEALED_SCANS = 1500, 400
OLD_MAX = 50  # sealed datagrams that are sent again
LEASE = 64  # sealed numbers that a dead server may have used up unseen


class Lane:
    """One folder, with its kills one after the other."""

    def __init__(self, number):
        self.place = folder()
        self.journal = os.path.join(self.place, "journal")
        self.seeds = number
        self.config = site_write(self.place, "site.yaml", "pack: true, parity_segments: 2, parity_files: 1")
        self.begin()

    def begin(self):
        """Empties the folder."""
        shutil.rmtree(self.journal, ignore_errors=True)
        for name in ("site.yaml.marks", "site.yaml.marks.new"):
            if os.path.exists(os.path.join(self.place, name)):
                os.unlink(os.path.join(self.place, name))
        self.next_sealed, self.held = 0, set()


def send(lane, draw, port, feed, sealed_feed):
    """Traffic for a time that the seed says, the sealed datagrams of the dead server among it. How many."""
    link, sent, end = UdpSender(port), 0, time.monotonic() + draw.uniform(0.001, 0.08)
    for number in sorted(lane.held)[-OLD_MAX:]:
        link.send(sealed_feed[number - 1][2])
    while time.monotonic() < end and sent < len(feed):
        burst = draw.choice((1, 1, 2, 8, 40))
        for one in feed[sent:sent + burst]:
            link.send(one[2])
        sent += burst
        if lane.next_sealed < len(sealed_feed):
            link.send(sealed_feed[lane.next_sealed][2])
            lane.next_sealed += 1
        time.sleep(draw.choice((0, 0, 0.0005, 0.003)))
    return sent


def life(lane, seed, feed, sealed_feed):
    """One run, killed after a time that the seed says. How many datagrams it was sent; what it had written."""
    draw, sent = random.Random(seed), 0
    out_path, tracks = os.path.join(lane.place, "stdout"), os.path.join(lane.place, "tracks.jsonl")
    if os.path.exists(tracks):
        os.unlink(tracks)
    with open(out_path, "wb") as out:
        server = subprocess.Popen(arguments(lane.place, lane.config, io=draw.choice(("auto", "auto", "plain"))), stdout=out,
                                  stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        if draw.random() < 0.1:  # during its start
            time.sleep(draw.uniform(0, 0.1))
        else:
            found = poll(lambda: re.search(rb"detections=udp:127\.0\.0\.1:(\d+)", file_bytes(out_path)), 60, 0.003)
            sent = send(lane, draw, int(found[1]), feed, sealed_feed)
    finally:
        server.kill()
        server.wait()
    return sent, file_bytes(tracks)


def cycle(lane, seed, feed, sealed_feed, totals):
    """None, or what is wrong."""
    old = segments(lane.journal)
    lane.next_sealed += LEASE
    sent, written = life(lane, seed, feed, sealed_feed)
    own, held = inspected(lane.journal, segments(lane.journal) - old)
    totals["sent"] += sent
    totals["lines"] += written.count(b"\n")
    totals["sealed"] += len(held)
    twice = held & lane.held
    if twice:
        return f"sealed datagrams accepted again: {sorted(twice)[:10]}"
    if not own:
        totals["empty"] += 1
        return None if written == b"" else "lines without a journal"
    lane.held |= held
    wrong, lines, cut = replayed(lane.place, lane.journal)
    totals["cut"] += cut
    totals["beyond"] += lines[len(written):].count(b"\n")
    return wrong or lines_differ(written, lines)


def lane_run(lane, feeds, totals, lock, wrong, first, end):
    """Every LANES-th seed, until the end or the first failure."""
    for seed in range(first + lane.seeds, first + CYCLES, LANES):
        if wrong or time.monotonic() > end:
            return
        if seed // LANES % PER_FOLDER == 0 or lane.next_sealed + LEASE >= SEALED_SCANS:
            lane.begin()
        own = dict.fromkeys(totals, 0)
        said = cycle(lane, seed, *feeds, own)
        with lock:
            for name in totals:
                totals[name] += own[name]
            totals["kills"] += 1
            if said:
                wrong.append(f"seed {seed}: {said}")


def test():
    feeds = (traffic(OPEN_SCANS, sensors=(OPEN,)), traffic(SEALED_SCANS, sensors=(SEALED_SENSOR,), targets=3))
    totals = dict.fromkeys(("kills", "sent", "lines", "beyond", "sealed", "cut", "empty"), 0)
    lock, wrong, end = threading.Lock(), [], time.monotonic() + LIMIT_S
    if len(sys.argv) > 2:
        lane = Lane(0)
        said = cycle(lane, int(sys.argv[2]), *feeds, totals)
        check("nothing_that_left_is_lost_in_this_kill", not said, said or f"{totals['lines']} lines had left")
        return
    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        for _ in pool.map(lambda n: lane_run(Lane(n), feeds, totals, lock, wrong, 1, end), range(LANES)):
            pass
    check("nothing_that_left_is_lost_in_kills_at_random_times", not wrong and totals["lines"] > 0 and totals["sealed"] > 0,
          f"{totals['kills']} kills, {totals['sent']} datagrams, {totals['lines']} lines had left, {totals['beyond']} more in the journals, "
          f"{totals['sealed']} sealed datagrams there and not taken twice, {totals['cut']} records cut short, "
          f"{totals['empty']} died before they wrote {' '.join(wrong)}")


main(test)
