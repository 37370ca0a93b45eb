#!/usr/bin/env python3
"""Each reason for refusing of the contract, by a datagram made for it, over UDP and over TCP: counted once, in the right
row, under the right reason; and a good track fed in between is as if nothing had happened."""
import math
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *
from weft_scene import Crosser, site_write
from weft_seal import sealed

GOOD = (50e3, 1.0, 0.3, 0.0)  # range, azimuth, elevation, range rate
VICTIM, KEYED, STRANGER = 2, 3, 77
KEY = bytes.fromhex("ab" * 32)  # of KEYED, as site_write makes it


def cases(now_ns):
    """(name, datagram, row, what it adds to the row's datagrams, to its detections). Sequences of the victim are 1000 on."""
    number = iter(range(1000, 2000))

    def one(measure=GOOD, time_ns=now_ns, kind=RADAR, valid=None, sigma=(0, 0, 0, 0), **options):
        return datagram(VICTIM, next(number), [entry(time_ns, kind, measure, valid, sigma)], **options)

    whole, alone = one(), {"received": 1, "accepted": 1}
    first = one()
    repeated = datagram(VICTIM, 1001, [entry(now_ns, RADAR, GOOD)])
    broken = bytearray(one())
    broken[60] ^= 4
    out = [("accepted_before", whole, "2", alone, alone), ("accepted_again", first, "2", alone, alone)]

    def refused(name, reason, data, row="2", detections=0):
        out.append((name, bytes(data), row, {"received": 1, reason: 1}, {"received": detections, reason: detections} if detections else {}))

    def entry_refused(name, reason, **options):
        out.append((name, one(**options), "2", alone, {"received": 1, reason: 1}))

    refused("magic", "malformed", one(magic=b"WEFF"), "unknown")
    refused("too_short", "malformed", one()[:47], "unknown")
    refused("one_byte", "malformed", b"W", "unknown")
    refused("type_0", "malformed", one()[:5] + b"\0" + one()[6:], "unknown")
    refused("unknown_flag", "malformed", datagram(VICTIM, next(number), [entry(now_ns, RADAR, GOOD)], flags=4), "unknown")
    refused("length_wrong", "malformed", datagram(VICTIM, next(number), [entry(now_ns, RADAR, GOOD)], length=65), "unknown")
    refused("count_wrong", "malformed", datagram(VICTIM, next(number), [entry(now_ns, RADAR, GOOD)], count=2), "unknown")
    refused("cut_short", "malformed", one()[:-1], "unknown")
    refused("version_2", "version", one(version=2))
    refused("version_of_a_stranger", "version", datagram(STRANGER, 1, [], version=9), "unknown")
    refused("unknown_sensor", "unknown_sensor", datagram(STRANGER, 1, [entry(now_ns, RADAR, GOOD)]), "unknown")
    refused("flipped_bit", "crc", broken)
    refused("sealed_to_one_without_a_key", "unauthenticated",
            datagram(VICTIM, next(number), [], flags=SEALED, body=bytes(64 + 16), count=1, epoch=1), "2", 1)
    refused("unsealed_from_one_with_a_key", "unauthenticated", datagram(KEYED, 1, [entry(now_ns, RADAR, GOOD)]), "3", 1)
    refused("sealed_by_nobody", "unauthenticated",
            datagram(KEYED, 1, [], flags=SEALED, body=bytes(64 + 16), count=1, epoch=1), "3", 1)
    genuine = sealed(datagram(KEYED, 1, [entry(now_ns, RADAR, GOOD)]), KEY, 1)
    out.append(("sealed_from_one_with_a_key", genuine, "3", alone, alone))
    refused("replayed_from_one_with_a_key", "replayed", genuine, "3", 1)
    refused("sealed_with_another_epoch", "unauthenticated", sealed(datagram(KEYED, 2, [entry(now_ns, RADAR, GOOD)]), KEY, 2), "3", 1)
    out.append(("sealed_again", sealed(datagram(KEYED, 2, [entry(now_ns, RADAR, GOOD)]), KEY, 1), "3", alone, alone))
    refused("exercise_data", "exercise_mismatch", datagram(VICTIM, next(number), [entry(now_ns, RADAR, GOOD)] * 3, flags=EXERCISE), "2", 3)
    refused("same_sequence_and_crc", "duplicate", repeated, "2", 1)
    entry_refused("eleven_seconds_old", "stale", time_ns=now_ns - 11 * 10**9)
    entry_refused("ahead_of_time", "future", time_ns=now_ns + 60 * 10**9)
    entry_refused("needed_bit_missing", "malformed", valid=3)
    entry_refused("unknown_kind", "malformed", kind=9)
    entry_refused("kind_of_another_sensor", "malformed", kind=POSITION, measure=(-2593e3, -3698e3, -4490e3, 0))
    entry_refused("nan_range", "not_finite", measure=(math.nan, 1, 0.3, 0))
    entry_refused("infinite_azimuth", "not_finite", measure=(5e4, math.inf, 0.3, 0))
    entry_refused("nan_sigma", "not_finite", valid=7 | 128, sigma=(math.nan, 0, 0, 0))
    entry_refused("range_2e8", "out_of_range", measure=(2e8, 1, 0.3, 0))
    entry_refused("range_below_0", "out_of_range", measure=(-1.0, 1, 0.3, 0))
    entry_refused("azimuth_beyond_a_turn", "out_of_range", measure=(5e4, 6.3, 0.3, 0))
    entry_refused("elevation_beyond_the_zenith", "out_of_range", measure=(5e4, 1, 1.6, 0))
    entry_refused("sigma_below_0", "out_of_range", valid=7 | 128, sigma=(-1, 0, 0, 0))
    entry_refused("time_beyond_all_clocks", "out_of_range", time_ns=2**63 - 1)
    out.append(("good_beside_bad", datagram(VICTIM, next(number), [entry(now_ns, RADAR, GOOD), entry(now_ns, RADAR, (math.nan, 1, 1, 0)),
                entry(now_ns, RADAR, (60e3, 1, 0.3, 0))]), "2", alone, {"received": 3, "accepted": 2, "not_finite": 1}))
    return out


