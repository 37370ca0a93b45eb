#!/usr/bin/env python3
"""Hot standby: a second server follows the first one's frames, holds the same state and takes over when it is gone: the same track
numbers, the same state by hash, nothing accepted lost, nothing sealed accepted twice. Who does not fit is refused, who is slow is
given up and the lines say so, who can't be sure does not take over."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *
from weft_seal import sealed

BEGIN_NS = 1_700_000_000_000_000_000
TARGETS, HALF, WHOLE = 20, 60, 90  # scans before the kill, in all
KEY = bytes(range(32))
SITE = """centre: S
time: recorded
frame_limit_ms: %s
listen: {detections: "127.0.0.1:%d", tracks: "127.0.0.1:%d", metrics: "127.0.0.1:%d", standby: "127.0.0.1:%d"}
sensors:
  - {id: 1, name: one, nation: A, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 10}, revisit_s: 0.5,
     sigma: {x_m: 20}, clutter_per_scan: 0.1}
  - {id: 2, name: two, nation: B, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 10}, revisit_s: 0.5,
     sigma: {x_m: 20}, clutter_per_scan: 0.1, key: 2.key}
"""


def free_ports(count):
    """UDP and TCP share a number; taken together so that they differ."""
    held = []
    for _ in range(count):
        link = socket.socket()
        link.bind(("127.0.0.1", 0))
        held.append(link)
    ports = [link.getsockname()[1] for link in held]
    for link in held:
        link.close()
    return ports


class Site:
    def __init__(self, more="", frame_limit_ms=20):
        self.place = folder()
        self.ports = free_ports(4)
        self.path = os.path.join(self.place, "site.yaml")
        with open(self.path, "w") as file:
            file.write(SITE % (frame_limit_ms, *self.ports) + more)
        with open(os.path.join(self.place, "2.key"), "w") as file:
            file.write(f"1 {KEY.hex()}\n")
        os.chmod(os.path.join(self.place, "2.key"), 0o600)

    def file(self, name):
        return os.path.join(self.place, name)

    def first(self, *more):
        return Server(self.path, "--tracks-max", 512, "--tracks", self.file("first.jsonl"), "--journal", self.file("first"), *more)

    def second(self, *more, config=None, name="second", wait=True):
        """A follower that has the state."""
        server = Server(config or self.path, "--workers", 3, "--tracks-max", 512, "--tracks", self.file(name + ".jsonl"), "--journal", self.file(name), "--follow",
                        f"127.0.0.1:{self.ports[3]}", *more, expect_ready=False)
        server.ports = {"detections": self.ports[0], "tracks": self.ports[1], "metrics": self.ports[2]}
        if wait:
            poll(lambda: "has the state" in server.errors() or server.process.poll() is not None)
        return server


def scans():
    """Twenty aircraft by the open sensor, one more by the sealed one."""
    import random
    draw, made = random.Random(4), []
    for scan in range(WHOLE):
        seen_ns = BEGIN_NS + scan * 500_000_000
        places = [(6388137.0 + draw.gauss(0, 20), 10000.0 * t + 100.0 * scan + draw.gauss(0, 20), 10000.0 + draw.gauss(0, 20)) for t in range(TARGETS)]
        whole = [entry(seen_ns, POSITION, (*place, 0)) for place in places]
        one = [entry(seen_ns, POSITION, (6388137.0 + draw.gauss(0, 20), -50000.0 - 100.0 * scan, 10000.0, 0))]
        made.append((datagram(1, scan + 1, whole, sent_ns=seen_ns), sealed(datagram(2, scan + 1, one, sent_ns=seen_ns), KEY, 1)))
    return made


def feed(server, made):
    link = UdpSender(server.ports["detections"])
    for scan in made:
        before = server.metrics().sum("weft_datagrams_total", fate="received")
        for one in scan:
            link.send(one)
        server.settle(before + len(scan))


def taken_over(server):
    return poll(lambda: server.output().startswith("ready") or server.process.poll() is not None)


def said(server, pattern):
    found = re.search(pattern, server.errors())
    return found.groups() if found else (None,) * 4


def follower_there(server):
    return poll(lambda: server.metrics().value("weft_standby_following") == 1)


def takes_over(made):
    site = Site()
    first, second = site.first(), site.second()
    follower_there(first)
    feed(first, made[:HALF])
    pages = first.metrics()
    check("every_frame_has_arrived_before_its_lines_left", pages.value("weft_standby_late_frames_total") <= 0.1 * pages.value("weft_standby_frames_total") and
          pages.value("weft_standby_acknowledged_frame") > 0, f"{pages.value('weft_standby_frames_total'):.0f} frames, {pages.value('weft_standby_late_frames_total'):.0f} late")
    first.kill()
    gone = time.monotonic()
    taken_over(second)
    took_s = time.monotonic() - gone
    frame, state, hashes = said(second, r"taking over after frame (\d+), state (\w+), (\d+) hash")
    check("the_standby_takes_over", second.output().startswith("ready") and took_s < 10, f"{took_s:.3f} s after the kill; {second.errors().strip().splitlines()[-1:]}")
    check("hashes_were_compared_on_the_way", int(hashes or 0) >= 2, f"{hashes}")
    again = run("replay", "--until", frame, site.file("first"))
    engine = ledger_of(again.stdout)["engine"]
    check("its_state_is_the_servers_by_hash", engine == {"frame": int(frame), "state": state}, f"{engine}, {state} after frame {frame}")
    feed(second, made[HALF:])
    old = made[HALF - 1][1]
    UdpSender(second.ports["detections"]).send(old)  # what the first one accepted under seal
    second.settle()
    poll(lambda: second.metrics().sum("weft_datagrams_total", sensor="2", fate="replayed") == 1, 5)
    books = second.metrics()
    check("nothing_sealed_is_accepted_twice_and_nothing_new_refused", books.sum("weft_datagrams_total", sensor="2", fate="replayed") == 1 and
          books.sum("weft_datagrams_total", sensor="2", fate="accepted") == WHOLE - HALF, str(books.books().get("2")))
    ledger = second.stop()
    check_books("standby", second, ledger)
    before, after = set(confirmed(tracks_read(site.file("first.jsonl")))), set(confirmed(tracks_read(site.file("second.jsonl"))))
    check("tracks_go_on_under_their_numbers", before == after and len(before) == TARGETS + 1, f"{len(before)} and {len(after)}, {len(before & after)} in both")
    done = run("replay", "--tracks", site.file("again.jsonl"), site.file("second"))
    with open(site.file("second.jsonl"), "rb") as a, open(site.file("again.jsonl"), "rb") as b:
        check("the_run_that_took_over_replays_to_the_same_bytes", done.returncode == 0 and a.read() == b.read(), done.stderr.strip())


def orderly_end(made):
    site = Site()
    first, second = site.first(), site.second()
    follower_there(first)
    feed(first, made[:10])
    first.stop()
    taken_over(second)
    check("an_orderly_end_hands_over", second.output().startswith("ready") and "the server has ended" in second.errors(), second.errors().strip())
    third = site.second(name="third")
    check("the_new_server_can_be_followed_in_turn", bool(follower_there(second)), third.errors().strip())
    third.stop()
    check("a_follower_ends_by_a_signal", third.status == 0 and ledger_of(third.output()) is not None, f"status {third.status}")
    second.stop()


def refusals(made):
    site = Site()
    lone = site.second(wait=False)
    poll(lambda: "nobody answers" in lone.errors())
    check("a_follower_waits_for_a_server", lone.process.poll() is None and "nobody answers" in lone.errors())
    lone.kill()
    first, second = site.first(), site.second()
    follower_there(first)
    other = site.second(name="third", wait=False)
    poll(lambda: other.process.poll() is not None)
    check("a_second_follower_is_refused", other.process.poll() == 1 and "another standby" in other.errors(), other.errors().strip())
    second.kill()
    poll(lambda: first.metrics().value("weft_standby_connected") == 0)
    strange = os.path.join(site.place, "strange.yaml")
    with open(site.path) as a, open(strange, "w") as b:
        b.write(a.read() + "lag_s: 2\n")
    other = site.second(config=strange, name="third", wait=False)
    poll(lambda: other.process.poll() is not None)
    check("another_configuration_is_refused", other.process.poll() == 1 and "configuration" in other.errors(), other.errors().strip())
    for rubbish in (b"", b"GET / HTTP/1.1\r\n\r\n", os.urandom(5000)):
        with socket.create_connection(("127.0.0.1", site.ports[3]), timeout=10) as link:
            try:
                link.sendall(rubbish)
                link.shutdown(socket.SHUT_WR)
                while link.recv(4096):
                    pass
            except OSError:  # it has closed already
                pass
    feed(first, made[:5])
    again = site.second(name="fourth")
    check("rubbish_on_the_port_harms_nobody", bool(follower_there(first)) and "has the state" in again.errors(), again.errors().strip())
    again.kill()
    first.stop()
    done = run("run", "--config", site.path, "--follow", "nowhere")
    check("an_address_that_is_none_is_refused", done.returncode == 1 and "HOST:PORT" in done.stderr, done.stderr.strip())


def slow_follower(made):
    """One that stops reading: lines wait no longer than the frame limit, say so, and it is given up."""
    site = Site()
    first, second = site.first(), site.second()
    follower_there(first)
    feed(first, made[:10])
    lines = socket.create_connection(("127.0.0.1", site.ports[1]), timeout=10).makefile()
    poll(lambda: first.metrics().value("weft_subscribers") == 1, 10)
    second.process.send_signal(signal.SIGSTOP)
    feed(first, made[10:12])
    marked = json.loads(lines.readline())
    check("lines_that_did_not_wait_are_marked", marked.get("unjournaled") is True, str({k: marked.get(k) for k in ("track", "unjournaled")}))
    poll(lambda: first.metrics().value("weft_standby_connected") == 0, 20)
    pages = first.metrics()
    check("who_does_not_answer_is_given_up", pages.value("weft_standby_connected") == 0 and pages.value("weft_standby_late_frames_total") > 0 and
          "does not answer" in first.errors(), first.errors().strip())
    lines = socket.create_connection(("127.0.0.1", site.ports[1]), timeout=10).makefile()
    poll(lambda: first.metrics().value("weft_subscribers") == 2, 10)
    feed(first, made[12:14])
    check("lines_alone_are_not_marked", "unjournaled" not in json.loads(lines.readline()))
    second.process.send_signal(signal.SIGCONT)
    poll(lambda: second.process.poll() is not None, 20)
    check("who_was_given_up_does_not_take_over", second.process.poll() == 1 and "still taken" in second.errors(), second.errors().strip())
    check("the_server_is_not_disturbed", first.process.poll() is None and first.stop()["balanced"])


def silent_server(made):
    """A server that hangs on the same machine keeps its addresses."""
    site = Site()
    first, second = site.first(), site.second()
    follower_there(first)
    feed(first, made[:5])
    first.process.send_signal(signal.SIGSTOP)
    poll(lambda: second.process.poll() is not None, 20)
    check("a_silent_server_that_holds_its_addresses_is_not_replaced", second.process.poll() == 1 and "still taken" in second.errors(), second.errors().strip())
    first.process.send_signal(signal.SIGCONT)
    check("it_goes_on", first.stop()["balanced"])


def test():
    made = scans()
    for part in (takes_over, orderly_end, refusals, slow_follower, silent_server):
        part(made)


main(test)
