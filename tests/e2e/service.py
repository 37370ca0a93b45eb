#!/usr/bin/env python3
"""Under a service manager, played by this test: told when ready, pinged while frames come out and no longer, told of reloads and
of the end. tests/service/systemd.py has the real one."""
import json
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
import weft_trace
from weft_e2e import *

SITE = "tools/scenarios/one.site.yaml"
WATCHDOG_S = 2
FULL_SITE = """
time: recorded
listen: {detections: "127.0.0.1:0", metrics: "127.0.0.1:0"}
sensors:
  - {id: 9, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {x_m: 20}}
"""


class Manager:
    """The socket that a service is told of, and what came there."""

    def __init__(self, name):
        self.name = name
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.link.bind("\0" + name[1:] if name.startswith("@") else name)
        self.env = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": str(WATCHDOG_S * 1000000)}

    def message(self, limit_s=60):
        """The next one, as a dictionary; empty where none came."""
        self.link.settimeout(limit_s)
        try:
            return dict(line.split("=", 1) for line in self.link.recv(4096).decode().splitlines())
        except (TimeoutError, BlockingIOError):
            return {}

    def until(self, key, limit=50):
        """The messages up to the first that has `key`."""
        messages = [self.message()]
        while messages[-1] and key not in messages[-1] and len(messages) < limit:
            messages.append(self.message())
        return messages

    def rest(self):
        """All that have come by now."""
        messages = []
        while message := self.message(0):
            messages.append(message)
        return messages


def pings(messages):
    return sum("WATCHDOG" in message for message in messages)


def frames(message):
    """How many had come out when it was sent; 0 where it doesn't say."""
    found = re.match(r"frames: (\d+)", message.get("STATUS", ""))
    return int(found[1]) if found else 0


def whole_life():
    manager = Manager(os.path.join(folder(), "notify"))
    server = Server(SITE, "--workers", 1, env=manager.env, expect_ready=False)
    first = manager.message()
    check("ready_is_told_after_the_ready_line", first.get("READY") == "1" and server.output().startswith("ready ") and "\n" in server.output(), first)
    server.ports["metrics"] = int(re.search(r"metrics=http:127\.0\.0\.1:(\d+)", server.output())[1])
    told = [manager.message() for _ in range(4)]
    counts = [frames(message) for message in told]
    check("a_silent_server_pings", pings(told) == 4, told[-1])
    check("every_ping_has_frames_behind_it", counts[0] > 0 and all(a < b for a, b in zip(counts, counts[1:])), counts)
    server.process.send_signal(signal.SIGHUP)
    told = manager.until("RELOADING")
    check("a_reload_is_told_with_its_time", told[-1].get("RELOADING") == "1" and told[-1].get("MONOTONIC_USEC", "").isdigit(), told[-1])
    told = manager.until("READY")
    check("the_end_of_a_reload_is_told", told[-1].get("READY") == "1" and "again" in server.errors(), told[-1])
    return manager, server


def stuck_engine(manager, server):
    """Nothing here hangs on how fast the machine is: pings that the stop overtook are at most two, that the last frame before it
    came out and that another had come out before, while /health needs five seconds to speak."""
    engine = weft_trace.thread_named(server.process.pid, "weft-engine")
    weft_trace.stop(engine)
    manager.rest()
    stuck = poll(lambda: [page for page in [server.page("/health")] if page[0] == 503], 60)
    check("a_stuck_engine_is_unhealthy", bool(stuck) and "no frame has come out" in json.loads(stuck[0][1])["reason"], stuck)
    told = manager.rest()
    check("a_stuck_engine_ends_the_pings", pings(told) <= 2, f"{pings(told)} in the 5 s until /health said so, every {WATCHDOG_S / 4} s before")
    weft_trace.resume(engine)
    check("an_engine_that_goes_on_is_pinged_for", pings(manager.until("WATCHDOG")) == 1)
    check("an_engine_that_goes_on_is_healthy", poll(lambda: server.page("/health")[0] == 200, 60))