def add(row, more):
    for key, value in more.items():
        row[key] = row.get(key, 0) + value


def session(transport, out):
    folder_path = os.path.join(out, transport)
    os.mkdir(folder_path)
    tracks = os.path.join(folder_path, "tracks.jsonl")
    server = Server(site_write(folder_path), "--tracks", tracks)
    connect = UdpSender if transport == "udp" else TcpSender
    sender, good = connect(server.ports["detections"]), connect(server.ports["detections"])
    begin = time.time_ns()
    crosser = Crosser(begin)
    expected = {row: ({}, {}) for row in ("1", "2", "3", "unknown")}
    count = 0

    def good_one():
        nonlocal count
        good.send(crosser.live())
        count += 1
        for row in expected["1"]:
            add(row, {"received": 1, "accepted": 1})

    def expect():
        """Waits for all that was sent; the first books that agree, else the last."""
        return poll(lambda: (books := arrived(server.metrics().books())) == expected and books, 5) or arrived(server.metrics().books())

    for _ in range(12):
        good_one()
    wrong = []
    for name, data, row, datagrams, detections in cases(time.time_ns()):
        before = expected["1"][0].get("received", 0)
        sender.send(data)
        count += 1
        add(expected[row][0], datagrams)
        add(expected[row][1], detections)
        good_one()
        if (found := expect()) != expected:
            differing = {key: (found.get(key), expected[key]) for key in expected if found.get(key) != expected[key]}
            wrong.append(name)
            check(f"{transport}_{name}", False, f"after {before} good ones: {differing}")
            for key in expected:  # go on from what it says, so that one fault shows once
                expected[key] = tuple(dict(part) for part in found[key])
    names = [one[0] for one in cases(0)]
    check(f"{transport}_each_counted_once_in_its_row", not wrong, f"{len(names) - len(wrong)} of {len(names)} cases: {', '.join(names)}")
    page = server.metrics()
    reached = [reason for reason in REASONS if page.sum("weft_datagrams_total", fate=reason) + page.sum("weft_detections_total", fate=reason)]
    print(f"     {transport}: {len(reached)} of 13 reasons occurred; not made here: {', '.join(r for r in REASONS if r not in reached)}")
    check(f"{transport}_reasons_that_occur", set(REASONS) - set(reached) <= {"over_budget"}, f"{len(reached)} reasons")
    ledger = server.stop()
    check(f"{transport}_server_exits_0", server.status == 0, f"status {server.status}")
    check_books(transport, server, ledger, count, page)
    check(f"{transport}_books_are_exactly_those_expected", arrived(ledger_books(ledger)) == expected, f"{count} datagrams in 4 rows")
    lines = confirmed(tracks_read(tracks))
    own = next(iter(lines.values()), None)
    unused = crosser.unused(own) if own else crosser.times
    check(f"{transport}_the_good_track_is_unharmed", len(lines) == 1 and own[-1]["sensors"] == [1] and not unused and own[-1]["status"] == "confirmed",
          f"{len(lines)} confirmed; of {crosser.sent} detections sent {len(own or [])} used since it was confirmed, {len(unused)} left out")
    if own:
        last = own[-1]
        miss = math.dist(last["position_ecef_m"], crosser.place(last["time_ns"]))
        check(f"{transport}_its_position_is_right", miss < 30, f"{miss:.1f} m off")


