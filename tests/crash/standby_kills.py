#!/usr/bin/env python3
"""A server with a standby is killed (SIGKILL) at random moments under traffic; the standby takes over, gets a standby of its own, and is killed
in turn, ten times; some standbys are killed before that, while they start, get the state or follow. All of them are one uninterrupted
run: an engine that was never loaded from another one's state steps the frames of their journals, up to the one after which the next
took over, has the same state by hash, and gives every line that had left, on the live port and in the file, bit for bit, track numbers
included. Sealed datagrams that were taken over are not accepted again.
About 30 seconds or 100 kills; WEFT_STAT=full: 1,000, or WEFT_KILLS of them. A failure names the seed of its folder;
`standby_kills.py WEFT SEED` repeats that one's timing. The time to take over is told, not judged, but for 10 s."""
import concurrent.futures
import os
import random
import select
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_crash import *

FULL = os.environ.get("WEFT_STAT") == "full"
FOLDERS, LIMIT_S = (int(os.environ.get("WEFT_KILLS", "1000")) // 10, 86400) if FULL else (10, 30)
KILLS = 10  # in one folder
LANES = 2  # folders at the same time
SCANS, SEALED_SCANS = 3000, 600
OLD_MAX = 50  # sealed datagrams that are sent again
TRIES_MAX = 20
IN_FLIGHT_MAX = 4  # frames that may have arrived at a standby before they were in the server's journal; their lines had not left
PORTS = ("detections", "tracks", "standby")
FRAME_LIMIT_MS = 500  # lines wait that long for a standby: longer than two servers on a busy machine need


class Member:
    """One of the servers of a folder. All but the first follow the one that serves."""

    def __init__(self, here, name):
        self.here, self.name, self.place = here, name, os.path.join(here.place, name)
        os.makedirs(self.place, exist_ok=True)
        follow = ["--follow", f"127.0.0.1:{here.ports['standby']}"] if name != "0" else []
        command = [WEFT, "run", "--config", here.site, "--workers", "1", "--tracks-max", str(TRACKS_MAX), "--io", here.io, *follow,
                   "--tracks", os.path.join(self.place, "tracks.jsonl"), "--journal", os.path.join(self.place, "journal")]
        with open(os.path.join(self.place, "stderr"), "wb") as err:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL)

    def log(self):
        return file_bytes(os.path.join(self.place, "stderr")).decode(errors="replace")

    def ready(self, limit_s):
        """Waits for the ready line."""
        if not select.select([self.process.stdout], [], [], limit_s)[0] or not self.process.stdout.readline().startswith(b"ready"):
            raise RuntimeError(f"server {self.name} in {self.here.place} is not ready: {self.log()}")
        self.lines = socket.create_connection(("127.0.0.1", self.here.ports["tracks"]))

    def has_the_state(self):
        """False where the server has not noticed yet that the standby before is gone."""
        poll(lambda: "has the state" in self.log() or self.process.poll() is not None, 60, 0.005)
        if self.process.poll() == 1 and "another standby" in self.log():
            self.process.stdout.close()
            return False
        if self.process.poll() is not None or "has the state" not in self.log():
            raise RuntimeError(f"server {self.name} in {self.here.place} does not follow: {self.log()}")
        return True

    def end(self):
        """Kills it. What it left."""
        self.process.kill()
        with open(os.path.join(self.place, "live"), "wb") as file:
            file.write(received(self.lines))
        self.process.wait()
        self.process.stdout.close()


class Folder:
    """A place in which each server follows the one before."""

    def __init__(self, seed):
        self.place, self.draw = folder(), random.Random(seed)
        self.io = self.draw.choice(("auto", "auto", "plain"))
        self.ports = dict(zip(PORTS, ports_free(len(PORTS))))
        listen = ", ".join(f'{name}: "127.0.0.1:{port}"' for name, port in self.ports.items())
        site_write(self.place, listen=listen, frame_limit_ms=FRAME_LIMIT_MS)
        self.site = os.path.join(self.place, "site.yaml")
        self.at, self.sealed_at, self.sent = 0, 0, 0
        self.link = UdpSender(self.ports["detections"])
        self.members, self.took_s, self.gaps, self.doomed = [], [], [], 0


def ports_free(count):
    """Numbers that no socket has, neither UDP nor TCP."""
    held = []
    while len(held) < 2 * count:
        tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp.bind(("127.0.0.1", 0))
        try:
            udp.bind(tcp.getsockname())
            held += [tcp, udp]
        except OSError:
            tcp.close()
            udp.close()
    numbers = [link.getsockname()[1] for link in held[::2]]
    for link in held:
        link.close()
    return numbers


def send(here, feed, sealed_feed):
    """Traffic for a time that the seed says, sealed datagrams that may have been accepted before among it."""
    draw, end = here.draw, time.monotonic() + here.draw.uniform(0, 0.08)
    for one in sealed_feed[max(here.sealed_at - OLD_MAX, 0):here.sealed_at]:
        here.link.send(one[2])
    while time.monotonic() < end:
        burst = draw.choice((1, 1, 2, 8))
        for one in feed[here.at:here.at + burst] + sealed_feed[here.sealed_at:here.sealed_at + 1]:
            here.link.send(one[2])
            here.sent += 1
        here.at += burst
        here.sealed_at += 1
        time.sleep(draw.choice((0, 0.0005, 0.003)))


