#!/usr/bin/env python3
"""A server that is killed and started again goes on with its tracks: the same numbers, the same state to the bit as if nothing had
happened, from the newest snapshot that can be used and the journal behind it. What it then writes replays to the same bytes. It
begins anew where the last run ended in an orderly way, stopped too long ago, or was of another configuration."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

BEGIN_NS = 1_700_000_000_000_000_000
TARGETS, HALF, WHOLE = 20, 60, 120  # scans before the kill, in all
SITE = """centre: R
time: recorded
listen: {detections: "127.0.0.1:0", metrics: "127.0.0.1:0"}
journal: {directory: %s, segment_mib: 1, snapshot_s: %s, resume_s: %s}
sensors:
  - {id: 1, name: one, nation: A, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 10}, revisit_s: 0.5,
     sigma: {x_m: 20}, clutter_per_scan: 0.1}
"""


def scans():
    """Twenty aircraft and now and then something that nobody sees again."""
    import random
    draw, made = random.Random(4), []
    for scan in range(WHOLE):
        seen_ns = BEGIN_NS + scan * 500_000_000
        places = [(6388137.0 + draw.gauss(0, 20), 10000.0 * t + 100.0 * scan + draw.gauss(0, 20), 10000.0 + draw.gauss(0, 20))
                  for t in range(TARGETS)] + [(6388137.0, -9e5 - 3e4 * scan, 5e5)]
        made.append(datagram(1, scan + 1, [entry(seen_ns, POSITION, (*place, 0)) for place in places], sent_ns=seen_ns))
    return made


def feed(server, made):
    """One frame a scan, so that frames are the same in every run."""
    link = UdpSender(server.ports["detections"])
    for scan in made:
        before = server.metrics().sum("weft_datagrams_total", fate="received")
        link.send(scan)
        server.settle(before + 1)


def site_make(place, name, snapshot_s=0.2, resume_s=60, more=""):
    path = os.path.join(place, name + ".yaml")
    with open(path, "w") as file:
        file.write(SITE % (os.path.join(place, "journal"), snapshot_s, resume_s) + more)
    return path


def lives(place, site, made, between=None, again=None, stop=False):
    """Half of the scans, a kill, the other half. Both servers' track files, the second server, its ledger."""
    shutil.rmtree(os.path.join(place, "journal"), ignore_errors=True)
    files = [os.path.join(place, name) for name in ("first.jsonl", "second.jsonl")]
    first = Server(site, "--tracks", files[0])
    feed(first, made[:HALF])
    if stop:
        first.stop()
    else:
        poll(lambda: first.metrics().value("weft_snapshots_total") > 0 or "snapshot_s: 0," in open(site).read(), 20)
        first.kill()
    if between:
        between(os.path.join(place, "journal"))
    second = Server(again or site, "--tracks", files[1])
    pages = second.metrics()
    feed(second, made[HALF:])
    return files, second, pages, second.stop()


def numbers(path):
    return set(confirmed(tracks_read(path)))


def same_as_undisturbed(place, made, files):
    """What the second server said, against one that saw everything, apart from the numbers of tracks that began after the kill."""
    shutil.rmtree(os.path.join(place, "journal"), ignore_errors=True)
    whole = os.path.join(place, "whole.jsonl")
    server = Server(site_make(place, "whole"), "--tracks", whole)
    feed(server, made)
    server.stop()

    def states(path):
        return sorted((one["time_ns"], one["position_ecef_m"], one["covariance"], one["existence"], one["detections"])
                      for lines in tracks_read(path).values() for one in lines if one["status"] == "confirmed")

    said, expected = states(files[1]), [one for one in states(whole) if one[0] >= BEGIN_NS + HALF * 500_000_000]
    check("resumed_states_are_those_of_an_undisturbed_run", said == expected and len(said) == TARGETS * (WHOLE - HALF),
          f"{len(said)} and {len(expected)} lines")


def replays(place, name, files):
    journal, again = os.path.join(place, "journal"), os.path.join(place, "again.jsonl")
    done = run("replay", "--tracks", again, journal)
    with open(files[1], "rb") as a, open(again, "rb") as b:
        same = a.read() == b.read()
    ledger = ledger_of(done.stdout)
    check(f"{name}_replays_to_the_same_bytes", done.returncode == 0 and same and ledger["balanced"], done.stderr.strip())


