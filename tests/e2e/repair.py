#!/usr/bin/env python3
"""A running server packs its closed segments and gives them parity files; what is lost or damaged afterwards is rebuilt by
`weft repair`, and the journal replays to the same bytes as the live run."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

SCENARIO, SITE = "tools/scenarios/salvo60.yaml", "tools/scenarios/salvo60.site.yaml"
DURATION_S, SPEED = 300, 100
PACKED = 2


def version(path):
    with open(path, "rb") as file:
        return struct.unpack_from("<I", file.read(12), 8)[0]


def names(journal, ending):
    return sorted(name for name in os.listdir(journal) if name.endswith(ending))


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def test():
    place = folder()
    journal = os.path.join(place, "journal")
    site = os.path.join(place, "site.yaml")
    with open(SITE) as file:
        text = file.read()
    with open(site, "w") as file:
        file.write("journal: {directory: journal, segment_mib: 1, parity_segments: 2, parity_files: 2}\n" + text)
    tracks = os.path.join(place, "tracks.jsonl")
    server = Server(site, "--tracks", tracks)
    sent = run("salvo", SCENARIO, "--duration", DURATION_S, "--to", f"127.0.0.1:{server.ports['detections']}", "--speed", SPEED)
    count = int(re.search(r"(\d+) datagrams", sent.stderr)[1])
    server.settle(count)
    poll(lambda: len(names(journal, ".wjp")) >= 2, 30)
    ledger = server.stop()
    marks = ledger["journal"]
    check("everything_is_durable_at_the_end", marks["durable_frame"] == marks["accepted_frame"] > 0 and marks["unsynced"] == 0 and
          ledger["unjournaled"] == 0, f"{marks}")
    segments, parity = names(journal, ".wj"), names(journal, ".wjp")
    check("closed_segments_are_packed_and_covered", [version(os.path.join(journal, name)) for name in segments[:2]] == [PACKED, PACKED] and
          parity[:2] == ["00000001.0.wjp", "00000001.1.wjp"], f"{len(segments)} segments, parity {parity}")
    looked = run("inspect", os.path.join(journal, parity[0]))
    check("inspect_tells_of_parity_and_packing", looked.returncode == 0 and looked.stdout.count('"covered"') == 2 and
          '"packed":true' in run("inspect", os.path.join(journal, segments[0])).stdout, looked.stdout.splitlines()[0])
    again = os.path.join(place, "again.jsonl")

    def replayed():
        done = run("replay", "--tracks", again, journal)
        return done.returncode == 0 and bytes_of(again) == bytes_of(tracks) and "missing" not in done.stderr, done.stderr.strip()

    same, said = replayed()
    check("the_packed_journal_replays_to_the_same_bytes", same and os.path.getsize(tracks) > 0, f"{os.path.getsize(tracks)} bytes {said}")
    whole = run("repair", journal)
    check("nothing_to_repair_is_said", whole.returncode == 0 and '"rebuilt":0' in whole.stdout, whole.stdout.strip())

    first, second = (os.path.join(journal, name) for name in segments[:2])
    kept = bytes_of(first), bytes_of(second)
    os.unlink(first)
    with open(second, "r+b") as file:
        file.seek(len(kept[1]) // 2)
        file.write(b"damage")
    same, said = replayed()
    check("damage_shows_before_the_repair", not same, said.splitlines()[0] if said else "")
    done = run("repair", journal)
    check("both_are_rebuilt", done.returncode == 0 and (bytes_of(first), bytes_of(second)) == kept and
          done.stdout.count('"rebuilt","path"') == 2, done.stdout.strip() + done.stderr)
    check("the_repaired_journal_replays_to_the_same_bytes", replayed()[0])

    for name in (segments[0], segments[1], "00000001.0.wjp"):
        os.unlink(os.path.join(journal, name))
    done = run("repair", journal)
    check("too_much_lost_is_a_clear_error", done.returncode == 1 and "can't be rebuilt" in done.stderr and done.stderr.count("\n") == 1 and
          '"lost","path"' in done.stdout, done.stderr.strip())
    wrong = run("repair", "--protect", "8", journal), run("repair", "--protect", "99,2", journal), \
        run("repair", "--protect", "4294967304,2", journal), run("repair", os.path.join(place, "no"))
    check("wrong_use_is_said", [one.returncode for one in wrong] == [2, 1, 2, 1] and all(one.stderr.count("\n") == 1 for one in wrong),
          " | ".join(one.stderr.strip() for one in wrong))

    with open(first, "wb") as file:
        file.write(kept[0])
    with open(second, "wb") as file:
        file.write(kept[1])
    for name in names(journal, ".wjp"):
        os.unlink(os.path.join(journal, name))
    done = run("repair", "--protect", "1,1", journal)
    check("protect_covers_all_but_the_newest", done.returncode == 0 and len(names(journal, ".wjp")) == len(segments) - 1, done.stdout.strip())
    os.unlink(first)
    done = run("repair", journal)
    check("a_lost_one_comes_back", done.returncode == 0 and bytes_of(first) == kept[0] and replayed()[0], done.stdout.strip())


main(test)
