#!/usr/bin/env python3
"""One sensor brings a hundred times its budget, over UDP and over TCP, while others (over UDP, sealed, over TCP) report at their normal
rate: the others lose nothing, and what the flood brings beyond its budget is counted to the last detection."""
import math
import operator
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *
from weft_scene import LISTEN, Crosser
from weft_seal import sealed

BUDGET, TIMES, FLOOD_S, ENTRIES = 200, 100, 3.0, 10
PLAIN, KEYED, STREAM, FLOODER = 1, 2, 3, 4
KEY = bytes(range(32))
NAMES = {PLAIN: "plain", KEYED: "sealed", STREAM: "tcp"}
OBJECTS = 3
SENSOR = """  - {{id: {0}, nation: A, kind: position, position: {{lat_deg: -45, lon_deg: -125, height_m: 10}}, sigma: {{x_m: 20}}, {1}}}
"""
SEES, BLIND = "revisit_s: 0.05, clutter_per_scan: 0.1", "revisit_s: 1, clutter_per_scan: 200, coverage: {elevation_deg: [-90, -80]}"


def site(place):
    with open(os.path.join(place, "2.key"), "w") as file:
        file.write(f"1 {KEY.hex()}\n")
    os.chmod(file.name, 0o600)
    path = os.path.join(place, "site.yaml")
    with open(path, "w") as file:
        file.write(f"centre: E\ntime: live\nstale_s: 60\n{LISTEN}\nsensors:\n" + SENSOR.format(PLAIN, SEES) +
                   SENSOR.format(KEYED, SEES + ", key: 2.key") + SENSOR.format(STREAM, SEES) +
                   SENSOR.format(FLOODER, f"{BLIND}, budget_per_s: {BUDGET}"))
    return path


class Honest(Crosser):
    """A sensor that sees three objects, some hundred kilometres apart, twenty times a second; the sensors take turns."""

    def live(self):
        due_ns = self.begin_ns + self.sent * self.step_ns + (self.sensor - PLAIN) * self.step_ns // 3
        while time.time_ns() < due_ns:
            time.sleep(0.001)
        return self.next(due_ns)

    def next(self, time_ns=None):
        self.sent += 1
        self.times.append(time_ns)
        x, y, z = self.place(time_ns)
        turns = [(math.cos(0.06 * one), math.sin(0.06 * one)) for one in range(OBJECTS)]
        plots = [entry(time_ns, POSITION, (x * c - y * s, x * s + y * c, z, 0.0)) for c, s in turns]
        return datagram(self.sensor, self.sent, plots, sent_ns=time_ns)


class Flood(NumberedFlood):
    """What one sensor sends a hundred times too much of, and how much of it waits."""

    def __init__(self, port, sender):
        super().__init__(FLOODER, ENTRIES, sender)
        self.port = port

    def queued(self):
        """Bytes that wait in the kernel's queue of that port."""
        with open("/proc/net/udp") as file:
            return sum(int(row.split()[4].split(":")[1], 16) for row in list(file)[1:] if row.split()[1].endswith(f":{self.port:04X}"))

    def run(self, least_s):
        """A hundred times the budget since it began, as long as asked. It waits only where the kernel's queue is half full of the
        least that a system grants: what is shown here is the rule, not how fast this machine is today."""
        begin, elapsed = time.monotonic(), 0.0
        while elapsed < least_s or self.sent * ENTRIES < TIMES * BUDGET * elapsed:
            due = int(TIMES * BUDGET * (elapsed + 0.01)) // ENTRIES
            for _ in range(min(due - self.sent, 20)):
                self.send()
            while self.queued() > 100000:
                time.sleep(0.0005)
            if self.sent >= due:
                time.sleep(0.005)
            elapsed = time.monotonic() - begin
            if elapsed > 60 + least_s:
                break
        return elapsed


def report(sensor, give, ending, begun):
    while not ending.is_set():
        give(sensor.live())
        if sensor.sent == 20:
            begun.release()