def goes_on(place, made):
    site = site_make(place, "site")
    files, second, pages, ledger = lives(place, site, made)
    before, after = numbers(files[0]), numbers(files[1])
    check("tracks_go_on_under_their_numbers", before == after and len(before) == TARGETS, f"{len(before)} tracks before, {len(before & after)} of them after")
    check("resuming_is_said", "going on from frame" in second.errors() and pages.value("weft_resumed_frame") > 0, second.errors().strip())
    check_books("resumed", second, ledger)
    carried = ledger["total"]["detections"]["received"] - (WHOLE - HALF) * (TARGETS + 1)
    check("what_was_in_flight_is_carried_over", 0 <= carried <= 20, f"{carried} detections")
    replays(place, "resumed", files)
    once = os.path.join(place, "fused.jsonl")
    run("fuse", "--config", site, "--tracks", once, os.path.join(place, "journal"))
    with open(files[1], "rb") as a, open(once, "rb") as b:
        check("resumed_fuses_to_the_same_bytes", a.read() == b.read())
    for name, folder_of in ((os.path.join(place, "journal", "00000002.wj"), None), ("00000002.wj", os.path.join(place, "journal"))):
        done = run("replay", "--tracks", once, name, cwd=folder_of)
        with open(files[1], "rb") as a, open(once, "rb") as b:
            check("its_only_segment_replays_alone", done.returncode == 0 and a.read() == b.read(), f"{name} {done.stderr.strip()}")
    shown = run("inspect", os.path.join(place, "journal", "00000002.ws"))
    check("inspect_tells_what_a_run_goes_on_from", '"record":"snapshot"' in shown.stdout and shown.returncode == 0, shown.stdout.strip())
    same_as_undisturbed(place, made, files)


def goes_on_past_a_start_that_wrote_nothing(place, made):
    """A server that dies before its first frame has taken nothing over: the next one goes on with what it went on with."""
    def start_and_kill(journal):
        for _ in range(3):
            Server(site, "--tracks", os.path.join(place, "between.jsonl")).kill()

    site = site_make(place, "site")
    files, second, pages, ledger = lives(place, site, made, start_and_kill)
    check("starts_killed_before_their_first_frame_change_nothing", numbers(files[0]) == numbers(files[1]) and ledger["balanced"], second.errors().strip()[-160:])
    replays(place, "after_starts_that_wrote_nothing", files)


def goes_on_from_less(place, made):
    """Damaged or missing snapshots: another one, or the journal from its beginning."""
    def damage(names):
        def do(journal):
            for name in names:
                path = os.path.join(journal, name)
                if os.path.exists(path):
                    with open(path, "r+b") as file:
                        file.seek(os.path.getsize(path) // 2)
                        byte = file.read(1)
                        file.seek(-1, 1)
                        file.write(bytes([byte[0] ^ 1]))
        return do

    site = site_make(place, "site")
    for name, names in (("one_damaged_snapshot", ["snapshot-0.ws"]), ("both_snapshots_damaged", ["snapshot-0.ws", "snapshot-1.ws"])):
        files, second, pages, ledger = lives(place, site, made, damage(names))
        check(f"{name}_still_goes_on", numbers(files[0]) == numbers(files[1]) and ledger["balanced"] and "damaged" in second.errors(), second.errors().strip()[-160:])
        replays(place, name, files)
    site = site_make(place, "none", snapshot_s=0)
    files, second, pages, ledger = lives(place, site, made)
    check("without_snapshots_the_journal_is_stepped_from_its_beginning", numbers(files[0]) == numbers(files[1]) and "snapshot of frame 0" in second.errors(), second.errors().strip()[-160:])


def begins_anew(place, made):
    site = site_make(place, "site")
    old = lambda journal: [os.utime(os.path.join(journal, name), (1e9, 1e9)) for name in os.listdir(journal)]
    cases = (("an_orderly_end", {"stop": True}, None), ("a_run_too_old", {"between": old}, "too long ago"),
             ("another_configuration", {"again": site_make(place, "other", more="lag_s: 2\n")}, "configuration has changed"),
             ("resume_s_0", {"again": site_make(place, "off", resume_s=0)}, None))
    for name, how, why in cases:
        files, second, pages, ledger = lives(place, site, made, **how)
        anew = not numbers(files[0]) & numbers(files[1]) and pages.value("weft_resumed_frame") == 0
        check(f"after_{name}_a_run_begins_anew", anew and ledger["balanced"] and (why or "") in second.errors(), second.errors().strip()[-160:])
        replays(place, name, files)


def one_server_a_folder(place, made):
    site = site_make(place, "site")
    first = Server(site)
    done = run("run", "--config", site)
    check("a_folder_in_use_is_refused", done.returncode == 1 and "in use by another server" in done.stderr, done.stderr.strip())
    first.stop()
    check("and_free_when_its_server_has_ended", Server(site).stop()["balanced"])


def bases_are_needed(place, made):
    """Without what it went on from, a run is refused by replay rather than played as another one."""
    lives(place, site_make(place, "site"), made)
    base = os.path.join(place, "journal", "00000002.ws")
    os.rename(base, base + ".away")
    done = run("replay", os.path.join(place, "journal"))
    check("replay_without_the_base_says_which_file_is_missing", done.returncode == 1 and "00000002.ws" in done.stderr, done.stderr.strip())
    with open(base, "wb") as file:
        file.write(os.urandom(5000))
    done = run("replay", os.path.join(place, "journal"))
    check("replay_with_a_damaged_base_says_so", done.returncode == 1 and "damaged" in done.stderr, done.stderr.strip())


def test():
    place, made = folder(), scans()
    for part in (goes_on, goes_on_past_a_start_that_wrote_nothing, goes_on_from_less, begins_anew, one_server_a_folder, bases_are_needed):
        part(place, made)


main(test)
