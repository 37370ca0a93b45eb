#!/usr/bin/env python3
"""Two hundred missiles at once, 1 km apart, under three radars at 310 km and more with a thousand false plots a scan: every one is tracked, at
most one identity swap per 100 targets; and from such false plots alone no confirmed track. By default one draw of 130 s and a minute of
clutter; with WEFT_STAT=full nine draws, the whole flight once, and an hour of clutter."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

SCENARIO = "tools/scenarios/dense200.yaml"
FULL = os.environ.get("WEFT_STAT") == "full"


def shortened(out, duration_s, with_missiles):
    """The scenario's own text, shorter, and where asked without what flies."""
    with open(SCENARIO) as file:
        lines = file.read().splitlines()
    kept, skipping = [], False
    for line in lines:
        if line[:1] not in (" ", ""):
            skipping = line.startswith("salvos:") and not with_missiles
        if line.startswith("duration_s:"):
            line = f"duration_s: {duration_s}"
        if not skipping:
            kept.append(line)
    path = os.path.join(out, "scenario.yaml")
    with open(path, "w") as file:
        file.write("\n".join(kept) + "\n")
    return path


def fused(out, scenario, seed):
    plots, truth, site, tracks = (os.path.join(out, name) for name in ("plots.csv", "truth.csv", "site.yaml", "tracks.jsonl"))
    made = run("salvo", scenario, "--seed", seed, "--csv", plots, "--truth", truth, "--site", site, limit_s=600)
    ran = run("fuse", "--config", site, "--tracks", tracks, plots, limit_s=1800)
    if made.returncode or ran.returncode:
        check(f"seed_{seed}_runs", False, (made.stderr + ran.stderr).strip())
        return None
    books = json.loads(ran.stdout.splitlines()[-1])
    check(f"seed_{seed}_ledger_balances", books["balanced"] is True, f"{books['ledger']['total']['detections']['received']} detections")
    os.unlink(plots)
    return truth, tracks


def salvo(seed, duration_s):
    """Swaps among 200 targets, or None."""
    out = folder()
    made = fused(out, shortened(out, duration_s, True), seed)
    if not made:
        return None
    told = run("score", "--truth", made[0], "--tracks", made[1], "--json", limit_s=600)
    score = json.loads(told.stdout)
    completeness, changes = score["completeness"], score["continuity"]
    check(f"seed_{seed}_{duration_s}_s_every_missile_is_tracked", completeness["due_targets_tracked"] == completeness["due_targets"] == 200,
          f"{completeness['due_targets_tracked']} of {completeness['due_targets']}; {score['tracks']['confirmed_tracks']} confirmed tracks, "
          f"{score['tracks']['false_confirmed_tracks']} false, {changes['track_breaks']} breaks, {changes['identity_switches']} switches, "
          f"{changes['identity_swaps']} swaps")
    check(f"seed_{seed}_{duration_s}_s_hardly_a_false_track", score["tracks"]["false_confirmed_tracks"] <= 2, score["tracks"]["false_confirmed_tracks"])
    return changes["identity_swaps"]


def clutter(duration_s):
    out = folder()
    made = fused(out, shortened(out, duration_s, False), 77)
    if not made:
        return
    with open(made[1]) as file:
        lines = [json.loads(line) for line in file]
    confirmed_lines = sum(line["status"] == "confirmed" for line in lines)
    check(f"{duration_s}_s_of_clutter_confirm_nothing", confirmed_lines == 0 and len(lines) > 0,
          f"{confirmed_lines} confirmed lines, {len({line['track'] for line in lines})} tentative tracks")


def test():
    seeds = range(1, 10) if FULL else [1]
    swaps = [salvo(seed, 130) for seed in seeds]
    if None not in swaps:
        per_100 = 100 * sum(swaps) / (200 * len(swaps))
        check("at_most_one_identity_swap_per_100_targets", per_100 <= 1, f"{per_100:.2f} over {len(swaps)} draws: {swaps}")
    if FULL:
        whole = salvo(1, 480)
        check("the_whole_flight_too", whole is not None and whole <= 2, f"{whole} swaps among 200")
    clutter(3600 if FULL else 60)


main(test)
