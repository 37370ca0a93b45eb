#!/usr/bin/env python3
"""What goes wrong around a server: floods of nonsense, readers that hold their connection, a killed process, signals under
load, ports in use, disks that are full or not there. The warning goes on, everything is counted, errors are clear."""
import os
import random
import re
import resource
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *
from weft_scene import LISTEN, Crosser, site_write

SALVO, SALVO_SITE = "tools/scenarios/salvo60.yaml", "tools/scenarios/salvo60.site.yaml"


def salvo_start(server, duration_s, speed, scenario=SALVO):
    return subprocess.Popen([WEFT, "salvo", scenario, "--duration", str(duration_s), "--to", f"127.0.0.1:{server.ports['detections']}", "--speed", str(speed)],
                            stderr=subprocess.PIPE, text=True)


def floods(out):
    """Random bytes at every port while a good track is fed."""
    place = os.path.join(out, "floods")
    os.mkdir(place)
    tracks = os.path.join(place, "tracks.jsonl")
    server = Server(site_write(place, listen=LISTEN.replace("tracks:", 'asterix: "127.0.0.1:0", tracks:')), "--tracks", tracks)
    draw = random.Random(7)
    udp, asterix, good = (UdpSender(server.ports[name]) for name in ("detections", "asterix", "detections"))
    crosser = Crosser(time.time_ns())
    count = {"udp": 0, "tcp": 0, "asterix": 0}
    held = []
    for turn in range(30):
        good.send(crosser.live())
        for _ in range(100):
            udp.send(draw.randbytes(draw.randrange(1, 1400)))
            count["udp"] += 1
        for _ in range(20):
            asterix.send(b"\xff" + draw.randbytes(draw.randrange(1, 600)))
            count["asterix"] += 1
        for name in ("detections", "tracks", "metrics"):
            link = socket.create_connection(("127.0.0.1", server.ports[name]), timeout=5)
            try:
                link.sendall(b"\xff\xff\xff\xff" + draw.randbytes(draw.randrange(100, 20000)))
            except OSError:
                pass  # it may hang up on us, that is its right
            count["tcp"] += name == "detections"
            link.close() if turn % 2 else held.append(link)
    for _ in range(20):  # connections that never say anything
        held.append(socket.create_connection(("127.0.0.1", server.ports["metrics"]), timeout=5))
    for _ in range(5):
        good.send(crosser.live())
    done = lambda: (lambda books: books["unknown"][0].get("malformed", 0) >= count["udp"] + count["tcp"] and books["1"][0].get("accepted", 0) >= crosser.sent)(server.metrics().books())
    poll(done, 10)
    pages = server.metrics()
    status, health = server.page("/health")
    check("floods_the_pages_still_answer", status == 200, health.strip())
    missing = server.page("/nothing")[0]
    check("floods_an_unknown_page_is_404", missing == 404, f"{missing}")
    ledger = server.stop()
    check("floods_server_exits_0", server.status == 0, f"status {server.status}")
    check_books("floods", server, ledger, None, pages)
    drops = ledger["kernel_drops"]
    unknown = next(one for one in ledger["sensors"] if one["sensor"] == "unknown")
    got = unknown["datagrams"]["refused"]["malformed"]
    check("floods_each_nonsense_datagram_is_counted", got + drops == count["udp"] + count["tcp"] or (drops and got <= count["udp"] + count["tcp"]),
          f"{got} malformed for {count['udp']} datagrams and {count['tcp']} streams, {drops} dropped by the kernel")
    print(f"     {count['asterix']} ASTERIX datagrams: {unknown['detections']['refused']['malformed']} malformed, {unknown['skipped']['other_category']} of another category")
    lines = next(iter(confirmed(tracks_read(tracks)).values()), None)
    check("floods_the_good_track_is_unharmed", lines and not crosser.unused(lines) and len(confirmed(tracks_read(tracks))) == 1,
          f"{len(lines or [])} of {crosser.sent} detections in its lines")


def connections(out):
    """More connections than there are places: the newcomers are turned away, the others go on."""
    place = os.path.join(out, "connections")
    os.mkdir(place)
    server = Server(site_write(place))
    first = TcpSender(server.ports["detections"])
    others = [socket.create_connection(("127.0.0.1", server.ports["detections"]), timeout=5) for _ in range(70)]
    poll(lambda: "places are taken" in server.errors(), 5)
    crosser = Crosser(time.time_ns())
    first.send(crosser.live())
    books = server.settle(1).books()
    check("a_full_house_is_said_and_harms_nobody", "places are taken" in server.errors() and books["1"][0] == {"received": 1, "accepted": 1},
          f"{server.errors().count('places are taken')} of 71 turned away")
    for link in others:
        link.close()
    again = poll(lambda: try_tcp(server, crosser), 5, 0.05)
    check("places_are_free_again_when_connections_end", again, f"{server.metrics().books()['1'][0]}")
    server.stop()


def try_tcp(server, crosser):
    before = server.metrics().books()["1"][0]["received"]
    try:
        TcpSender(server.ports["detections"]).send(crosser.live())
    except OSError:
        return False
    return poll(lambda: server.metrics().books()["1"][0]["received"] > before, 0.5)


