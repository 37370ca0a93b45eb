#!/usr/bin/env python3
"""Sealed sensors in a running server, over UDP and TCP, by senders made by hand: keys that change in flight, replays, kill -9 and
restart, a flood of forgeries, loss with parity; and a whole run of the generator, sealed, through a network that loses."""
import os
import random
import re
import select
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *
from weft_scene import Crosser, LISTEN
from weft_seal import parity_datagrams, rfc_8439_agrees, sealed

SENSOR = 1
SITE = """centre: E
time: live
{listen}
sensors:
  - {{id: 1, name: keyed, nation: A, kind: position, position: {{lat_deg: -45, lon_deg: -125, height_m: 10}}, revisit_s: 0.05,
     sigma: {{x_m: 20}}, clutter_per_scan: 0.1, key: 1.key}}
  - {{id: 2, name: other, nation: B, kind: position, position: {{lat_deg: -45, lon_deg: -125, height_m: 10}}, revisit_s: 0.05,
     sigma: {{x_m: 20}}, clutter_per_scan: 0.1, key: 2.key}}
"""


class Sensor:
    """A keyed sensor: the keys in its file, its numbers, everything it ever sent."""

    def __init__(self, place, sensor=SENSOR):
        self.path = os.path.join(place, f"{sensor}.key")
        self.sensor, self.sequence, self.sent = sensor, 1000, []
        made = run("key", self.path)
        check("a_key_is_made", made.returncode == 0 and os.stat(self.path).st_mode & 0o777 == 0o600, made.stdout.strip())
        self.keys_read()

    def keys_read(self):
        with open(self.path) as file:
            self.keys = {int(line.split()[0]): bytes.fromhex(line.split()[1]) for line in file if line.strip()}
        self.epoch = max(self.keys)

    def one(self, place=None):
        """The next datagram, sealed with the newest key."""
        now = time.time_ns()
        place = place or (-2597000.0, -3704000.0, -4497000.0)
        self.sequence += 1
        plain = datagram(self.sensor, self.sequence, [entry(now, POSITION, (*place, 0.0))], sent_ns=now)
        self.sent.append(sealed(plain, self.keys[self.epoch], self.epoch))
        return self.sent[-1]

    def forged(self, count):
        """Datagrams of its next numbers, sealed with a key that it doesn't have."""
        plain = datagram(self.sensor, self.sequence + 1, [entry(time.time_ns(), POSITION, (-2597000.0, -3704000.0, -4497000.0, 0.0))])
        made = sealed(plain, bytes(32), self.epoch)
        return [made] * count


def site(place):
    path = os.path.join(place, "site.yaml")
    with open(path, "w") as file:
        file.write(SITE.format(listen=LISTEN))
    return path


def books(server, row=str(SENSOR)):
    return server.metrics().books()[row][0]


def wait_for(server, want, row=str(SENSOR)):
    return poll(lambda: (found := books(server, row)) == want and found, 10) or books(server, row)