def session(transport, connect):
    place = folder()
    tracks = os.path.join(place, "tracks.jsonl")
    server = Server(site(place), "--tracks", tracks)
    port = server.ports["detections"]
    now = time.time_ns()
    others = {sensor: Honest(now, sensor) for sensor in NAMES}
    plain, keyed, stream = UdpSender(port), UdpSender(port), TcpSender(port)
    gives = {PLAIN: plain.send, KEYED: lambda data: keyed.send(sealed(data, KEY, 1)), STREAM: stream.send}
    ending, begun = threading.Event(), threading.Semaphore(0)
    threads = [threading.Thread(target=report, args=(others[one], gives[one], ending, begun), daemon=True) for one in others]
    for thread in threads:
        thread.start()
    for _ in threads:
        begun.acquire(timeout=60)

    flood = Flood(port, connect(port))
    elapsed = flood.run(FLOOD_S)
    status, body = server.page("/health")
    ending.set()
    for thread in threads:
        thread.join()
    page = server.settle(flood.sent + sum(one.sent for one in others.values()))
    ledger = server.stop()
    rows = {one["sensor"]: one for one in ledger["sensors"]}
    brought, lost = flood.sent * ENTRIES, rows[FLOODER]["sequence_gaps"]
    check(f"{transport}_the_flood_is_a_hundred_times_the_budget", brought >= TIMES * BUDGET * elapsed,
          f"{brought} detections in {elapsed:.2f} s: {brought / elapsed / BUDGET:.0f} times {BUDGET}/s; {ledger.get('kernel_drops', 0)} kernel drops")
    check(f"{transport}_the_server_is_well_meanwhile", status == 200, body.strip())
    for sensor, name in NAMES.items():
        row, sent = rows[sensor], others[sensor].sent
        whole = all(row[what]["received"] == row[what]["accepted"] == sent * each for what, each in (("datagrams", 1), ("detections", OBJECTS)))
        check(f"{transport}_{name}_sensor_loses_nothing", whole and row["sequence_gaps"] == 0,
              f"{row['datagrams']['accepted']} of {sent} datagrams, {row['detections']['accepted']} of {sent * OBJECTS} detections, {row['sequence_gaps']} gaps")
    found = rows[FLOODER]["detections"]
    over = found["refused"]["over_budget"]
    check(f"{transport}_each_detection_of_the_flood_is_in_the_books", found["received"] + lost * ENTRIES == brought and found["received"] == found["accepted"] + over,
          f"{brought} sent, {found['accepted']} accepted, {over} over budget, {lost} datagrams lost on the way")
    least, most = BUDGET * elapsed, 1023 + BUDGET * (elapsed + 1)
    check(f"{transport}_the_flood_gets_its_budget_and_no_more", least <= found["accepted"] <= most, f"{least:.0f} <= {found['accepted']} <= {most:.0f}")
    check(f"{transport}_the_log_says_who_floods", "sensor 4 (sensor-4) brings more than its budget" in server.errors(), server.errors().strip().splitlines()[-1:])
    tracks = [lines for lines in confirmed(tracks_read(tracks)).values() if set(lines[-1]["sensors"]) & set(NAMES)]
    looks = sorted(at for one in others.values() for at in one.times)
    due = [sum(at > lines[0]["time_ns"] for at in looks) for lines in tracks]
    used = [lines[-1]["detections"] - lines[0]["detections"] for lines in tracks]
    late_s = [(looks[-1] - lines[-1]["time_ns"]) * 1e-9 for lines in tracks]
    check(f"{transport}_the_others_tracks_are_whole", len(tracks) == OBJECTS and all(map(operator.ge, used, due)) and max(late_s) < 0.1,
          f"{len(tracks)} tracks of {OBJECTS} objects; of {due} looks since their first lines they used {used}")
    check_books(transport, server, ledger, None, page)


def test():
    session("udp", UdpSender)
    session("tcp", TcpSender)


main(test)
