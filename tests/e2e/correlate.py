#!/usr/bin/env python3
"""Two centres over one salvo, each with its own sensors; the second one's track file is given to the first as a source. Every
missile is one track in the first one's picture, better known than before and not overrated; rubbish is refused by line; the
result does not depend on workers or kernels."""
import hashlib
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

SCENARIO, SITE = "tools/scenarios/salvo60.yaml", "tools/scenarios/salvo60.site.yaml"
DURATION_S = 400
NEAR_M = 10000.0


def centres_make(out):
    """Configuration and detections of centre A1 (sensors 1xx) and B1 (2xx), from those of the whole salvo."""
    whole, truth = os.path.join(out, "whole.csv"), os.path.join(out, "truth.csv")
    run("salvo", SCENARIO, "--duration", DURATION_S, "--csv", whole, "--truth", truth, "--speed", "max")
    with open(SITE) as file:
        head, rest = file.read().split("sensors:\n", 1)
    blocks = re.split(r"(?m)^(?=  - id: )", rest)
    with open(whole) as file:
        lines = file.readlines()
    for name, first in (("A1", "1"), ("B1", "2")):
        mine = [block for block in blocks if block.startswith("  - id: " + first)]
        ids = {re.search(r"id: (\d+)", block).group(1) for block in mine}
        with open(os.path.join(out, name + ".yaml"), "w") as file:
            file.write(head.replace("centre: weft", "centre: " + name) + "sensors:\n" + "".join(mine))
        with open(os.path.join(out, name + ".csv"), "w") as file:
            file.writelines([lines[0]] + [line for line in lines[1:] if line.split(",")[1] in ids])
    return truth


