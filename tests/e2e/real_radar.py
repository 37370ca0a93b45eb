#!/usr/bin/env python3
"""Recordings of real radars: two aircraft over 79 minutes, followed by kinematics alone; seven radars with every message
recorded twice."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

GPS, PCAP = "../shared/data/asterix/068test_bds30.gps", "../shared/data/asterix/cat_034_048.pcap"
OTHER = "../shared/data/asterix/cat_062_065.pcap"
GPS_SITE, PCAP_SITE = "tools/sites/asterix-068test.site.yaml", "tools/sites/asterix-034-048.site.yaml"
ADDRESSES = {"343085", "3430d8"}


def two_aircraft(out):
    tracks, plots = os.path.join(out, "068.jsonl"), os.path.join(out, "068.plots.jsonl")
    done = run("fuse", "--config", GPS_SITE, "--tracks", tracks, GPS)
    ledger = ledger_of(done.stdout)
    total = ledger["total"]
    check("gps_1830_plots_and_951_services_read", total["detections"]["accepted"] == 1830 and total["skipped"]["service"] == 951,
          f"{total['detections']['accepted']} plots accepted, {total['skipped']['service']} services")
    check("gps_books_balance", books_balanced(ledger_books(ledger)), f"balanced {ledger['balanced']}")
    found = confirmed(tracks_read(tracks))
    check("gps_exactly_two_confirmed_tracks", len(found) == 2, f"{len(found)} of {len(tracks_read(tracks))} tracks")
    with open(plots, "w") as file:
        inspected = subprocess.run([WEFT, "inspect", "--config", GPS_SITE, GPS], stdout=file, stderr=subprocess.PIPE, text=True, timeout=120)
    check("gps_inspect_reads_it", inspected.returncode == 0, f"{os.path.getsize(plots)} bytes of JSON lines {inspected.stderr.strip()}")
    judged = subprocess.run([sys.executable, "tools/asterix_compare", "--tracks", tracks, "--plots", plots, "--site", GPS_SITE, "--json"],
                            capture_output=True, text=True, timeout=120)
    check("no_track_mixes_two_addresses", judged.returncode == 0, judged.stderr.strip() or "asterix_compare exits 0")
    if not judged.stdout:
        return
    report = json.loads(judged.stdout)
    check("both_aircraft_are_there", {one["address"].lower() for one in report["aircraft"]} == ADDRESSES, ", ".join(one["address"] for one in report["aircraft"]))
    for one in report["aircraft"]:
        check(f"aircraft_{one['address'].lower()}_followed_by_one_track", len(one["tracks"]) == 1 and one["coverage"] > 0.98,
              f"{one['followed']} of {one['plots']} plots ({100 * one['coverage']:.2f} %), first after {one['first_followed_after_s']:.1f} s, "
              f"longest gap {one['longest_gap_s']:.1f} s")
    for track in report["tracks"]:
        print(f"     track {track['track']}: {track['lines']} lines, {track['addresses']}, farthest plot {track['largest_distance_m']:.0f} m")


def seven_radars(out):
    tracks = os.path.join(out, "seven.jsonl")
    done = run("fuse", "--config", PCAP_SITE, "--tracks", tracks, PCAP)
    check("pcap_is_read", done.returncode == 0, done.stderr.strip())
    ledger = ledger_of(done.stdout)
    total = ledger["total"]
    seen, skipped = total["detections"], total["skipped"]
    repeats = seen["refused"]["duplicate"] + skipped["repeated"]
    check("pcap_every_one_of_162_records_is_accounted_for", seen["received"] + sum(skipped.values()) == 128 + 34,
          f"{seen['received']} detections; " + ", ".join(f"{count} {name}" for name, count in skipped.items() if count))
    check("pcap_81_repeats_counted", repeats == 81, f"{seen['refused']['duplicate']} plots as duplicate, {skipped['repeated']} services and reports of nothing as repeated")
    others = {reason: count for reason, count in seen["refused"].items() if count and reason != "duplicate"}
    check("pcap_nothing_else_refused", not others, f"{others}")
    check("pcap_books_balance", books_balanced(ledger_books(ledger)), f"{seen['accepted']} accepted")
    inspected = run("inspect", "--config", PCAP_SITE, PCAP)
    lines = [json.loads(line) for line in inspected.stdout.splitlines()]
    plots, services = (sum(one.get("category") == number for one in lines) for number in (48, 34))
    check("pcap_inspect_shows_128_and_34", (plots, services) == (128, 34), f"{plots} of category 048, {services} of 034")
    done = run("fuse", "--config", GPS_SITE, "--tracks", tracks, PCAP)
    unknown = ledger_books(ledger_of(done.stdout))["unknown"][1] if done.returncode == 0 else {}
    check("radars_that_are_not_configured_are_counted", unknown.get("unknown_sensor", 0) == unknown.get("received") == 126, f"{unknown}, exit status {done.returncode}")
    done = run("fuse", "--config", PCAP_SITE, "--tracks", tracks, OTHER)
    total = ledger_of(done.stdout)["total"]
    check("other_categories_are_counted_and_skipped", done.returncode == 0 and total["skipped"]["other_category"] == 2 and
          total["detections"]["received"] == 0, f"{total['skipped']['other_category']} blocks")


def test():
    for path in (GPS, PCAP, OTHER):
        if not os.path.exists(path):
            skip(f"{path} is not there")
    out = folder()
    two_aircraft(out)
    seven_radars(out)


main(test)
