#!/usr/bin/env python3
"""More comes than can be done: a sensor within its budget floods a server with a latency limit of 10 ms, over TCP so that nothing is lost on
the way, until the ladder of degradation has risen and something was shed; then it stops. Every detection is in the books to the last one,
the flood has shed itself, journal and replay give the same tracks to the byte, and the ladder comes down again."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *
from weft_scene import LISTEN, Crosser

GOOD, FLOODER, ENTRIES, BATCH = 1, 2, 200, 20
STAGES = ("receive", "collect", "queue", "step", "hold", "emit")
FLOOD_LIMIT_S, DOWN_LIMIT_S = 120, 60
SENSOR = """  - {{id: {0}, nation: A, kind: position, position: {{lat_deg: -45, lon_deg: -125, height_m: 10}}, sigma: {{x_m: 20}}, {1}}}
"""


def site(place):
    path = os.path.join(place, "site.yaml")
    with open(path, "w") as file:
        file.write(f"centre: E\ntime: live\nstale_s: 300\nlatency_limit_ms: 10\n{LISTEN}\nsensors:\n" +
                   SENSOR.format(GOOD, "revisit_s: 0.05, clutter_per_scan: 0.1") +
                   SENSOR.format(FLOODER, "revisit_s: 1, clutter_per_scan: 1000, coverage: {elevation_deg: [-90, -80]}, budget_per_s: 1e8"))
    return path


def shed(metrics, sensor=FLOODER):
    return metrics.value("weft_detections_total", sensor=sensor, fate="shed")


def flood_until_shed(server, flood):
    """The highest step seen, and what /health said then."""
    highest, health, end = 0, (0, ""), time.monotonic() + FLOOD_LIMIT_S
    while time.monotonic() < end:
        for _ in range(BATCH):
            flood.send()
        now = server.metrics()
        if now.value("weft_overload_step") > highest:
            highest, health = now.value("weft_overload_step"), server.page("/health")
        if shed(now) > 0 and highest >= 2:
            break
    return highest, health


def test():
    place = folder()
    tracks, again, journal = (os.path.join(place, name) for name in ("tracks.jsonl", "again.jsonl", "journal"))
    server = Server(site(place), "--tracks", tracks, "--journal", journal)
    honest, ending = Crosser(time.time_ns(), GOOD), threading.Event()
    sender = TcpSender(server.ports["detections"])

    def report():
        while not ending.is_set():
            sender.send(honest.live())

    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    calm = server.page("/health")
    flood = NumberedFlood(FLOODER, ENTRIES, TcpSender(server.ports["detections"]))
    highest, (status, body) = flood_until_shed(server, flood)
    check("the_ladder_rises_and_sheds", highest >= 2 and shed(server.metrics()) > 0, f"step {highest:.0f}, {shed(server.metrics()):.0f} shed of {flood.sent * ENTRIES}")
    check("health_says_degraded_and_stays_200", '"status":"ok"' in calm[1] and status == 200 and '"status":"degraded"' in body, body.strip())
    down = poll(lambda: server.metrics().value("weft_overload_step") == 0, DOWN_LIMIT_S, 0.1)
    check("the_ladder_comes_down_again", down and '"status":"ok"' in server.page("/health")[1], f"{server.metrics().value('weft_overload_changes_total'):.0f} changes")
    server.settle(flood.sent)
    before = server.metrics()
    poll(lambda: server.metrics().value("weft_detections_total", sensor=GOOD, fate="received") > before.value("weft_detections_total", sensor=GOOD, fate="received") + 20)
    check("nothing_is_shed_afterwards", shed(server.metrics()) == shed(before), f"{shed(before):.0f}")
    ending.set()
    thread.join()
    page = server.settle(flood.sent + honest.sent)
    whole = page.value("weft_latency_stage_seconds_sum", stage="all")
    parts = [page.value("weft_latency_stage_seconds_sum", stage=stage) for stage in STAGES]
    check("the_stages_add_up_to_the_latency", whole > 0 and abs(sum(parts) - whole) < 1e-6 and min(parts) > 0, f"{parts} s, {whole:.6f} s")
    ledger = server.stop()
    rows = {one["sensor"]: one["detections"] for one in ledger["sensors"]}
    found = rows[FLOODER]
    check("each_detection_of_the_flood_is_in_the_books", found["received"] == flood.sent * ENTRIES == found["accepted"] + found["refused"]["over_budget"],
          f"{flood.sent * ENTRIES} sent, {found['accepted']} accepted, {found['refused']['over_budget']} over budget, {found['shed']} shed")
    check("the_flood_sheds_itself", rows[GOOD]["shed"] == 0 and rows[GOOD]["received"] == rows[GOOD]["accepted"] == honest.sent,
          f"{rows[GOOD]['accepted']} of {honest.sent} of the other sensor, {rows[GOOD]['shed']} shed")
    log = server.errors()
    check("the_log_says_when_it_began_and_ended", "overload: step" in log and "overload: over after" in log, [line for line in log.splitlines() if "overload" in line])
    check_books("overloaded", server, ledger, None, page)
    run("replay", journal, "--tracks", again)
    with open(tracks, "rb") as live, open(again, "rb") as replayed:
        lines, same = live.read(), replayed.read()
    check("replay_gives_the_same_bytes", lines and lines == same, f"{len(lines)} and {len(same)} bytes")
    steps = [one for one in map(json.loads, run("inspect", os.path.join(journal, sorted(os.listdir(journal))[0])).stdout.splitlines()) if one.get("overload_step")]
    check("the_journal_has_the_steps", len(steps) > 0, f"{len(steps)} frames at a step above 0 in the first segment")


main(test)
