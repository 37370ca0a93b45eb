#!/usr/bin/env python3
"""weft.service as `cmake --install` lays it down, run by the real systemd as process 1 of namespaces of its own, over a copy of this
system that vanishes with it: ready, io_uring within the sandbox, levels in the journal, reload, watchdog, restart, stop.
Usage: tests/service/systemd.py BUILD/weft      as root; exit status 77, with the reason, where it can't run"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e", "common"))
import weft_trace
from weft_e2e import *

SYSTEMD = "/lib/systemd/systemd"
UNITS_OF_SYSTEMD = ("systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket", "shutdown.target",
                    "sockets.target")
TARGETS = {"sysinit.target": "Wants=systemd-journald.service systemd-journald.socket\nAfter=systemd-journald.service",
           "basic.target": "Wants=sockets.target\nAfter=sysinit.target",
           "weft-test.target": "Wants=weft.service\nAfter=weft.service"}
UNIT = "/usr/local/lib/systemd/system/weft.service"
EXPOSURE_MAX = 1.5
SITE = """centre: S1
time: live
listen: {detections: "127.0.0.1:0", tracks: "127.0.0.1:0", metrics: "127.0.0.1:0"}
journal: {directory: /var/lib/weft/journal, segment_mib: 16}
replay_marks: /var/lib/weft/site.marks
sensors:
  - {id: 1, name: r, nation: A, kind: radar, position: {lat_deg: 45, lon_deg: 0, height_m: 0}, revisit_s: 1,
     sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001}, key: keys/1.key}
  - {id: 2, name: s, nation: A, kind: radar, position: {lat_deg: 45, lon_deg: 0, height_m: 0}, revisit_s: 1,
     sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001}}
"""


def needs():
    """Why it can't run here, or nothing."""
    if os.geteuid() != 0:
        return "not root"
    for program in (SYSTEMD, "/usr/bin/systemctl", "/usr/bin/journalctl", "/usr/bin/systemd-sysusers", "/usr/bin/unshare", "/usr/bin/nsenter"):
        if not os.path.exists(program):
            return f"{program} is missing (Debian: systemd, util-linux)"
    with open("/proc/filesystems") as file:
        known = file.read().split()
    for name in ("overlay", "cgroup2"):
        if name not in known:
            return f"this kernel has no {name}"
    try:
        made = os.path.join(cgroups() or "", f"weft-test-{os.getpid()}")
        os.mkdir(made)
        os.rmdir(made)
    except OSError as error:
        return f"no cgroup of version 2 can be made here ({error})"
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "--cgroup", "true"], capture_output=True).returncode != 0:
        return "this container may not make namespaces"
    return None


def cgroups():
    """Where cgroups of version 2 are, if they are."""
    with open("/proc/mounts") as file:
        for line in file:
            where, kind = line.split()[1:3]
            if kind == "cgroup2":
                return where
    return None


def stage():
    """What is laid over this system's root: the installed weft, its configuration and the few units that systemd gets to see."""
    staged = os.path.join(folder(), "staged")
    install = subprocess.run(["cmake", "--install", os.path.dirname(WEFT), "--prefix", "/usr/local"], capture_output=True, text=True,
                             env={**os.environ, "DESTDIR": staged})
    if install.returncode != 0:
        raise RuntimeError(install.stderr)
    for path in ("etc/weft/keys", "etc/weft-test", "var/lib"):
        os.makedirs(os.path.join(staged, path))
    with open(os.path.join(staged, "etc/weft/site.yaml"), "w") as file:
        file.write(SITE)
    run("key", os.path.join(staged, "etc/weft/keys/1.key"))
    for unit in UNITS_OF_SYSTEMD:
        shutil.copy(os.path.join("/lib/systemd/system", unit), os.path.join(staged, "etc/weft-test", unit))
    for target, text in TARGETS.items():
        with open(os.path.join(staged, "etc/weft-test", target), "w") as file:
            file.write(f"[Unit]\nDefaultDependencies=no\n{text}\n")
    return staged


