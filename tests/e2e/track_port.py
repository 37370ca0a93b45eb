#!/usr/bin/env python3
"""The live track port: the same lines as the track file, with latency; a reader that stops reading gets the newest state of
each track and is told what it missed; readers that vanish or talk nonsense harm nobody."""
import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

SCENARIO, SITE = "tools/scenarios/salvo60.yaml", "tools/scenarios/salvo60.site.yaml"
DURATION_S, SPEED = 130, 65


class Reader(threading.Thread):
    """A subscriber. `paused` ones don't read until they are let go."""

    def __init__(self, port, paused=False, buffer_bytes=None):
        super().__init__(daemon=True)
        self.link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if buffer_bytes:
            self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self.link.connect(("127.0.0.1", port))
        self.link.settimeout(30)
        self.data = bytearray()
        self.gate = threading.Event()
        if not paused:
            self.gate.set()
        self.start()

    def run(self):
        self.gate.wait()
        try:
            while chunk := self.link.recv(1 << 16):
                self.data += chunk
        except OSError:
            pass

    def lines(self):
        return [json.loads(line) for line in bytes(self.data).decode().splitlines()]


def last_states(lines):
    return {one["track"]: {key: value for key, value in one.items() if key != "latency_us"} for one in lines}


def test():
    out = folder()
    tracks = os.path.join(out, "tracks.jsonl")
    server = Server(SITE, "--tracks", tracks)
    port = server.ports["tracks"]
    quick, slow, rude, gone = Reader(port), Reader(port, True, 4096), Reader(port), Reader(port)
    poll(lambda: server.metrics().value("weft_subscribers") == 4, 5)
    rude.link.sendall(os.urandom(200) + b"\nGET / HTTP/1.1\r\n\r\n")
    sender = subprocess.Popen([WEFT, "salvo", SCENARIO, "--duration", str(DURATION_S), "--to", f"127.0.0.1:{server.ports['detections']}", "--speed", str(SPEED)],
                              stderr=subprocess.PIPE, text=True)
    poll(lambda: len(gone.data) > 20000, 10)
    gone.link.shutdown(socket.SHUT_RDWR)
    gone.link.close()
    count = int(re.search(r"(\d+) datagrams", sender.communicate(timeout=60)[1])[1])
    server.settle(count)
    behind = server.metrics()
    slow.gate.set()
    poll(lambda: (now := server.metrics()).value("weft_subscribers_behind") == 0 and now.value("weft_track_lines_pending") == 0, 20)
    page = server.metrics()
    ledger = server.stop()
    for reader in (quick, slow, rude):
        reader.join(10)
    check("server_exits_0", server.status == 0 and ledger["balanced"] and ledger["total"]["datagrams"]["received"] == count,
          f"status {server.status}, {ledger['total']['datagrams']['received']} of {count} datagrams")
    with open(tracks) as file:
        written = [json.loads(line) for line in file]
    lines = quick.lines()
    plain = [{key: value for key, value in one.items() if key != "latency_us"} for one in lines]
    check("every_line_is_valid_json", len(lines) == len(written) > 1000, f"{len(lines)} lines on the port, {len(written)} in the file")
    check("the_port_says_what_the_file_says", plain == written, "all but latency_us equal, in order")
    late = sorted(one["latency_us"] for one in lines if "latency_us" in one)
    # A change without a detection has no arrival and so no latency.
    check("lines_have_latency_us", len(late) > 0.9 * len(lines) and late[0] >= 0 and late[-1] < 10**7,
          f"{len(late)} of {len(lines)}: median {late[len(late) // 2]} us, largest {late[-1]} us")
    check("file_lines_have_none", not any("latency_us" in one for one in written), f"{len(written)} lines")

    got = slow.lines()
    missed = sum(one["missed"] for one in got if "track" not in one)
    own = [one for one in got if "track" in one]
    check("a_slow_reader_falls_behind", behind.value("weft_subscribers_behind") == 1, f"{int(behind.value('weft_track_lines_pending'))} tracks marked for it")
    check("a_slow_reader_is_told_what_it_missed", missed > 0 and missed + len(own) == len(written),
          f"{missed} missed + {len(own)} delivered = {missed + len(own)} of {len(written)} lines")
    check("a_slow_reader_ends_with_the_newest_of_every_track", last_states(own) == last_states(written), f"{len(last_states(written))} tracks")
    wanted = {one["track"] for one in written if one["status"] == "lost"}
    check("a_slow_reader_gets_every_lost_line", {one["track"] for one in own if one["status"] == "lost"} == wanted, f"{len(wanted)} lost tracks")
    counts = {fate: int(page.sum("weft_track_lines_total", fate=fate)) for fate in ("published", "delivered", "missed", "abandoned")}
    check("lines_published_equal_delivered_missed_abandoned_pending",
          counts["published"] == counts["delivered"] + counts["missed"] + counts["abandoned"] + page.value("weft_track_lines_pending"), f"{counts}")
    answers = [one for one in rude.lines() if "error" in one]
    check("nonsense_is_answered_and_changes_nothing", answers and len(rude.lines()) == len(answers) + len(written), f"{len(answers)} answers {answers[0] if answers else ''}")
    check("a_reader_that_left_is_counted", page.value("weft_subscribers_disconnected_total") == 1, f"{int(page.value('weft_subscribers'))} remained")


main(test)
