"""What the end-to-end tests share: named checks, a running server, its pages, its books, datagrams made by hand.

A test is a program that gets the path of weft, runs in the project's root, and prints one line for each claim:
`ok   NAME: figure` or `FAIL NAME: figure`. Exit status 1 if any failed, 77 (with a reason) where it can't run here.
Nothing here sleeps to let something happen: poll() asks again until it is so or the limit is over.
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

WEFT = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "weft"
REASONS = ("malformed", "version", "unknown_sensor", "crc", "unauthenticated", "replayed", "stale", "future", "duplicate",
           "over_budget", "not_finite", "out_of_range", "exercise_mismatch")
FATES = ("associated", "started", "clutter", "late", "shed", "in_flight")
failures = []
folders = []
servers = []


def check(name, good, figure=""):
    print(f"{'ok  ' if good else 'FAIL'} {name}: {figure}", flush=True)
    if not good:
        failures.append(name)
    return good


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def finish():
    for server in servers:
        server.kill()
    if failures:
        print(f"{len(failures)} failed: {', '.join(failures)}; files kept in {', '.join(folders)}")
        sys.exit(1)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0)


def main(test):
    """Runs the test; whatever happens, no server outlives it."""
    try:
        test()
    except Exception:
        for server in servers:
            print(f"-- stderr of {' '.join(server.command)}:\n{server.errors()}")
            server.kill()
        raise
    finish()


def folder():
    made = tempfile.mkdtemp(prefix="weft-e2e-")
    folders.append(made)
    return made


def poll(question, limit_s=20.0, every_s=0.01):
    """The first true answer, or the last one when the time is over."""
    end = time.monotonic() + limit_s
    while True:
        answer = question()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(every_s)


def run(*arguments, limit_s=120, **options):
    return subprocess.run([WEFT, *map(str, arguments)], capture_output=True, text=True, timeout=limit_s, **options)


def ledger_of(text):
    """The ledger among the lines of a standard output: its rows, with what stands beside them."""
    for line in text.splitlines():
        if line.startswith('{"ledger"'):
            whole = json.loads(line)
            return {**whole["ledger"], "balanced": whole["balanced"]}
    return None


def tracks_read(path):
    """Track number -> its lines, in order."""
    tracks = {}
    with open(path) as file:
        for line in file:
            one = json.loads(line)
            tracks.setdefault(one["track"], []).append(one)
    return tracks


def confirmed(tracks):
    """Only the tracks that were ever confirmed, only those lines."""
    found = {number: [one for one in lines if one["status"] == "confirmed"] for number, lines in tracks.items()}
    return {number: lines for number, lines in found.items() if lines}


class Server:
    """weft run, from its ready line to its ledger."""

    def __init__(self, config, *arguments, env=None, preexec_fn=None, expect_ready=True, stdout_path=None):
        self.folder = folder()
        self.command = [WEFT, "run", "--config", str(config), *map(str, arguments)]
        self.stderr_path = os.path.join(self.folder, "stderr")
        self.stdout_path = os.path.join(self.folder, "stdout")
        with open(self.stderr_path, "wb") as err, open(self.stdout_path, "wb") as out:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **(env or {})}, preexec_fn=preexec_fn)
        servers.append(self)
        self.ports = {}
        if not expect_ready:
            return
        if not poll(lambda: self.output().startswith("ready") and "\n" in self.output() or self.process.poll() is not None):
            raise RuntimeError("no ready line in 20 s")
        if self.process.poll() is not None:
            raise RuntimeError(f"weft run ended with {self.process.returncode}: {self.errors()}")
        for name, port in re.findall(r" (\w+)=\w+:127\.0\.0\.1:(\d+)", self.output().splitlines()[0]):
            self.ports[name] = int(port)

    def output(self):
        with open(self.stdout_path) as file:
            return file.read()

    def errors(self):
        with open(self.stderr_path, errors="replace") as file:
            return file.read()

    def page(self, path="/metrics", limit_s=10):
        """(status code, body)."""
        with socket.create_connection(("127.0.0.1", self.ports["metrics"]), timeout=limit_s) as link:
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while chunk := link.recv(1 << 16):
                answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def metrics(self):
        return Metrics(self.page()[1])

    def settle(self, sent=None, limit_s=20):
        """Waits until it has received `sent` datagrams and stepped all of them. The metrics at that moment."""
        holder = {}

        def quiet():
            holder["now"] = now = self.metrics()
            enough = sent is None or now.sum("weft_datagrams_total", fate="received") >= sent
            return enough and now.value("weft_ring_used") == 0

        poll(quiet, limit_s, 0.02)
        return holder["now"]

    def stop(self, how=signal.SIGTERM, limit_s=30):
        """Its ledger; self.status is the exit status."""
        self.process.send_signal(how)
        self.status = self.process.wait(limit_s)
        return ledger_of(self.output())

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Metrics:
    """A page of Prometheus text."""

    def __init__(self, text):
        self.text = text
        self.rows = []
        for line in text.splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and not line.startswith("#"):
                self.rows.append((found[1], dict(re.findall(r'(\w+)="([^"]*)"', found[2] or "")), float(found[3])))

    def sum(self, metric, **labels):
        return sum(value for name, own, value in self.rows
                   if name == metric and all(own.get(k) == str(v) for k, v in labels.items()))

    value = sum

    def books(self):
        """Sensor -> (datagram fates, detection fates), only what is not zero."""
        out = {}
        for place, metric in enumerate(("weft_datagrams_total", "weft_detections_total")):
            for name, own, value in self.rows:
                if name == metric:
                    row = out.setdefault(own["sensor"], ({}, {}))
                    if value:
                        row[place][own["fate"]] = int(value)
        return out


def ledger_books(ledger):
    """The same shape as Metrics.books, from the ledger line."""
    def flat(row):
        pairs = {k: v for k, v in row.items() if k != "refused"}
        pairs.update(row["refused"])
        return {k: v for k, v in pairs.items() if v}
    return {str(one["sensor"]): (flat(one["datagrams"]), flat(one["detections"])) for one in ledger["sensors"]}


def row_balanced(row, fates):
    good = row.get("received", 0) == row.get("accepted", 0) + sum(row.get(r, 0) for r in REASONS)
    return good and (not fates or row.get("accepted", 0) == sum(row.get(f, 0) for f in FATES))


def books_balanced(books):
    return all(row_balanced(datagrams, False) and row_balanced(detections, True) for datagrams, detections in books.values())


def arrived(books):
    """What does not change any more once everything was received: all but the engine's fates."""
    return {sensor: ({k: v for k, v in datagrams.items()}, {k: v for k, v in detections.items() if k not in FATES})
            for sensor, (datagrams, detections) in books.items()}


