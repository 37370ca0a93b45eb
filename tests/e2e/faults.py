#!/usr/bin/env python3
"""A network that loses, doubles, corrupts, reorders and cuts datagrams between the generator and the server: the books agree
with what it did, per sensor, to the last datagram and detection, and the tracks survive."""
import os
import random
import re
import select
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

SCENARIO, SITE = "tools/scenarios/one.yaml", "tools/scenarios/one.site.yaml"
SEED, SPEED, DURATION_S = 20, 60, 300
LOSS, DOUBLE, CORRUPT, CUT, HOLD = 0.05, 0.05, 0.02, 0.02, 0.05


class Proxy(threading.Thread):
    """Forwards UDP with seeded faults and keeps its own books: sensor -> what the server must say of it."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.inside.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.inside.bind(("127.0.0.1", 0))
        self.port = self.inside.getsockname()[1]
        self.out = UdpSender(port)
        self.random = random.Random(SEED)
        self.held = []
        self.taken = self.forwarded = 0
        self.did = {"lost": 0, "doubled": 0, "corrupted": 0, "cut": 0, "reordered": 0}
        self.rows, self.detections = {}, {}
        self.seen = {}
        self.ending = False

    def count(self, sensor, fate, detections, received=True):
        row = self.rows.setdefault(sensor, {})
        row["received"] = row.get("received", 0) + 1
        row[fate] = row.get(fate, 0) + 1
        if detections:
            one = self.detections.setdefault(sensor, {})
            one["received"] = one.get("received", 0) + detections
            one[fate] = one.get(fate, 0) + detections

    def send(self, data, kind):
        self.forwarded += 1
        self.out.send(data)
        kind_of_body, sensor, entries = data[5], str(struct.unpack_from("<I", data, 8)[0]), struct.unpack_from("<H", data, 12)[0]
        detections = entries if kind_of_body == 1 else 0
        if kind == "cut":
            self.count("unknown", "malformed", 0)
        elif kind == "corrupted":
            self.count(sensor, "crc", 0)
        else:
            sequence = struct.unpack_from("<Q", data, 16)[0]
            again = sequence in self.seen.setdefault(sensor, set())
            self.seen[sensor].add(sequence)
            self.count(sensor, "duplicate" if again else "accepted", detections)

    def faulty(self, data):
        draw = self.random.random
        if draw() < LOSS:
            self.did["lost"] += 1
            return
        if draw() < CUT:
            self.did["cut"] += 1
            self.send(data[:self.random.randrange(48, len(data))], "cut")
            return
        if draw() < CORRUPT:
            self.did["corrupted"] += 1
            broken = bytearray(data)
            at = self.random.randrange(48, len(data))  # in the body, so that the row stays known
            broken[at] ^= 1 << self.random.randrange(8)
            self.send(bytes(broken), "corrupted")
            return
        if draw() < HOLD:
            self.did["reordered"] += 1
            self.held.append((self.taken + self.random.randrange(1, 20), data))
            return
        self.send(data, "good")
        if draw() < DOUBLE:
            self.did["doubled"] += 1
            self.send(data, "good")

    def run(self):
        while not self.ending:
            if not select.select([self.inside], [], [], 0.05)[0]:
                continue
            self.taken += 1
            self.faulty(self.inside.recv(65536))
            for due, data in [one for one in self.held if one[0] <= self.taken]:
                self.send(data, "good")
            self.held = [one for one in self.held if one[0] > self.taken]
        for _, data in self.held:
            self.send(data, "good")


def session(back_end, out):
    tracks, truth = os.path.join(out, back_end + ".jsonl"), os.path.join(out, back_end + ".truth.csv")
    server = Server(SITE, "--io", back_end, "--tracks", tracks)
    proxy = Proxy(server.ports["detections"])
    proxy.start()
    sent = run("salvo", SCENARIO, "--duration", DURATION_S, "--to", f"127.0.0.1:{proxy.port}", "--speed", SPEED, "--truth", truth)
    count = int(re.search(r"(\d+) datagrams", sent.stderr)[1])
    poll(lambda: proxy.taken >= count, 10)
    proxy.ending = True
    proxy.join()
    check(f"{back_end}_the_proxy_saw_everything", proxy.taken == count, f"{proxy.taken} of {count} datagrams; {proxy.did}")
    pages = server.settle(proxy.forwarded)
    ledger = server.stop()
    check(f"{back_end}_server_exits_0", server.status == 0, f"status {server.status}")
    check_books(back_end, server, ledger, proxy.forwarded, pages)
    books = ledger_books(ledger)
    wrong = {sensor: (datagrams, proxy.rows.get(sensor, {})) for sensor, (datagrams, _) in books.items() if datagrams != proxy.rows.get(sensor, {})}
    total = ledger["total"]["datagrams"]
    told = {name: value for name, value in total["refused"].items() if value}
    check(f"{back_end}_datagrams_of_each_sensor_are_those_of_the_proxy", not wrong, f"{total['accepted']} accepted, {told}; differing: {wrong}")
    plots = arrived(books)
    wrong = {sensor: (plots[sensor][1], proxy.detections.get(sensor, {})) for sensor in plots if plots[sensor][1] != proxy.detections.get(sensor, {})}
    check(f"{back_end}_detections_of_each_sensor_are_those_of_the_proxy", not wrong,
          f"{ledger['total']['detections']['accepted']} accepted; differing: {wrong}")
    missing = proxy.did["lost"] + proxy.did["corrupted"] + proxy.did["cut"]
    check(f"{back_end}_gaps_tell_the_loss", missing - 20 <= ledger["total"]["sequence_gaps"] <= missing, f"{ledger['total']['sequence_gaps']} gaps for {missing} lost, "
          "corrupted or cut (those before a sensor's first or after its last leave none)")
    check(f"{back_end}_kernel_dropped_nothing", ledger["kernel_drops"] == 0, f"{ledger['kernel_drops']}")
    score = json.loads(run("score", "--truth", truth, "--tracks", tracks, "--json").stdout)
    check(f"{back_end}_the_missile_is_followed", score["completeness"]["due_targets_tracked"] == 1 and score["continuity"]["track_breaks"] == 0 and
          score["tracks"]["false_confirmed_tracks"] == 0, f"{score['tracks']['confirmed_tracks']} confirmed, {score['continuity']['track_breaks']} breaks, "
          f"{score['tracks']['false_confirmed_tracks']} false")


def test():
    out = folder()
    for back_end in ("uring", "plain"):
        session(back_end, out)


main(test)
