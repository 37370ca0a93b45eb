#!/usr/bin/env python3
"""A server is killed (SIGKILL) at each of its I/O boundaries in turn, before and after every call by which it writes, syncs, renames,
sends or receives, in every thread: appends, segment changes, packing, parity, replay marks, lines. Both back ends.

Each time, in a copy of the same folder, which an earlier killed run left: every line that had left, in the file and on the live port, comes
out of a replay again; no segment is damaged but for a record cut short; the next start works, refuses each sealed datagram that the
journal holds, takes new ones, and leaves what the two dead runs had as it was.
`boundaries.py WEFT`: some 30 seconds, every k-th boundary. WEFT_STAT=full: all. `boundaries.py WEFT uring 123`: that one."""
import concurrent.futures
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_crash import *

FULL = os.environ.get("WEFT_STAT") == "full"
LIMIT_S = 86400 if FULL else 15  # for each back end
DRIVER = os.path.join(os.path.dirname(WEFT), "tests", "crash_boundary")
SCANS, FRESH = 40, 6
TEXT_BYTES = (1 << 20) - 12000  # of the configuration: five frames fill a segment
JOBS, ENDED_MAX = 2, 4


def traffic_write(path, datagrams):
    with open(path, "wb") as file:
        for _, _, one in datagrams:
            file.write(struct.pack("<I", len(one)) + one)