def check_books(name, server, ledger, sent=None, pages=None):
    """The claims every run must meet: the ledger balances, the page did, and both tell the same."""
    books = ledger_books(ledger)
    total = ledger["total"]
    check(f"{name}_ledger_balances_per_sensor", books_balanced(books) and ledger["balanced"],
          f"{len(books)} rows, {total['detections']['received']} detections received, {total['detections']['accepted']} accepted")
    in_flight = sum(detections.get("in_flight", 0) for _, detections in books.values())
    check(f"{name}_nothing_left_in_flight", in_flight == 0, f"{in_flight} in flight after draining")
    if pages is not None:
        check(f"{name}_metrics_balance_per_sensor", books_balanced(pages.books()), f"{len(pages.books())} rows")
        check(f"{name}_metrics_and_ledger_agree", arrived(pages.books()) == arrived(books), "received, accepted and refused of every sensor")
    if sent is not None:
        check(f"{name}_received_what_was_sent", total["datagrams"]["received"] == sent, f"{total['datagrams']['received']} of {sent} datagrams")


# -- datagrams made by hand ------------------------------------------------------------------------------------------

def crc_table():
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ CRC_TABLE[(value ^ byte) & 255]
    return value ^ 0xFFFFFFFF


RADAR, RADAR2D, LOS, POSITION = 1, 2, 3, 4
EXERCISE, SEALED = 1, 2


def entry(time_ns, kind, measure, valid=None, sigma=(0, 0, 0, 0), snr=0.0):
    needed = {RADAR: 7, RADAR2D: 3, LOS: 6, POSITION: 32}
    return struct.pack("<qHHf4d4f", time_ns, kind, needed.get(kind, 0) if valid is None else valid, snr, *measure, *sigma)


def datagram(sensor, sequence, entries, kind=1, flags=0, version=1, count=None, sent_ns=0, body=None, length=None, crc=None,
             magic=b"WEFT", epoch=0):
    body = b"".join(entries) if body is None else body
    count = len(entries) if count is None else count
    length = len(body) if length is None else length
    def head(check_sum):
        return struct.pack("<4sBBHIHHQqIIQ", magic, version, kind, flags, sensor, count, epoch, sequence, sent_ns, length, check_sum, 0)
    return head(crc32c(head(0) + body) if crc is None else crc) + body


class UdpSender:
    def __init__(self, port):
        self.link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.link.connect(("127.0.0.1", port))

    def send(self, data):
        try:
            self.link.send(data)
        except ConnectionRefusedError:
            pass


class TcpSender:
    def __init__(self, port):
        self.link = socket.create_connection(("127.0.0.1", port), timeout=10)

    def send(self, data):
        self.link.sendall(struct.pack("<I", len(data)) + data)


class NumberedFlood:
    """Plots of nothing, far from what the tests fly, in one datagram of which the number alone changes: the CRC is linear, so that each
    costs a few xors."""

    def __init__(self, sensor, entries, sender):
        self.sender, self.sent = sender, 0
        prng, now = random.Random(4), time.time_ns()
        plots = [entry(now, POSITION, (prng.uniform(6e6, 7e6), prng.uniform(-2e6, 2e6), prng.uniform(-2e6, 2e6), 0.0)) for _ in range(entries)]
        self.one = bytearray(datagram(sensor, 0, plots))
        self.crc = struct.unpack_from("<I", self.one, 36)[0]
        self.bits = [struct.unpack_from("<I", datagram(sensor, 1 << bit, plots), 36)[0] ^ self.crc for bit in range(32)]

    def send(self):
        self.sent += 1
        crc = self.crc
        for bit in range(self.sent.bit_length()):
            if self.sent >> bit & 1:
                crc ^= self.bits[bit]
        struct.pack_into("<Q", self.one, 16, self.sent)
        struct.pack_into("<I", self.one, 36, crc)
        self.sender.send(self.one)
