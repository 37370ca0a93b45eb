#!/usr/bin/env python3
"""A salvo of sixty missiles, live over UDP through io_uring: all followed, nothing lost, the books prove it."""
import csv
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

SCENARIO, SITE, SPEED = "tools/scenarios/salvo60.yaml", "tools/scenarios/salvo60.site.yaml", 40


def site_fixed_sensors():
    """Ids of the sensors that stand still: of these, a CSV and the wire carry the same detections."""
    moving = set()
    with open("tools/scenarios/sensors.yaml") as file:
        ids, now = [], None
        for line in file:
            if found := re.match(r"\s*- id: (\d+)", line):
                now = int(found[1])
                ids.append(now)
            elif re.match(r"\s*motion:", line):
                moving.add(now)
    return [one for one in ids if one not in moving]


def csv_count(path):
    counts = {}
    with open(path) as file:
        for row in csv.DictReader(file):
            counts[int(row["sensor"])] = counts.get(int(row["sensor"]), 0) + 1
    return counts


def test():
    out = folder()
    tracks, journal, truth, plots = (os.path.join(out, name) for name in ("tracks.jsonl", "journal", "truth.csv", "plots.csv"))
    server = Server(SITE, "--io", "uring", "--journal", journal, "--tracks", tracks)
    sent = run("salvo", SCENARIO, "--to", f"127.0.0.1:{server.ports['detections']}", "--speed", SPEED, "--truth", truth)
    check("salvo_exits_0", sent.returncode == 0, sent.stderr.strip())
    figures = dict((word, int(number)) for number, word in re.findall(r"(\d+) (detections|clutter|states|datagrams)", sent.stderr))
    pages = server.settle(figures["datagrams"])
    ledger = server.stop()
    total = ledger["total"]
    check("server_exits_0", server.status == 0, f"status {server.status}, stderr {server.errors()!r}")
    check("receives_through_io_uring", 'io="io_uring"' in pages.text, re.search(r'io="\w+"', pages.text)[0])

    check_books("live", server, ledger, figures["datagrams"], pages)
    received, said = total["detections"]["received"], figures["detections"] + figures["clutter"]
    check("every_detection_sent_was_received", received == said, f"{received} received, {said} sent")
    check("every_detection_was_accepted", total["detections"]["accepted"] == said, f"{total['detections']['accepted']} accepted")
    check("every_state_was_received", total["states"] == figures["states"], f"{total['states']} of {figures['states']}")
    check("kernel_dropped_nothing", ledger["kernel_drops"] == 0, f"{ledger['kernel_drops']} dropped")
    check("no_gap_in_any_sequence", total["sequence_gaps"] == 0, f"{total['sequence_gaps']} gaps")
    check("every_frame_was_journaled", ledger["unjournaled"] == 0, f"{ledger['unjournaled']} frames without")

    launches, founded, merged = (int(re.search(rf"^{name} (\d+)", pages.text, re.M)[1]) for name in (
        "weft_launches_total", "weft_launch_events_total", "weft_launch_events_merged_total"))
    check("sixty_launches_are_three_events", launches >= 60 and founded - merged == 3, f"{launches} launches, {founded} - {merged} events")
    waited = float(re.search(r"^weft_impact_first_wait_seconds (\S+)", pages.text, re.M)[1])
    check("no_track_waits_a_second_for_its_first_impact", waited < 1, f"{waited} s")
    kinds = dict(re.findall(r'^weft_retractions_total\{kind="(\w+)"\} (\d+)', pages.text, re.M))
    check("retractions_are_counted_by_kind", set(kinds) == {"class", "stays_up", "area", "moved"}, f"{kinds}")

    run("salvo", SCENARIO, "--csv", plots)
    own = {one["sensor"]: one["detections"]["received"] for one in ledger["sensors"]}
    counts = csv_count(plots)
    fixed = site_fixed_sensors()
    wrong = [one for one in fixed if own[one] != counts.get(one, 0)]
    check("each_fixed_sensor_agrees_with_the_generator", len(fixed) > 5 and not wrong, f"{len(fixed)} sensors, differing: {wrong}")

    scored = run("score", "--truth", truth, "--tracks", tracks, "--detections", plots, "--json")
    score = json.loads(scored.stdout)
    due = score["completeness"]["due_targets"]
    check("every_missile_seen_five_times_has_a_confirmed_track", due == 60 and score["completeness"]["due_targets_tracked"] == due,
          f"{score['completeness']['due_targets_tracked']} of {due}")
    check("completeness_at_least_95_percent", score["completeness"]["fraction"] >= 0.95, f"{100 * score['completeness']['fraction']:.2f} %")
    check("at_most_2_track_breaks", score["continuity"]["track_breaks"] <= 2, f"{score['continuity']['track_breaks']}")
    check("no_false_confirmed_track", score["tracks"]["false_confirmed_tracks"] == 0,
          f"{score['tracks']['false_confirmed_tracks']} of {score['tracks']['confirmed_tracks']} confirmed tracks")
    first = score["time_to_first_confirmed"]
    print(f"     time from first detection to confirmed: median {first['median_s']:.1f} s, worst {first['max_s']:.1f} s; "
          f"identity switches {score['continuity']['identity_switches']}; GOSPA rms {score['gospa']['rms_m']:.0f} m")

    again = os.path.join(out, "fuse.jsonl")
    run("fuse", "--config", SITE, "--tracks", again, journal)
    with open(tracks, "rb") as a, open(again, "rb") as b:
        check("fuse_of_its_journal_is_equal_byte_for_byte", a.read() == b.read(), f"{os.path.getsize(tracks)} bytes")


main(test)