def session(transport):
    place = folder()
    config, sensor, other = site(place), Sensor(place), Sensor(place, 2)
    server = Server(config)
    connect = UdpSender if transport == "udp" else TcpSender
    link = connect(server.ports["detections"])
    for _ in range(50):
        link.send(sensor.one())
    found = wait_for(server, {"received": 50, "accepted": 50})
    check(f"{transport}_sealed_data_is_accepted", found == {"received": 50, "accepted": 50}, found)

    for data in sensor.sent:
        link.send(data)
    found = wait_for(server, {"received": 100, "accepted": 50, "replayed": 50})
    check(f"{transport}_every_datagram_replayed_is_refused", found == {"received": 100, "accepted": 50, "replayed": 50}, found)

    made = run("key", "--append", sensor.path)
    check(f"{transport}_the_next_epoch_is_made", made.returncode == 0 and "epoch 2" in made.stdout, made.stdout.strip())
    for _ in range(10):
        link.send(sensor.one())  # still with the old one
    server.process.send_signal(signal.SIGHUP)
    for _ in range(10):
        link.send(sensor.one())
    said = poll(lambda: "1 of 2 sensors have other keys" in server.errors(), 10)
    check(f"{transport}_key_files_are_read_again", said, server.errors().strip().splitlines()[-1:])
    sensor.keys_read()
    old = dict(sensor.keys)
    for turn in range(20):  # both are on the way at once
        sensor.epoch = 1 + turn % 2
        link.send(sensor.one())
    found = wait_for(server, {"received": 140, "accepted": 90, "replayed": 50})
    check(f"{transport}_a_change_of_keys_loses_nothing", found == {"received": 140, "accepted": 90, "replayed": 50}, found)
    with open(sensor.path, "w") as file:
        file.write(f"2 {old[2].hex()}\n")
    server.process.send_signal(signal.SIGHUP)
    poll(lambda: server.errors().count("1 of 2 sensors have other keys") == 2, 10)
    sensor.epoch = 1
    link.send(sensor.one())
    sensor.epoch = 2
    link.send(sensor.one())
    want = {"received": 142, "accepted": 91, "replayed": 50, "unauthenticated": 1}
    check(f"{transport}_a_retired_key_opens_nothing", (found := wait_for(server, want)) == want, found)
    with open(sensor.path, "w") as file:
        file.write("2 nonsense\n")
    server.process.send_signal(signal.SIGHUP)
    poll(lambda: "1.key:1:" in server.errors(), 10)
    link.send(sensor.one())
    want = {"received": 143, "accepted": 92, "replayed": 50, "unauthenticated": 1}
    check(f"{transport}_a_bad_key_file_changes_nothing", (found := wait_for(server, want)) == want and "1.key:1:" in server.errors(), found)
    check(f"{transport}_no_key_is_ever_said", not any(key.hex() in server.errors() + server.output() + server.page()[1] for key in old.values()), "log, output, metrics")
    with open(sensor.path, "w") as file:
        file.write(f"2 {old[2].hex()}\n")
    os.chmod(sensor.path, 0o600)

    server.process.kill()
    server.process.wait()
    again = Server(config)
    link = connect(again.ports["detections"])
    newest = [data for data in sensor.sent if struct.unpack_from("<H", data, 14)[0] == 2]
    for data in newest:
        link.send(data)
    want = {"received": len(newest), "replayed": len(newest)}
    check(f"{transport}_after_kill_9_nothing_old_is_accepted", (found := wait_for(again, want)) == want, found)
    lost = 0
    while books(again).get("accepted", 0) == 0 and lost < 200:
        link.send(sensor.one())
        lost += 1
        poll(lambda: books(again)["received"] == len(newest) + lost, 5)
    check(f"{transport}_after_kill_9_the_rest_of_a_lease_is_lost", 1 < lost <= 150, f"{lost - 1} datagrams refused until the first accepted")
    again.stop()
    third = Server(config)
    link = connect(third.ports["detections"])
    link.send(sensor.sent[-1])
    link.send(sensor.one())
    want = {"received": 2, "accepted": 1, "replayed": 1}
    check(f"{transport}_after_an_orderly_stop_nothing_is_lost", (found := wait_for(third, want)) == want, found)
    ledger = third.stop()
    check_books(f"{transport}_restarted", third, ledger, 2)


def flood():
    """Forgeries, and a keyed sensor that goes on: only the counter of the forgeries moves, and its track is as if alone."""
    place = folder()
    config, sensor, other = site(place), Sensor(place), Sensor(place, 2)
    marks = config + ".marks"
    tracks = os.path.join(place, "tracks.jsonl")
    server = Server(config, "--tracks", tracks)
    link, attack = UdpSender(server.ports["detections"]), TcpSender(server.ports["detections"])
    crosser = Crosser(time.time_ns())
    forged, plain = other.forged(1)[0], other.one()[:48]
    with open(marks) as file:
        before = file.read()
    attack.link.sendall((struct.pack("<I", len(forged)) + forged) * 20000)
    want = {"received": 20000, "unauthenticated": 20000}
    found = poll(lambda: (now := books(server, "2")) == want and now, 20) or books(server, "2")
    with open(marks) as file:
        after = file.read()
    check("forgeries_alone_touch_no_file", found == want and before == after, found)
    for turn in range(30):
        attack.link.sendall((struct.pack("<I", len(forged)) + forged) * 500)
        crosser.live()
        link.send(sensor.one(crosser.place(crosser.last_ns)))
    want = {"received": 35000, "unauthenticated": 35000}
    found = poll(lambda: (now := books(server, "2")) == want and books(server) == {"received": 30, "accepted": 30} and now, 30)
    ledger = server.stop()
    rows = ledger_books(ledger)
    check("a_flood_of_forgeries_moves_its_counter_alone", rows["2"][0] == want and rows["1"][0] == {"received": 30, "accepted": 30} and not rows["unknown"][0],
          f"{rows['2'][0]}, the other sensor {rows['1'][0]}")
    good = next(iter(confirmed(tracks_read(tracks)).values()), [])
    check("a_track_is_unharmed_by_it", len(good) > 10 and good[-1]["sensors"] == [1], f"{len(good)} confirmed lines")