def killed(out):
    """kill -9 amid a live run: the journal plays up to the cut."""
    tracks, journal = os.path.join(out, "killed.jsonl"), os.path.join(out, "killed")
    server = Server(SALVO_SITE, "--tracks", tracks, "--journal", journal)
    sender = salvo_start(server, 130, 65)
    poll(lambda: os.path.getsize(tracks) > 1_000_000, 20)
    server.stop(signal.SIGKILL)
    sender.kill()
    sender.wait()
    again = os.path.join(out, "killed.again.jsonl")
    done = run("replay", "--tracks", again, journal)
    with open(tracks, "rb") as a, open(again, "rb") as b:
        live, replayed = a.read(), b.read()
    ledger = ledger_of(done.stdout)
    check("the_journal_of_a_killed_run_replays", done.returncode == 0 and ledger["balanced"] and server.status == -9,
          f"{ledger['total']['detections']['accepted'] if ledger else 0} detections {done.stderr.strip()}")
    check("it_gives_every_line_that_left_before_the_kill", len(live) > 1_000_000 and replayed.startswith(live), f"{len(live)} bytes live, {len(replayed)} replayed")


def signals(out):
    """SIGTERM and SIGINT under full load: drained, balanced, soon."""
    for how in (signal.SIGTERM, signal.SIGINT):
        name = how.name.lower()
        tracks = os.path.join(out, name + ".jsonl")
        server = Server(SALVO_SITE, "--tracks", tracks, "--journal", os.path.join(out, name))
        sender = salvo_start(server, 660, "max")
        poll(lambda: server.metrics().sum("weft_detections_total", fate="received") > 30000, 20)
        began = time.monotonic()
        ledger = server.stop(how)
        took = time.monotonic() - began
        sender.kill()
        sender.wait()
        check(f"{name}_under_load_drains_and_exits_0", server.status == 0 and took < 10, f"status {server.status}, {took:.1f} s")
        check_books(name, server, ledger)
        again = os.path.join(out, name + ".again.jsonl")
        run("replay", "--tracks", again, os.path.join(out, name))
        with open(tracks, "rb") as a, open(again, "rb") as b:
            check(f"{name}_under_load_leaves_a_whole_journal", a.read() == b.read(), f"{os.path.getsize(tracks)} bytes, {ledger['kernel_drops']} dropped by the kernel")


def refused_starts(out):
    place = os.path.join(out, "starts")
    os.mkdir(place)
    whole = LISTEN.replace("tracks:", 'asterix: "127.0.0.1:0", tracks:')
    server = Server(site_write(place, listen=whole))
    for name in ("detections", "asterix", "tracks", "metrics"):
        listen = re.sub(rf'{name}: "127.0.0.1:0"', f'{name}: "127.0.0.1:{server.ports[name]}"', whole)
        done = run("run", "--config", site_write(place, listen=listen, name="second.yaml"), "--duration", 5, limit_s=20)
        check(f"a_port_in_use_is_a_clear_error_{name}", done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "listen." + name in done.stderr and not done.stdout,
              f"status {done.returncode}: {done.stderr.strip()}")
    server.stop()
    site = site_write(place)
    a_file = os.path.join(place, "a-file")
    open(a_file, "w").close()
    for name, arguments in (("tracks_folder_absent", ["--tracks", os.path.join(place, "no", "where")]), ("tracks_is_a_folder", ["--tracks", place]),
                            ("journal_is_a_file", ["--journal", a_file])):
        done = run("run", "--config", site, "--duration", 5, *arguments, limit_s=20)
        check(f"a_clear_error_where_{name}", done.returncode == 1 and len(done.stderr.splitlines()) == 1 and arguments[1] in done.stderr, done.stderr.strip())
    done = run("run", "--config", site, "--duration", 0.3)
    check("duration_ends_it", done.returncode == 0 and ledger_of(done.stdout)["balanced"], f"status {done.returncode}")


def disk_limit(size):
    """Files can't grow beyond `size` bytes: what a full disk looks like to the writer. The signal that comes with it is for those who ask."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    return limit


def full_disk(out):
    """Tracks and journal on a disk that fills up amid a run: the live port and the pages go on, and say so."""
    place = os.path.join(out, "full")
    os.mkdir(place)
    with open(SALVO_SITE) as file:
        text = file.read()
    site = os.path.join(place, "site.yaml")
    with open(site, "w") as file:
        file.write(f"journal: {{directory: {place}/journal, segment_mib: 1}}\n" + text)
    tracks = os.path.join(place, "tracks.jsonl")
    server = Server(site, "--tracks", tracks, preexec_fn=disk_limit(600_000))
    sender = salvo_start(server, 110, 55)
    count = int(re.search(r"(\d+) datagrams", sender.communicate(timeout=60)[1])[1])
    pages = server.settle(count)
    status, health = server.page("/health")
    check("full_disk_everything_is_still_received", pages.sum("weft_datagrams_total", fate="received") == count and pages.value("weft_tracks", status="confirmed") > 30,
          f"{count} datagrams, {int(pages.value('weft_tracks', status='confirmed'))} confirmed tracks")
    check("full_disk_health_says_so", status == 503 and "unhealthy" in health, f"{status} {health.strip()}")
    ledger = server.stop()
    check_books("full_disk", server, ledger, count, pages)
    check("full_disk_frames_without_journal_are_counted", ledger["unjournaled"] > 0 and pages.value("weft_unjournaled_frames_total") > 0, f"{ledger['unjournaled']} frames")
    check("full_disk_it_ends_with_status_1_after_its_ledger", server.status == 1 and ledger["balanced"], f"status {server.status}")
    said = server.errors().splitlines()
    check("full_disk_is_said_but_not_repeated", 0 < len(said) <= 12 and any("tracks" in line for line in said) and any("journal" in line for line in said),
          f"{len(said)} lines: " + " | ".join(said[:4]))
    sizes = [os.path.getsize(tracks)] + [os.path.getsize(os.path.join(place, "journal", name)) for name in os.listdir(os.path.join(place, "journal"))]
    print(f"     sizes left: {sizes}")


def test():
    out = folder()
    for part in (floods, connections, killed, signals, refused_starts, full_disk):
        part(out)


main(test)