def framing(out):
    """TCP alone: a length beyond all datagrams ends that connection, counted; others go on."""
    place = os.path.join(out, "framing")
    os.mkdir(place)
    server = Server(site_write(place))
    good, bad, cut = (TcpSender(server.ports["detections"]) for _ in range(3))
    now = time.time_ns()
    bad.link.sendall(struct.pack("<I", 1 << 30) + b"x" * 100)
    closed = poll(lambda: not bad.link.recv(1) or True, 5)
    crosser = Crosser(now)
    good.send(crosser.live())
    cut.link.sendall(struct.pack("<I", 112) + b"WEFT")
    cut.link.close()
    piecemeal = crosser.live()
    for byte in struct.pack("<I", len(piecemeal)) + piecemeal:
        good.link.sendall(bytes([byte]))
    page = server.settle(4)
    books = page.books()
    check("tcp_lost_framing_closes_that_connection", closed, "the length of 2^30 ended it")
    check("tcp_lost_framing_is_counted", books["unknown"][0] == {"received": 2, "malformed": 2}, f"{books['unknown'][0]} (one too long, one cut)")
    check("tcp_others_go_on", books["1"][0] == {"received": 2, "accepted": 2}, f"{books['1'][0]} (one of them byte by byte)")
    server.stop()


def exercise(out):
    """The other way round: a centre in exercise refuses live data."""
    place = os.path.join(out, "exercise")
    os.mkdir(place)
    tracks = os.path.join(place, "tracks.jsonl")
    server = Server(site_write(place, "time: live\nexercise: true\n"), "--tracks", tracks)
    sender, now = UdpSender(server.ports["detections"]), time.time_ns()
    sender.send(datagram(VICTIM, 1, [entry(now, RADAR, GOOD)]))
    sender.send(datagram(VICTIM, 2, [entry(now, RADAR, GOOD)], flags=EXERCISE))
    books = server.settle(2).books()
    check("exercise_refuses_live_data", books["2"][0] == {"received": 2, "accepted": 1, "exercise_mismatch": 1}, f"{books['2'][0]}")
    server.stop()


def test():
    out = folder()
    for transport in ("udp", "tcp"):
        session(transport, out)
    framing(out)
    exercise(out)


main(test)