class Machine:
    """A booted systemd."""

    command = [SYSTEMD]

    def __init__(self):
        self.cgroup = os.path.join(cgroups(), f"weft-test-{os.getpid()}")
        os.mkdir(self.cgroup)
        os.chmod(self.cgroup, 0o755)
        self.console = os.path.join(folder(), "console")
        root = os.path.join(folder(), "machine")
        os.mkdir(root)
        with open(self.console, "wb") as console:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts", "--ipc", os.path.join(HERE, "boot.sh"), root, stage()],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, preexec_fn=self.enter)
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            self.init = poll(lambda: file.seek(0) or file.read().split()) or [0]
        self.init = int(self.init[0])

    def enter(self):
        """In the child: into the cgroup, and not to outlive this test."""
        weft_trace.LIBC.prctl(1, signal.SIGKILL)
        with open(os.path.join(self.cgroup, "cgroup.procs"), "w") as file:
            file.write(str(os.getpid()))

    def run(self, *command):
        """A program within; its output."""
        done = subprocess.run(["nsenter", f"--target={self.init}", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--root", "--wd", *command],
                              capture_output=True, text=True, timeout=200)
        return done.stdout + done.stderr

    def show(self, *names):
        text = self.run("systemctl", "show", "weft", *(f"--property={name}" for name in names))
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def errors(self):
        """What it and its services said, for a test that failed."""
        with open(self.console, errors="replace") as file:
            return file.read() + self.run("journalctl", "--no-pager", "--lines=100")

    def journal(self):
        """Of the unit: its own lines and systemd's about it."""
        lines = self.run("journalctl", "--unit=weft", "--output=json", "--no-pager").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def said(self, what, since=0):
        """The lines that hold these words, from line `since` on."""
        return [line for line in self.journal()[since:] if what in str(line.get("MESSAGE"))]

    def main(self):
        """The service's process, as this test sees it."""
        try:
            with open(os.path.join(self.cgroup, "system.slice/weft.service/cgroup.procs")) as file:
                return int((file.read().split() or [0])[0])
        except FileNotFoundError:
            return 0

    def ports(self, since=0):
        ready = self.said("ready detections=", since)
        return {name: int(port) for name, port in re.findall(r" (\w+)=\w+:127\.0\.0\.1:(\d+)", ready[-1]["MESSAGE"])} if ready else {}

    def kill(self):
        self.process.kill()
        self.process.wait()
        poll(lambda: not self.leave())

    def leave(self):
        """Folders of the cgroup that are still there."""
        for path, _, _ in os.walk(self.cgroup, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                pass
        return os.path.exists(self.cgroup)


class Page:
    """What Server has of pages, for a server that systemd runs."""
    page, metrics = Server.page, Server.metrics

    def __init__(self, ports):
        self.ports = ports


def status_of(process):
    with open(f"/proc/{process}/status") as file:
        return dict(re.findall(r"(\w+):\t(.*)", file.read()))


def starts(machine):
    if not poll(lambda: machine.show("ActiveState").get("ActiveState") in ("active", "failed"), 30, 0.2):
        raise RuntimeError("systemd didn't start the service within a minute")
    shown = machine.show("ActiveState", "Type", "User", "WatchdogUSec")
    check("systemd_sees_it_ready", shown == {"ActiveState": "active", "Type": "notify", "User": "weft", "WatchdogUSec": "10s"}, shown)
    text = poll(lambda: [s for s in [machine.show("StatusText").get("StatusText", "")] if "frames" in s])
    check("systemd_shows_how_it_goes", bool(text) and text[0].endswith("healthy"), text)


def receives(machine):
    page, now = Page(machine.ports()), time.time_ns()
    check("io_uring_is_used_within_the_sandbox", 'io="io_uring"' in page.metrics().text and not machine.said("using recvmmsg"),
          re.findall(r'\bio="\w+"', page.metrics().text))
    UdpSender(page.ports["detections"]).send(datagram(2, 1, [entry(now, RADAR, (50000.0, 1.0, 0.1, 0.0))]))
    fused = poll(lambda: [m for m in [page.metrics()] if m.value("weft_detections_total", sensor="2", fate="accepted") == 1 and
                          m.value("weft_journal_durable_frame") > 0 and m.value("weft_unjournaled_frames_total") == 0])
    check("what_it_receives_is_accepted_and_journaled", bool(fused), fused and f"frame {fused[0].value('weft_journal_durable_frame'):.0f} is durable")


def unit(machine):
    verify = machine.run("systemd-analyze", "verify", "--man=no", UNIT)
    check("systemd_finds_no_fault_with_the_unit", not verify, verify)
    security = machine.run("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
    level = re.search(r"exposure level for weft.service: ([\d.]+)", security)
    check("its_exposure_is_small", bool(level) and float(level[1]) <= EXPOSURE_MAX, f"{level and level[1]} of 10, at most {EXPOSURE_MAX}")


def sandbox(machine):
    status, page = status_of(machine.main()), Page(machine.ports())
    check("it_has_no_privileges_and_gets_none", status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0,
          {key: status[key] for key in ("Uid", "NoNewPrivs", "CapEff", "CapBnd")})
    check("its_system_calls_are_filtered", status["Seccomp"] == "2", f"Seccomp {status['Seccomp']}, {status['Seccomp_filters']} filters")
    with open(f"/proc/{machine.main()}/mounts") as file:
        mounts = {line.split()[1]: line.split()[3].split(",")[0] for line in file}
    check("it_can_write_its_state_only", mounts["/"] == "ro" and mounts["/var/lib/weft"] == "rw", {path: mounts[path] for path in ("/", "/var/lib/weft")})
    health = page.page("/health")
    check("it_is_healthy_with_journal_and_marks", health[0] == 200, health)


def reloads(machine):
    before = len(machine.journal())
    refused = machine.run("systemctl", "reload", "weft")
    lines = poll(lambda: machine.said("SIGHUP: key files read again", before))
    check("a_reload_reads_the_keys_again", not refused and len(lines) == 1 and machine.show("ActiveState")["ActiveState"] == "active", refused or lines[0]["MESSAGE"])
    check("its_lines_have_their_level_in_the_journal", lines[0]["PRIORITY"] == "5" and not lines[0]["MESSAGE"].startswith("<"),
          {key: lines[0][key] for key in ("PRIORITY", "MESSAGE")})


def stuck(machine):
    """The engine thread alone is stopped: systemd finds it by the pings that stay away, and starts the server again."""
    before, first = len(machine.journal()), machine.main()
    engine = weft_trace.thread_named(first, "weft-engine")
    weft_trace.stop(engine)
    timeout = poll(lambda: machine.said("Watchdog timeout", before), 60, 0.2)
    check("a_stuck_engine_meets_the_watchdog", bool(timeout), timeout and timeout[0]["MESSAGE"])
    if not timeout:
        weft_trace.resume(engine)
        return
    weft_trace.bury(engine)
    ports = poll(lambda: machine.main() not in (0, first) and machine.ports(before), 60, 0.2)
    check("and_the_server_is_started_again", bool(ports) and machine.show("NRestarts")["NRestarts"] == "1", f"{ports}, {machine.show('NRestarts', 'ActiveState')}")
    check("and_is_healthy_again", bool(ports) and poll(lambda: Page(ports).page("/health")[0] == 200))


def crashes(machine):
    before, first = len(machine.journal()), machine.main()
    os.kill(first, signal.SIGKILL)
    ports = poll(lambda: machine.main() not in (0, first) and machine.ports(before), 60, 0.2)
    check("a_killed_server_is_started_again", bool(ports) and machine.show("NRestarts")["NRestarts"] == "2", f"{ports}, {machine.show('NRestarts')}")


def stops(machine):
    before = len(machine.journal())
    machine.run("systemctl", "stop", "weft")
    shown = machine.show("ActiveState", "Result", "ExecMainStatus")
    check("a_stop_is_orderly", shown == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}, shown)
    check("the_ledger_is_in_the_journal", len(machine.said('{"ledger"', before)) == 1)


def test():
    reason = needs()
    if reason:
        skip(reason)
    machine = Machine()
    servers.append(machine)
    starts(machine)
    unit(machine)
    sandbox(machine)
    receives(machine)
    reloads(machine)
    stuck(machine)
    crashes(machine)
    stops(machine)


main(test)