def stuck_io(manager, server):
    weft_trace.stop(server.process.pid)
    manager.rest()
    told = manager.message(2 * WATCHDOG_S)
    check("a_stuck_io_thread_ends_the_pings", not told, told)
    weft_trace.resume(server.process.pid)
    check("an_io_thread_that_goes_on_pings", pings(manager.until("WATCHDOG")) == 1)


def full_frames():
    """An engine that is stuck, and detections until no frame takes more, of a site whose sensors have no budget: the I/O thread waits for
    the engine, and serves everybody else meanwhile."""
    path = os.path.join(folder(), "full.yaml")
    with open(path, "w") as file:
        file.write(FULL_SITE)
    server = Server(path, "--workers", 1)
    engine = weft_trace.thread_named(server.process.pid, "weft-engine")
    weft_trace.stop(engine)
    try:
        flood, stream = NumberedFlood(9, 1000, UdpSender(server.ports["detections"])), TcpSender(server.ports["detections"])
        stream.send(bytes(flood.one))
        taken = [-1, -1, server.metrics().sum("weft_detections_total", fate="received")]
        while len(set(taken[-3:])) > 1 and len(taken) < 1000:
            for _ in range(50):
                flood.send()
            taken.append(server.metrics().sum("weft_detections_total", fate="received"))
        stream.send(bytes(flood.one))
        check("with_all_frames_full_pages_are_answered", taken[-1] > 0 and server.page("/health")[0] in (200, 503), taken[-3:])
        check("with_all_frames_full_nothing_more_is_taken", server.metrics().sum("weft_detections_total", fate="received") == taken[-1], taken[-3:])
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGINT)
        check("with_all_frames_full_a_second_signal_ends_it", poll(lambda: "ended by a second signal" in server.errors(), 60))
    finally:
        server.process.kill()
        weft_trace.bury(engine)
    check("what_a_second_signal_ends_has_failed", server.process.wait(60) == 1)


def end(manager, server):
    manager.rest()
    server.stop()
    told = manager.rest()
    check("stopping_is_told", any(message.get("STOPPING") == "1" for message in told), told)
    check("a_told_server_exits_0", server.status == 0, f"status {server.status}")


def abstract_name():
    manager = Manager(f"@weft-e2e-service-{os.getpid()}")
    server = Server(SITE, env={"NOTIFY_SOCKET": manager.name})
    check("an_abstract_socket_is_told", manager.message().get("READY") == "1")
    server.stop()
    told = manager.rest()
    check("without_a_watchdog_nothing_is_pinged", pings(told) == 0 and told[-1].get("STOPPING") == "1", told)


def unusable():
    server = Server(SITE, env={"NOTIFY_SOCKET": "nowhere"})
    server.stop()
    check("a_name_that_is_no_socket_is_said_and_lived_with", server.status == 0 and "NOTIFY_SOCKET=nowhere" in server.errors(), server.errors())
    server = Server(SITE, env={"NOTIFY_SOCKET": os.path.join(folder(), "gone"), "WATCHDOG_USEC": "1000"})
    server.stop()
    errors = server.errors()
    check("a_manager_that_is_gone_is_said_once", server.status == 0 and errors.count("telling the service manager") == 1, errors)
    check("a_watchdog_too_short_is_said", "WATCHDOG_USEC=1000:" in errors)
    server = Server(SITE)
    server.stop()
    check("without_a_manager_nothing_is_said_of_one", "NOTIFY" not in server.errors() and server.status == 0, server.errors())


def test():
    os.environ.pop("NOTIFY_SOCKET", None)  # of whoever runs this test
    manager, server = whole_life()
    untraced = None
    try:
        stuck_engine(manager, server)
        stuck_io(manager, server)
        full_frames()
    except PermissionError as error:
        untraced = f"stopping a thread is not allowed here (ptrace: {error.strerror})"
    end(manager, server)
    abstract_name()
    unusable()
    if untraced and not failures:
        skip(untraced)


main(test)
