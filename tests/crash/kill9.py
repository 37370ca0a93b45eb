#!/usr/bin/env python3
"""A server that journals is killed (SIGKILL) at random moments, while it recovers as well, again and again in the same folder, where each
goes on with the one before. Ten lives make one uninterrupted run: stepped through one engine that is never loaded from a snapshot,
their journals give every line that had left, in the file and on the live port, bit for bit, track numbers included; `weft replay`
gives the same; no frame is missing or there twice; sealed datagrams that a dead server had in its journal are not accepted again.
About 40 seconds or 600 kills; WEFT_STAT=full: 10,000, or WEFT_KILLS of them. A failure names the seed of its folder; `kill9.py WEFT SEED`
repeats that one's timing."""
import concurrent.futures
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_crash import *

FULL = os.environ.get("WEFT_STAT") == "full"
FOLDERS, LIMIT_S = (int(os.environ.get("WEFT_KILLS", "10000")) // 10, 86400) if FULL else (60, 40)
LIVES = 10  # in one folder
LANES = 3  # folders at the same time
SCANS, SEALED_SCANS = 3000, 1500
OLD_MAX = 50  # sealed datagrams that are sent again
LEASE = 64  # sealed numbers that a dead server may have used up unseen


class Folder:
    """A place in which one server after the other lives."""

    def __init__(self, seed):
        self.place, self.draw = folder(), random.Random(seed)
        self.io = self.draw.choice(("auto", "auto", "plain"))
        site_write(self.place, snapshot_s=self.draw.choice((0, 0.01, 0.03, 3600)))
        self.at, self.sealed_at = 0, 0  # the next scan of each sensor
        self.lives, self.sealed, self.sent, self.early = [], set(), 0, 0
        self.start_s = 0.1  # that a start takes, as last seen

    def path(self, name):
        return os.path.join(self.place, name)


def send(here, port, feed, sealed_feed):
    """Traffic for a time that the seed says, sealed datagrams of dead servers among it."""
    draw, link, end = here.draw, UdpSender(port), time.monotonic() + here.draw.uniform(0.001, 0.08)
    for number in sorted(here.sealed)[-OLD_MAX:]:
        link.send(sealed_feed[number - 1][2])
    here.sealed_at += LEASE
    while time.monotonic() < end:
        burst = draw.choice((1, 1, 2, 8, 40))
        for one in feed[here.at:here.at + burst] + sealed_feed[here.sealed_at:here.sealed_at + 1]:
            link.send(one[2])
            here.sent += 1
        here.at += burst
        here.sealed_at += 1
        time.sleep(draw.choice((0, 0, 0.0005, 0.003)))


def live(here, feeds):
    """One life, killed after a time that the seed says, in two of five cases while it starts."""
    before = segments(here.path("journal"))
    for name in ("tracks.jsonl", "live"):
        if os.path.exists(here.path(name)):
            os.unlink(here.path(name))
    with open(here.path("stdout"), "wb") as out, open(here.path("stderr"), "wb") as err:
        server = subprocess.Popen(arguments(here.place, io=here.io), stdout=out, stderr=err, stdin=subprocess.DEVNULL)
    began = time.monotonic()
    try:
        if here.draw.random() < 0.4:
            here.early += 1
            time.sleep(here.draw.uniform(0, 1.2) * here.start_s)
        else:
            found = poll(lambda: re.search(rb"udp:127\.0\.0\.1:(\d+) tracks=tcp:127\.0\.0\.1:(\d+)", file_bytes(here.path("stdout"))), 60, 0.003)
            here.start_s = time.monotonic() - began
            reader = socket.create_connection(("127.0.0.1", int(found[2])))
            send(here, int(found[1]), *feeds)
            server.kill()
            with open(here.path("live"), "wb") as file:
                file.write(received(reader))
    finally:
        server.kill()
        server.wait()
    return Life(here.place, before)


def lives(seed, feeds):
    """(folder, None or what is wrong) of ten lives one after the other."""
    here = Folder(seed)
    for _ in range(LIVES):
        life = live(here, feeds)
        twice = life.sealed & here.sealed
        if twice:
            return here, f"sealed datagrams accepted again: {sorted(twice)[:10]}"
        if "not gone on with" in life.log:
            return here, f"life {len(here.lives)}: {life.log}"
        here.lives.append(life)
        here.sealed |= life.sealed
    return here, chain_wrong(here.place, here.lives)


def totals_add(totals, here):
    totals["kills"] += len(here.lives)
    totals["while starting"] += here.early
    totals["datagrams"] += here.sent
    totals["lines had left"] += sum(life.written.count(b"\n") for life in here.lives)
    totals["lives went on with the one before"] += sum("going on from frame" in life.log for life in here.lives)
    totals["died before they wrote"] += sum(not life.own for life in here.lives)
    totals["sealed datagrams in journals"] += len(here.sealed)


def test():
    feeds = (traffic(SCANS, sensors=(OPEN,)), traffic(SEALED_SCANS, sensors=(SEALED_SENSOR,), targets=3))
    seeds = [int(sys.argv[2])] if len(sys.argv) > 2 else range(1, FOLDERS + 1)
    totals = dict.fromkeys(("kills", "while starting", "datagrams", "lines had left", "lives went on with the one before",
                            "died before they wrote", "sealed datagrams in journals"), 0)
    lock, wrong, end = threading.Lock(), [], time.monotonic() + LIMIT_S

    def work(seed):
        if wrong or time.monotonic() > end:
            return
        here, said = lives(seed, feeds)
        with lock:
            totals_add(totals, here)
        if said:
            wrong.append(f"seed {seed}, {here.place}: {said}")
        else:
            folders.remove(here.place)
            shutil.rmtree(here.place)

    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        list(pool.map(work, seeds))
    good = not wrong and all(totals.values())
    check("nothing_that_left_is_lost_in_kills_at_random_times", good,
          ", ".join(f"{count} {what}" for what, count in totals.items()) + " ".join(wrong))


main(test)