def loss():
    """Every pair of ten lost, sealed, by parity made by hand: everything is accepted."""
    place = folder()
    config, sensor, other = site(place), Sensor(place), Sensor(place, 2)
    server = Server(config)
    link = TcpSender(server.ports["detections"])
    pairs = [(a, b) for a in range(10) for b in range(a + 1, 10)]
    lost = 0
    for pair in pairs:
        group = [sensor.one() for _ in range(8)]
        first = sensor.sequence - 7
        parity = parity_datagrams(SENSOR, first, group, 2, sensor.sequence + 1)
        sensor.sequence += 2
        group += [sealed(one, sensor.keys[sensor.epoch], sensor.epoch) for one in parity]
        for at, data in enumerate(group):
            if at not in pair:
                link.send(data)
        lost += sum(at < 8 for at in pair)
    want = 8 * len(pairs)
    poll(lambda: server.metrics().sum("weft_detections_total", sensor="1", fate="accepted") == want, 20)
    ledger = server.stop()
    row = ledger["sensors"][0]
    check("any_2_of_10_lost_are_recovered", row["detections"]["accepted"] == want and row["parity"]["recovered"] == lost == row["parity"]["detections_recovered"],
          f"{row['detections']['accepted']} of {want} detections, {row['parity']}")
    check("lost_parity_is_all_that_stays_lost", row["parity"]["groups_failed"] == 0 and row["sequence_gaps"] == 2 * len(pairs) - lost - 2, f"{row['sequence_gaps']} gaps")


class Lossy(threading.Thread):
    """Forwards UDP, loses a seeded share."""

    def __init__(self, port, share):
        super().__init__(daemon=True)
        self.inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.inside.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.inside.bind(("127.0.0.1", 0))
        self.port = self.inside.getsockname()[1]
        self.out, self.share, self.random = UdpSender(port), share, random.Random(7)
        self.taken = self.lost = self.sealed = 0
        self.ending = False

    def run(self):
        while not self.ending:
            if not select.select([self.inside], [], [], 0.05)[0]:
                continue
            data = self.inside.recv(65536)
            self.taken += 1
            self.sealed += data[6] >> 1 & 1
            if self.random.random() < self.share:
                self.lost += 1
            else:
                self.out.send(data)


def generator():
    """A whole run of the generator, sealed, with parity, through a network that loses 10 %."""
    place = folder()
    keys, config = os.path.join(place, "keys"), os.path.join(place, "site.yaml")
    os.mkdir(keys)
    scenario = "tools/scenarios/one.yaml"
    run("salvo", scenario, "--site", config)
    with open(config) as file:
        ids = re.findall(r"- id: (\d+)", file.read())
    for one in ids[:-1]:  # one without a key
        run("key", os.path.join(keys, one + ".key"))
    run("salvo", scenario, "--site", config, "--keys", keys)
    said = run("check", "--config", config)
    check("check_takes_the_generators_site_and_keys", said.returncode == 0, said.stdout.strip() + said.stderr.strip())
    server = Server(config, "--journal", os.path.join(place, "journal"), "--tracks", os.path.join(place, "live.jsonl"))
    proxy = Lossy(server.ports["detections"], 0.1)
    proxy.start()
    sent = run("salvo", scenario, "--keys", keys, "--parity", "8,4", "--duration", 200, "--to", f"127.0.0.1:{proxy.port}", "--speed", 60)
    figures = {word: int(number) for number, word in re.findall(r"(\d+) (detections|clutter|states|datagrams)", sent.stderr)}
    poll(lambda: proxy.taken >= figures["datagrams"], 10)
    proxy.ending = True
    proxy.join()
    poll(lambda: server.metrics().sum("weft_datagrams_total", fate="received") >= proxy.taken - proxy.lost, 10)
    ledger = server.stop()
    total = ledger["total"]
    said, got = figures["detections"] + figures["clutter"], total["detections"]["received"]
    check("a_sealed_run_has_no_refusals", not any(total["datagrams"]["refused"].values()), f"{proxy.sealed} of {proxy.taken} datagrams sealed")
    check("parity_brings_back_nearly_all_of_10_percent_loss", got >= 0.99 * said and total["parity"]["recovered"] > 100,
          f"{proxy.lost} of {proxy.taken} datagrams lost; {got} of {said} detections arrived ({100 * got / said:.2f} %), {total['parity']}")
    again = os.path.join(place, "again.jsonl")
    for one in ids[:-1]:
        os.remove(os.path.join(keys, one + ".key"))
    replayed = run("replay", os.path.join(place, "journal"), "--tracks", again)
    with open(os.path.join(place, "live.jsonl"), "rb") as a, open(again, "rb") as b:
        check("replay_needs_no_keys_and_gives_the_same_bytes", replayed.returncode == 0 and a.read() == b.read(), f"{os.path.getsize(again)} bytes")
    check_books("generator", server, ledger)