def follower(here, number, feeds):
    """Standby `number`, which has the state. One in three times another one is killed first, whatever it is at."""
    if here.draw.random() < 1 / 3:
        doomed = Member(here, f"{number}-doomed")
        time.sleep(here.draw.uniform(0, 0.3))
        doomed.process.kill()
        send(here, *feeds)
        doomed.process.wait()
        doomed.process.stdout.close()
        here.doomed += 1
    for _ in range(TRIES_MAX):
        member = Member(here, str(number))
        here.members.append(member)
        if member.has_the_state():
            return member
        here.members.pop()
    raise RuntimeError(f"no standby {number} is let in in {here.place}: {here.members[-1].log()}")


def lives(seed, feeds):
    """The folder, after its kills; the last server has ended in order."""
    here = Folder(seed)
    try:
        here.members.append(Member(here, "0"))
        here.members[0].ready(60)
        for number in range(1, KILLS + 1):
            follower(here, number, feeds)
            send(here, *feeds)
            here.members[number - 1].process.kill()
            began = time.monotonic()
            here.members[number].ready(10)
            here.took_s.append(time.monotonic() - began)
            here.members[number - 1].end()
        send(here, *feeds)
    finally:
        for member in here.members:
            member.process.kill()
            member.process.wait()
    here.members[KILLS].end()
    return here


def wrong(here):
    """None, or what is not as it must be in the folder after its kills."""
    lives = [Life(member.place, set()) for member in here.members]
    journals = [os.path.join(member.place, "journal") for member, life in zip(here.members, lives) if life.own]
    done = subprocess.run([UNINTERRUPTED, os.path.join(here.place, "one.jsonl"), *journals], capture_output=True, text=True)
    if done.returncode != 0:
        return f"the runs are not one: {done.stderr.strip()}"
    states = iter(enumerate(line for line in done.stdout.splitlines() if not line.startswith("gap")))
    here.gaps = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("gap")]
    if max(here.gaps, default=0) > IN_FLIGHT_MAX:
        return f"frames in no journal: {here.gaps}"
    frame, state, accepted = "0", None, set()  # after the server before; its state is None where that had no frame of its own
    for number, (member, life) in enumerate(zip(here.members, lives)):
        over = re.search(r"taking over after frame (\d+), state (\w+)", member.log())
        more = int(over[1]) - int(frame) if number else 0  # frames that were on their way into the journal; who ends without a frame shows no gap
        if more in here.gaps or (not life.own and 0 < more <= IN_FLIGHT_MAX):
            frame, state = over[1], None
        if number and (over[1] != frame or (state and over[2] != state)):
            return f"server {number} takes over with another state than {state} after frame {frame}: {member.log()}"
        state, lines = None, b""
        if life.own:
            run_number, told = next(states)
            frame, state = told.split()
            lines = file_bytes(os.path.join(here.place, f"one.jsonl.{run_number}"))
        said = life.wrong(lines)
        if said:
            return f"server {number}: {said}"
        taken = sealed_of(os.path.join(member.place, "journal"), int(frame)) if life.own else set()
        if taken & accepted:
            return f"server {number} accepted sealed datagrams again: {sorted(taken & accepted)[:10]}"
        accepted |= taken
    return None


def sealed_of(journal, through):
    """Sequence numbers of the sealed sensor's datagrams in the journal's frames up to one."""
    found = re.findall(rf'"frame":(\d+),"sequence":(\d+),"index":0,"time_ns":\d+,"sensor":{SEALED_SENSOR},', run("inspect", journal).stdout)
    return {int(sequence) for frame, sequence in found if int(frame) <= through}


def test():
    feeds = (traffic(SCANS, sensors=(OPEN,)), traffic(SEALED_SCANS, sensors=(SEALED_SENSOR,), targets=3))
    seeds = [int(sys.argv[2])] if len(sys.argv) > 2 else range(1, FOLDERS + 1)
    lock, failed, end = threading.Lock(), [], time.monotonic() + LIMIT_S
    took_s, sent, lines, gaps, doomed = [], [0], [0], [], [0]

    def work(seed):
        if failed or time.monotonic() > end:
            return
        here = lives(seed, feeds)
        said = wrong(here)
        with lock:
            took_s.extend(here.took_s)
            gaps.extend(here.gaps)
            doomed[0] += here.doomed
            sent[0] += here.sent
            lines[0] += sum(file_bytes(os.path.join(member.place, "tracks.jsonl")).count(b"\n") for member in here.members)
        if said:
            failed.append(f"seed {seed}, {here.place}: {said}")
        else:
            folders.remove(here.place)
            shutil.rmtree(here.place)

    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        list(pool.map(work, seeds))
    figure = f"{len(took_s)} servers killed and {doomed[0]} standbys, {sent[0]} datagrams, {lines[0]} lines had left"
    if took_s:
        figure += f"; {len(gaps)} times the standby had frames more than the journal, {sum(gaps)} in all"
        figure += f"; taken over after {statistics.median(took_s):.3f} s (median), {max(took_s):.3f} s (longest)"
    check("a_standby_takes_over_all_that_had_left", not failed and took_s and lines[0] > 0, f"{figure} {' '.join(failed)}")


main(test)