def life(place, at, datagrams, config, io):
    """The driver's report of one life, killed at boundary `at`; 0: never."""
    traffic_write(os.path.join(place, "traffic"), datagrams)
    command = [DRIVER, str(at), place, os.path.join(place, "traffic"), os.path.join(place, "live"), *arguments(place, config, io=io)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode == 77:
        skip(done.stdout.strip().removeprefix("skipped: "))
    if done.returncode != 0:
        raise RuntimeError(f"driver: {done.stdout} {done.stderr}")
    return {**json.loads(done.stdout), "errors": done.stderr}


def template_make(io):
    """A folder with the unpacked segments of a killed run, and what an interrupted packing leaves."""
    place = folder()
    site_write(place, "unpacked.yaml", "pack: false", TEXT_BYTES)
    site_write(place, "site.yaml", "pack: true, parity_segments: 2, parity_files: 1", TEXT_BYTES)
    first = traffic(SCANS)
    whole = life(place, 0, first, os.path.join(place, "unpacked.yaml"), io)
    shutil.rmtree(os.path.join(place, "journal"))
    os.unlink(os.path.join(place, "unpacked.yaml.marks"))
    life(place, whole["boundaries"] * 3 // 4, first, os.path.join(place, "unpacked.yaml"), io)
    shutil.copy(os.path.join(place, "journal", "00000001.wj"), os.path.join(place, "journal", "00000001.wj.tmp"))
    return place


def part_replayed(place, names):
    """The lines that these segments alone replay to."""
    part = os.path.join(place, "part")
    shutil.rmtree(part, ignore_errors=True)
    os.mkdir(part)
    for name in names:
        os.link(os.path.join(place, "journal", name), os.path.join(part, name))
    return replayed(place, part)


def next_start_wrong(place, held, io):
    """None, or what is wrong with the start after the kill; `held`: sealed datagrams in the journal, by sequence number."""
    config = os.path.join(place, "site.yaml")
    again = [one for one in traffic(SCANS) if one[0] == SEALED_SENSOR and one[1] in held]
    fresh = [one for one in traffic(SCANS + 2 * FRESH)[SCANS:] if one[0] == OPEN]
    report = life(place, 0, again + fresh, config, io)
    if report["status"] != 0:
        return f"the next start ended with {report['status']}: {report['errors']}"
    books = ledger_books(ledger_of(file_bytes(os.path.join(place, "stdout")).decode()))
    sealed_row, open_row = books[str(SEALED_SENSOR)][0], books[str(OPEN)][0]
    if sealed_row.get("accepted", 0) > 0 or sealed_row.get("replayed", 0) != len(again):
        return f"{len(again)} sealed datagrams once more: {sealed_row}"
    return None if open_row.get("accepted", 0) == len(fresh) else f"{len(fresh)} new datagrams: {open_row}"


def boundary(template, before, at, io):
    """(driver's report, None or what is wrong) of a life killed at boundary `at`."""
    place = os.path.join(template, f"at-{at}")
    journal = os.path.join(place, "journal")
    shutil.copytree(os.path.join(template, "journal"), journal)
    for name in ("site.yaml", "2.key"):
        shutil.copy(os.path.join(template, name), place)
    old = segments(journal)
    report = life(place, at, traffic(SCANS), os.path.join(place, "site.yaml"), io)
    own, held = inspected(journal, segments(journal) - old)
    written, live = file_bytes(os.path.join(place, "tracks.jsonl")), file_bytes(os.path.join(place, "live"))
    wrong, lines = None, b""
    if own:
        wrong, lines, report["cut"] = replayed(place, journal)
        wrong = wrong or lines_differ(written, lines) or live_lines_differ(live, lines)
    elif written or live:
        wrong = "lines without a journal"
    report["lines"] = written.count(b"\n")
    wrong = wrong or next_start_wrong(place, held, io)
    if not wrong and part_replayed(place, old)[:2] != (None, before):
        wrong = "the run before it was changed"
    if not wrong and own and part_replayed(place, own)[:2] != (None, lines):
        wrong = "the killed run was changed by the next start"
    if not wrong:
        shutil.rmtree(place)
    return report, wrong


def boundaries(io):
    """Kills at each boundary, until lives end by themselves before theirs comes."""
    template = template_make(io)
    old = segments(os.path.join(template, "journal"))
    wrong, before, _ = replayed(template, os.path.join(template, "journal"))
    check(f"{io}_the_run_before_is_whole", wrong is None and before.count(b"\n") > 0, f"{len(old)} segments, {len(before.splitlines())} lines")
    stride = 1 if FULL else 11
    end, at, done, found = time.monotonic() + LIMIT_S, 1, 0, []
    totals = {"lines": 0, "cut": 0, "where": {}}
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        while done < ENDED_MAX and not found and time.monotonic() < end:
            batch = [at + stride * i for i in range(JOBS)]
            for number, (report, said) in zip(batch, pool.map(lambda n: boundary(template, before, n, io), batch)):
                done += not report["killed"]
                if report["killed"]:
                    totals["where"][report["where"]] = totals["where"].get(report["where"], 0) + 1
                totals["lines"] += report["lines"]
                totals["cut"] += report.get("cut", False)
                if said:
                    found.append(f"boundary {number} ({report['where']}): {said}; repeat: boundaries.py {WEFT} {io} {number}")
            at = batch[-1] + stride
    kills = sum(totals["where"].values())
    check(f"{io}_nothing_is_lost_in_kills_at_every_boundary", not found and kills > 0 and (not FULL or done == ENDED_MAX),
          f"{kills} kills, stride {stride}, to the life's end: {done == ENDED_MAX}; {totals['lines']} lines had left, {totals['cut']} records cut short "
          + "; ".join(found))
    print("     " + ", ".join(f"{n} {where}" for where, n in sorted(totals["where"].items())))


def one(io, number):
    template = template_make(io)
    _, before, _ = replayed(template, os.path.join(template, "journal"))
    report, wrong = boundary(template, before, number, io)
    check(f"{io}_nothing_is_lost_in_a_kill_at_boundary_{number}", not wrong, f"{report['where']}: {wrong or 'good'}")


def test():
    if not os.path.exists(DRIVER):
        skip(f"{DRIVER} was not built")
    if len(sys.argv) > 3:
        one(sys.argv[2], int(sys.argv[3]))
        return
    for io in ("uring", "plain"):
        boundaries(io)


main(test)