def refusals():
    """What can't be started, and what it says."""
    place = folder()
    config = site(place)
    Sensor(place), Sensor(place, 2)

    def says(name, *words, command=("check", "--config", config)):
        said = run(*command)
        check(name, said.returncode == 1 and all(word in said.stderr for word in words) and len(said.stderr.splitlines()) == 1, said.stderr.strip())

    says("a_key_file_is_not_overwritten", "1.key", "--append", command=("key", os.path.join(place, "1.key")))
    with open(os.path.join(place, "1.key"), "a") as file:
        file.write("2 0123\n")
    says("check_names_file_and_line_of_a_bad_key", "1.key:2:", "64 hexadecimal digits")
    says("so_does_run", "1.key:2:", command=("run", "--config", config))
    os.remove(os.path.join(place, "1.key"))
    says("check_misses_a_key_file", "1.key", "No such file", "weft key")
    shutil.copy(os.path.join(place, "2.key"), os.path.join(place, "1.key"))
    says("check_finds_a_key_used_twice", "2.key", "sensor 1")
    os.remove(os.path.join(place, "1.key"))
    run("key", os.path.join(place, "1.key"))
    os.chmod(os.path.join(place, "1.key"), 0o644)
    said = run("check", "--config", config)
    check("check_warns_of_a_key_that_others_may_read", said.returncode == 0 and "1.key" in said.stderr and "chmod 600" in said.stderr, said.stderr.strip())
    os.chmod(os.path.join(place, "1.key"), 0o600)
    server = Server(config)
    says("two_servers_do_not_share_replay_marks", "site.yaml.marks", "another server", command=("run", "--config", config, "--duration", 1))
    server.stop()
    with open(config + ".marks", "a") as file:
        file.write("x\n")
    says("damaged_replay_marks_are_said", "site.yaml.marks:", "new key epoch", command=("run", "--config", config, "--duration", 1))


def captured():
    """inspect on a capture: sealed datagrams are told to be sealed, others are read."""
    place = folder()
    sensor = Sensor(place)
    plain = datagram(8, 5, [entry(123, POSITION, (6.5e6, 1.0, 2.0, 0.0))] * 2, sent_ns=7)
    payloads = [sensor.one(), plain, *parity_datagrams(8, 5, [plain], 1, 6), plain[:-1] + b"x", plain[:60], b"WEFT"]
    path = os.path.join(place, "capture.pcap")
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for at, data in enumerate(payloads):
            packet = struct.pack(">BBHHHBBH4s4sHHHH", 0x45, 0, 28 + len(data), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1", 9, 9, 8 + len(data), 0) + data
            file.write(struct.pack("<IIII", 1700000000 + at, 0, len(packet), len(packet)) + packet)
    said = run("inspect", path)
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    told = [one for one in lines if one.get("record") == "datagram"]
    good = len(told) == 6 and told[0]["sealed"] and told[0]["epoch"] == 1 and told[0]["sequence"] == sensor.sequence and told[0]["crc_good"]
    check("inspect_tells_sealed_datagrams_in_a_capture", said.returncode == 0 and good, told[:1])
    good = not told[1]["sealed"] and told[2]["type"] == "parity" and (told[2]["first"], told[2]["k"], told[2]["m"]) == (5, 1, 1) and not told[3]["crc_good"]
    check("and_reads_those_that_are_not", good and [one.get("reason") for one in told[4:]] == ["malformed"] * 2, [one.get("type") for one in told])
    found = [one for one in lines if one.get("record") == "detection"]
    check("with_their_detections", len(found) >= 2 and found[0]["x_m"] == 6.5e6 and found[0]["sensor"] == 8 and lines[-1]["datagrams"] == 6, f"{len(found)} detections")


def test():
    check("the_hand_made_cipher_is_that_of_rfc_8439", rfc_8439_agrees(), "section 2.8.2")
    for transport in ("udp", "tcp"):
        session(transport)
    flood()
    loss()
    generator()
    captured()
    refusals()


main(test)
