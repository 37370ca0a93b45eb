#!/usr/bin/env python3
"""What a detection costs the engine alone, without sockets, as the world grows at equal density, with false plots, with the size of
frames, with workers; and what a track takes of memory. CPU time per detection, minima over turns. Prints JSON as the other benches do.
Usage: scaling.py BUILD_DIRECTORY [TRACKS_MOST]"""
import json
import subprocess
import sys
from pathlib import Path

TRACKS = (1_000, 10_000, 100_000, 1_000_000)
FRAME, FALSE_SHARE, MEASURED, TURNS = 4096, 0.05, 400_000, 2
TRACKS_ONCE = 1_000_000  # so many take minutes: one turn, between the others'
PLAIN = 10_000           # the world in which one thing at a time is changed
FALSE_SHARES, FRAMES, WORKERS = (0, 0.05, 0.25, 0.5), (64, 512, 4096, 16384), (1, 2)
GENERATOR_BYTES = 9 * 8 + 4 + 12 * 4  # of an object, in the bench's own world
GOAL_GROWTH, GOAL_BYTES = 2, 2048
figures = []


def figure(name, value, unit, better=0, goal=0):
    figures.append({"name": name, "value": value, "unit": unit, "goal": goal, "better": better})


def stepped(build, objects, frame=FRAME, workers=1, false_share=FALSE_SHARE):
    out = subprocess.run([build / "bench/bench_coast_steps", str(objects), str(frame), str(workers), str(false_share), str(MEASURED)],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out)


def turns(build, cases):
    """The results of each case; a case is the options by name."""
    results = {name: [] for name in cases}
    for turn in range(TURNS):
        for name, options in cases.items():
            if options["objects"] < TRACKS_ONCE or turn == 0:
                results[name].append(stepped(build, **options))
    return results


def least(results, key):
    return min(one[key] for one in results)


def tracks_tell(build, most):
    counts = [count for count in TRACKS if count <= most]
    results = turns(build, {count: {"objects": count} for count in counts})
    for count in counts:
        title = "{:,} tracks: ".format(count)
        one = results[count][0]
        figure(title + "confirmed", one["confirmed"], "")
        if one["confirmed"] < 0.99 * count:
            sys.exit("scaling: of {:,} objects {:,} are confirmed tracks: not a measurement".format(count, one["confirmed"]))
        figure(title + "CPU time per detection, tracker", least(results[count], "track_cpu_ns"), "ns", -1)
        figure(title + "warning", least(results[count], "warn_cpu_ns"), "ns", -1)
        figure(title + "lines", least(results[count], "line_cpu_ns"), "ns", -1)
    if len(counts) > 1:
        for name, keys, goal in (("tracker", ("track_cpu_ns",), GOAL_GROWTH), ("all", ("track_cpu_ns", "warn_cpu_ns", "line_cpu_ns"), 0)):
            large, small = (sum(least(results[count], key) for key in keys) for count in (counts[-1], counts[0]))
            figure("cost per detection, {:,} tracks over {:,}, {}".format(counts[-1], counts[0], name), large / small, "x", -1, goal)
        large, small = results[counts[-1]][0], results[counts[-2]][0]
        figure("memory reserved per track", (large["arena_bytes"] - small["arena_bytes"]) / (large["slots"] - small["slots"]), "B", -1)
        used = (large["resident_bytes"] - small["resident_bytes"]) / (counts[-1] - counts[-2]) - GENERATOR_BYTES
        figure("memory in use per track", used, "B", -1, GOAL_BYTES)


def others_tell(build):
    cases = {"false plots %g %%" % (100 * share): {"objects": PLAIN, "false_share": share} for share in FALSE_SHARES}
    cases.update({"{:,} detections in a frame".format(frame): {"objects": PLAIN, "frame": frame} for frame in FRAMES})
    cases.update({"%d workers" % workers if workers > 1 else "1 worker": {"objects": PLAIN, "workers": workers} for workers in WORKERS})
    results = turns(build, cases)
    for name in cases:
        figure(name + ": CPU time per detection, tracker", least(results[name], "track_cpu_ns"), "ns", -1)
    walls = [least(results[name], "wall_ns") for name in list(cases)[-len(WORKERS):]]
    figure("time per detection, 1 worker over 2", walls[0] / walls[1], "x", 1)
    if len({one["hash"] for name in list(cases)[-len(WORKERS):] for one in results[name]}) != 1:
        sys.exit("scaling: the state after the same detections differs between numbers of workers")


def main():
    build = Path(sys.argv[1]).resolve()
    tracks_tell(build, int(sys.argv[2]) if len(sys.argv) > 2 else TRACKS[-1])
    others_tell(build)
    print(json.dumps({"bench": "scaling", "figures": figures}))


main()
