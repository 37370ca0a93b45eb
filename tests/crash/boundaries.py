#!/usr/bin/env python3
"""A server is killed (SIGKILL) at each of its I/O boundaries in turn, before and after every call by which it writes, syncs, renames,
sends or receives, in every thread: recovery, snapshots, appends, segment changes, packing, parity, replay marks, lines. Both back ends.

Each time it goes on, in a copy of the same folder, with a run that was killed before. Then: `weft replay` gives every line that had left, in
the file and on the live port; the next start goes on with it, refuses each sealed datagram that the journals hold and takes new ones;
all three runs are one uninterrupted run, bit for bit, with no frame missing or there twice.
`boundaries.py WEFT`: some 30 seconds, boundaries spread over a life. WEFT_STAT=full: all. `boundaries.py WEFT uring 123`: that one."""
import concurrent.futures
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_crash import *

FULL = os.environ.get("WEFT_STAT") == "full"
LIMIT_S = 86400 if FULL else 15  # for each back end
DRIVER = os.path.join(BESIDE, "crash_boundary")
JOBS = 2
ENDED = 10  # lives one after the other that end by themselves before their boundary comes: there are no more
TEXT_BYTES = (1 << 20) - 12000  # of the configuration: five frames fill a segment
SCANS = 40
FIRST, SECOND, FRESH = traffic(SCANS), traffic(SCANS, SCANS, 100), traffic(6, 2 * SCANS, 200, sensors=(OPEN,))


def life(place, at, datagrams, io):
    """(the driver's report, what was left) of one life, killed at boundary `at`; 0: never."""
    before = segments(os.path.join(place, "journal"))
    with open(os.path.join(place, "traffic"), "wb") as file:
        for _, _, one in datagrams:
            file.write(struct.pack("<I", len(one)) + one)
    if os.path.exists(os.path.join(place, "tracks.jsonl")):
        os.unlink(os.path.join(place, "tracks.jsonl"))
    command = [DRIVER, str(at), place, os.path.join(place, "traffic"), os.path.join(place, "live"), *arguments(place, io)]
    with open(os.path.join(place, "stderr"), "wb") as err:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=err, text=True, timeout=300)
    if done.returncode == 77:
        skip(done.stdout.strip().removeprefix("skipped: "))
    if done.returncode != 0:
        raise RuntimeError(f"driver: {done.stdout} {file_bytes(os.path.join(place, 'stderr')).decode()}")
    return json.loads(done.stdout), Life(place, before)


def template_make(io):
    """(a folder, what was left there): of a run that was killed in the middle of its traffic."""
    place = folder()
    site_write(place, TEXT_BYTES)
    report, left = life(place, 0, FIRST, io)
    at = report["boundaries"]
    while not report["killed"] or ended(place):  # lives differ in their number of boundaries
        shutil.rmtree(os.path.join(place, "journal"))
        os.unlink(os.path.join(place, "site.yaml.marks"))
        at = at * 3 // 4
        report, left = life(place, at, FIRST, io)
    return place, left


def ended(place):
    """Did the run there end in an orderly way, so that nothing goes on with it? It may still be killed then."""
    return b"ended" in file_bytes(os.path.join(place, "journal", "run.state"))


def next_start_wrong(place, lives, io):
    """None, or what is wrong with the start after the kill, which is added to the lives."""
    begins_anew = ended(place)
    held = set().union(*(one.sealed for one in lives))
    again = [one for one in FIRST + SECOND if one[0] == SEALED_SENSOR and one[1] in held]
    report, left = life(place, 0, again + FRESH, io)
    lives.append(left)
    if report["status"] != 0 or ("going on from frame" in left.log) == begins_anew:
        return f"the next start ended with {report['status']}: {left.log}"
    books = ledger_books(ledger_of(file_bytes(os.path.join(place, "stdout")).decode()))
    sealed_row, open_row = books[str(SEALED_SENSOR)][0], books[str(OPEN)][0]
    if sealed_row.get("accepted", 0) > 0 or sealed_row.get("replayed", 0) != len(again):
        return f"{len(again)} sealed datagrams once more: {sealed_row}"
    return None if open_row.get("accepted", 0) == len(FRESH) else f"{len(FRESH)} new datagrams: {open_row}"


def boundary(template, first, at, io):
    """(driver's report, None or what is wrong) of a life that goes on with the template's and is killed at boundary `at`."""
    place = os.path.join(template, f"at-{at}")
    shutil.copytree(os.path.join(template, "journal"), os.path.join(place, "journal"))
    for name in ("site.yaml", "2.key", "site.yaml.marks"):
        shutil.copy(os.path.join(template, name), place)
    report, left = life(place, at, SECOND, io)
    lives = [first, left]
    report["lines"], report["cut"], wrong = left.written.count(b"\n"), False, None
    if left.own:
        wrong, lines, report["cut"] = replayed(place)
        wrong = wrong or left.wrong(lines)
    if ended(place):  # the next start begins anew
        wrong = wrong or chain_wrong(place, lives) or next_start_wrong(place, lives, io) or replayed(place)[0]
    else:
        wrong = wrong or next_start_wrong(place, lives, io) or chain_wrong(place, lives)
    if not wrong and lives[-1].written != file_bytes(os.path.join(place, "again.jsonl")):
        wrong = "the run that ended in order is not what its replay gives"
    if not wrong:
        shutil.rmtree(place)
    return report, wrong


def numbers(whole):
    """The boundaries in the order in which they are tried: one after the other, or, where there is no time for all, spread over a life."""
    at = 0
    while True:
        at += 1
        yield at if FULL else 1 + int(at * 0.618034 % 1 * whole)


def boundaries(io):
    """Kills at each boundary, until lives end by themselves before theirs comes."""
    template, first = template_make(io)
    undisturbed, wrong = boundary(template, first, 0, io)
    check(f"{io}_a_life_that_is_not_killed_goes_on_and_ends", not wrong and not undisturbed["killed"],
          f"{undisturbed['boundaries']} boundaries {wrong or ''}")
    order, end, alive, found = numbers(undisturbed["boundaries"]), time.monotonic() + LIMIT_S, 0, []
    lines, cut, where = 0, 0, {}
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        while (alive < ENDED or not FULL) and not found and time.monotonic() < end:
            batch = [next(order) for _ in range(JOBS)]
            for number, (report, said) in zip(batch, pool.map(lambda n: boundary(template, first, n, io), batch)):
                alive = 0 if report["killed"] else alive + 1
                lines += report["lines"]
                cut += report["cut"]
                if report["killed"]:
                    where[report["where"]] = where.get(report["where"], 0) + 1
                if said:
                    found.append(f"boundary {number} ({report['where']}): {said}; repeat: boundaries.py {WEFT} {io} {number}")
    kills = sum(where.values())
    check(f"{io}_nothing_is_lost_in_kills_at_every_boundary", not found and kills > 0 and (not FULL or alive >= ENDED),
          f"{kills} kills{', at all of them' if FULL and alive >= ENDED else ''}; {lines} lines had left, {cut} records cut short "
          + "; ".join(found))
    print("     " + ", ".join(f"{n} {what}" for what, n in sorted(where.items())), flush=True)


def one(io, number):
    template, first = template_make(io)
    report, wrong = boundary(template, first, number, io)
    check(f"{io}_nothing_is_lost_in_a_kill_at_boundary_{number}", not wrong, f"{report['where']}: {wrong or 'good'}")


def test():
    if len(sys.argv) > 3:
        one(sys.argv[2], int(sys.argv[3]))
        return
    for io in ("uring", "plain"):
        boundaries(io)


main(test)