def truth_read(path):
    """Second -> target -> position."""
    places = {}
    with open(path) as file:
        names = next(file).strip().split(",")
        at = [names.index(name) for name in ("time_ns", "target", "x_m", "y_m", "z_m")]
        for line in file:
            field = line.split(",")
            time_ns = int(field[at[0]])
            if time_ns % 10**9 == 0:
                places.setdefault(time_ns // 10**9, {})[field[at[1]]] = [float(field[k]) for k in at[2:]]
    return places


def picture_judge(path, truth):
    """Of all (missile, second) pairs with a confirmed track on the missile: how many have exactly one."""
    tracks = {}
    for number, lines in tracks_read(path).items():
        tracks[number] = lines
    by_second = {}
    for number, lines in tracks.items():
        newest = {line["time_ns"] // 10**9: line for line in lines}
        for second, line in newest.items():
            if line["status"] == "confirmed":
                by_second.setdefault(second, []).append(line)
    one = more = 0
    for second, lines in by_second.items():
        count = {}
        for line in lines:
            early = (line["time_ns"] - second * 10**9) * 1e-9
            p = [x - early * v for x, v in zip(line["position_ecef_m"], line["velocity_ecef_mps"])]
            best = min(((sum((a - b) ** 2 for a, b in zip(p, place)), target)
                        for target, place in truth.get(second, {}).items()), default=None)
            if best and best[0] < NEAR_M ** 2:
                count[best[1]] = count.get(best[1], 0) + 1
        one += sum(n == 1 for n in count.values())
        more += sum(n > 1 for n in count.values())
    return one, more



def line_of(text, name):
    """A row of the table of errors by phase."""
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [name])


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def fuse(out, name, *inputs, workers=2, env=None):
    path = os.path.join(out, f"{name}.jsonl")
    done = run("fuse", "--config", os.path.join(out, "A1.yaml"), "--workers", workers, "--tracks", path, *inputs,
               env={**os.environ, **(env or {})})
    return path, done


def picture_is_one(out, alone, joined, truth_path):
    truth = truth_read(truth_path)
    one, more = picture_judge(joined, truth)
    before, _ = picture_judge(alone, truth)
    share = one / max(one + more, 1)
    check("every_missile_is_one_track", share > 0.985 and one > 10000,
          f"{100 * share:.2f} % of {one + more} missile-seconds with a track have exactly one")
    check("the_picture_gains", one + more > before, f"{one + more} missile-seconds, {before} without the other centre")
    tables = {name: run("score", "--truth", truth_path, "--tracks", path).stdout for name, path in (("alone", alone), ("joined", joined))}
    rows = {name: line_of(text[text.index("Errors of confirmed track lines"):], "all") for name, text in tables.items()}
    rmse = {name: float(row[2]) for name, row in rows.items()}
    nees = {name: float(row[7]) for name, row in rows.items()}
    check("lines_are_better_known", rmse["joined"] < 0.85 * rmse["alone"],
          f"position RMSE {rmse['joined']:.1f} m, {rmse['alone']:.1f} m alone")
    check("and_not_overrated", nees["joined"] <= 1.0, f"NEES per degree of freedom {nees['joined']:.3f}, {nees['alone']:.3f} alone")


def fields_hold(joined):
    tracks = tracks_read(joined)
    lines = [line for own in tracks.values() for line in own]
    ties = [line for line in lines if "correlated" in line]
    shown = {number for number, own in tracks.items() if any("source" in line for line in own)}
    check("correlations_are_stated", len(ties) > 10000 and all(tie["centre"] == "B1" for line in ties for tie in line["correlated"]),
          f"{len(ties)} lines of {len(lines)}")
    check("what_only_the_other_sees_is_shown", 0 < len(shown) and all("source" in line for n in shown for line in tracks[n]),
          f"{len(shown)} tracks with a source")
    own = {tie["track"]: number for number, own in tracks.items() for line in own for tie in line.get("correlated", ())}
    kept = [n for n in shown if tracks[n][-1]["status"] != "lost" and tracks[n][-1]["source"]["track"] in own]
    check("shown_until_ours_appears", not kept, f"{len(kept)} shown beside a correlated track at the end")


def refusals_hold(out, b_tracks):
    with open(b_tracks) as file:
        good = [next(file) for _ in range(400)]
    spoilt = json.loads(good[10])
    rubbish = ["{\"time_ns\":1}\n", "{not json\n", json.dumps({**spoilt, "covariance": [-1.0] * 21}) + "\n",
               json.dumps({**spoilt, "position_ecef_m": [1, 2, 3]}) + "\n", json.dumps({**spoilt, "exercise": True}) + "\n",
               json.dumps({**spoilt, "status": "dreaming"}) + "\n", "{\"missed\":12}\n", "{" + "x" * 70000 + "\n", "\n"]
    path = os.path.join(out, "rubbish.jsonl")
    with open(path, "w") as file:
        file.writelines(good[:100] + rubbish + good[100:])
    _, done = fuse(out, "refused", os.path.join(out, "A1.csv"), path)
    row = json.loads(done.stdout)["ledger"]["foreign_tracks"]
    refused = {reason: n for reason, n in row["refused"].items() if n}
    check("rubbish_is_refused_by_line", refused == {"malformed": 4, "out_of_range": 2, "exercise_mismatch": 1} and
          row["accepted"] == 400 and "rubbish.jsonl:101:" in done.stderr, f"{refused}, accepted {row['accepted']}")
    own, done = fuse(out, "again", os.path.join(out, "A1.csv"), os.path.join(out, "alone.jsonl"))
    check("ones_own_tracks_are_no_source", done.returncode == 1 and "centre A1" in done.stderr, done.stderr.strip()[-160:])


def test():
    out = folder()
    truth = centres_make(out)
    b_tracks = os.path.join(out, "B1.jsonl")
    run("fuse", "--config", os.path.join(out, "B1.yaml"), "--tracks", b_tracks, os.path.join(out, "B1.csv"))
    own = os.path.join(out, "A1.csv")
    alone, _ = fuse(out, "alone", own)
    joined, done = fuse(out, "joined", own, b_tracks)
    check("books_balance", done.returncode == 0 and json.loads(done.stdout)["balanced"], done.stderr.strip()[-160:])
    picture_is_one(out, alone, joined, truth)
    fields_hold(joined)
    others = {n: digest(fuse(out, "other", own, b_tracks, workers=n)[0]) for n in (1, 4)}
    others["scalar"] = digest(fuse(out, "other", own, b_tracks, env={"WEFT_KERNELS": "scalar"})[0])
    check("workers_and_kernels_do_not_matter", set(others.values()) == {digest(joined)}, f"{others}")
    refusals_hold(out, b_tracks)
    finish()


main(test)
