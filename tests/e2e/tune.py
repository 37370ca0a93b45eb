#!/usr/bin/env python3
"""Hardware profiles: made by measuring, accepted here and nowhere else; tracks are the same bytes with any; the example profiles
are what `weft tune` makes."""
import filecmp
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

SCENARIO, SITE = "tools/scenarios/salvo60.yaml", "tools/scenarios/salvo60.site.yaml"
DURATION_S, SPEED = 60, 60
PROFILES = "tools/profiles"
# As far apart as the ranges allow on any machine.
SMALL = {"kernels": "scalar", "workers": 1, "workers_per_cache": 1, "frame_limit_ms": 0.1, "inline_items": 0, "spin_rounds": 0,
         "buffers": 8, "buffer_bytes": 2048, "socket_buffer_mib": 1, "spin_us": 0}
LARGE = {"kernels": "v3", "workers": 5, "workers_per_cache": 256, "frame_limit_ms": 200, "inline_items": 4, "spin_rounds": 100000,
         "buffers": 1024, "buffer_bytes": 65536, "socket_buffer_mib": 64, "spin_us": 1000}


def edited(text, knobs):
    for key, value in knobs.items():
        text, count = re.subn(rf"^(  {key}:) \S+", rf"\1 {value}", text, flags=re.M)
        check(f"the_profile_has_one_{key}", count == 1, f"{count}")
    return text


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def explained(text, key):
    """A knob's value and what stands above it."""
    above, value = re.search(rf"((?:^  # .*\n)+)^  {key}: (\S+)", text, re.M).groups()
    return value, above


def replaced_only_where_won(text, estimate):
    """The knobs that measuring may change: a new value has won twice, the second time form by form; the default stays where none has."""
    for key in ("kernels", "workers", "spin_rounds", "buffers"):
        value, above = explained(text, key)
        check(f"{key}_differs_from_the_default_only_where_it_won_again", (value != explained(estimate, key)[0]) == ("; it won again" in above),
              f"{value} {above}")
        check(f"{key}_of_a_winner_is_shown_form_by_form", " alone, by least and median of 45 turns: " in above or "; it " not in above)


def made(out):
    """A profile of this machine, by measuring."""
    path = os.path.join(out, "measured.yaml")
    done = run("tune", "--out", path, limit_s=600)
    check("measuring_gives_a_profile_and_says_nothing_in_a_pipe", done.returncode == 0 and done.stdout == done.stderr == "",
          done.stderr.strip())
    told = json.loads(run("inspect", path).stdout)
    check("inspect_tells_a_profile", told["record"] == "profile" and told["engine"]["workers"] >= 1 and told["receive"]["buffers"] >= 8,
          f"{told['engine']} {told['pool']} {told['receive']}")
    check("what_was_measured_stands_beside_it", read(path).count(b"# Measured, time over the default's") >= 2)
    described = {"HWLOC_SYNTHETIC": "package:1 l3:2 core:2 pu:2"}
    several = run("tune", limit_s=600, env={**os.environ, **described})
    workers = int((re.search(r"^  workers: (\d+)$", several.stdout, re.M) or [0, 0])[1])
    measured = several.stdout.count("# Measured, time over")
    # Which number wins is the machine's affair; where it is one there is no pool to measure.
    check("with_several_workers_the_pool_is_measured_too", several.returncode == 0 and workers >= 1 and (measured == 5 if workers > 1 else measured == 3),
          f"{workers} workers, {measured} measured {several.stderr.strip()}")
    for topology, text in ({}, read(path).decode()), (described, several.stdout):
        replaced_only_where_won(text, run("tune", "--level", "estimate", env={**os.environ, **topology}).stdout)
    out_of_it = run("tune", "--level", "estimate")
    check("without_out_it_goes_to_stdout", out_of_it.returncode == 0 and out_of_it.stdout.startswith("# Hardware profile of weft"))
    return path


def same_bytes(out, profile):
    """Fused, live and replayed with profiles as different as can be."""
    with open(profile) as file:
        text = file.read()
    small, large = write(os.path.join(out, "small.yaml"), edited(text, SMALL)), write(os.path.join(out, "large.yaml"), edited(text, LARGE))
    csv = os.path.join(out, "in.csv")
    run("salvo", SCENARIO, "--duration", DURATION_S, "--csv", csv, "--speed", "max")
    fused = {}
    for name, given in (("none", []), ("measured", ["--profile", profile]), ("small", ["--profile", small]), ("large", ["--profile", large])):
        path = os.path.join(out, f"fused_{name}.jsonl")
        done = run("fuse", "--config", SITE, "--tracks", path, *given, csv)
        fused[name] = read(path) if done.returncode == 0 else done.stderr
    check("fused_tracks_are_the_same_bytes_with_any_profile", len(set(fused.values())) == 1 and len(fused["none"]) > 100000,
          f"{len(fused['none'])} bytes")
    for name, path, knobs, other in (("small", small, SMALL, large), ("large", large, LARGE, small)):
        tracks, journal = os.path.join(out, f"live_{name}.jsonl"), os.path.join(out, f"journal_{name}")
        server = Server(SITE, "--profile", path, "--tracks", tracks, "--journal", journal)
        sent = run("salvo", SCENARIO, "--duration", DURATION_S, "--to", f"127.0.0.1:{server.ports['detections']}", "--speed", SPEED)
        pages = server.settle(int(re.search(r"(\d+) datagrams", sent.stderr)[1]))
        check(f"a_server_works_as_the_{name}_profile_says", pages.value("weft_workers") == knobs["workers"] and
              pages.value("weft_build_info", kernels=knobs["kernels"]) == 1)
        server.stop()
        again = os.path.join(out, f"again_{name}.jsonl")
        done = run("replay", "--profile", other, "--tracks", again, journal)
        check(f"replayed_with_the_other_profile_the_tracks_of_{name}_are_the_same_bytes",
              done.returncode == 0 and os.path.getsize(again) > 1000 and filecmp.cmp(again, tracks, shallow=False), done.stderr.strip())


def refused(out, profile):
    with open(profile) as file:
        text = file.read()
    line = text[:text.index("  cores:")].count("\n") + 1
    path = write(os.path.join(out, "other.yaml"), re.sub(r"^  cores: \d+", "  cores: 3000", text, flags=re.M))
    tracks = write(os.path.join(out, "kept.jsonl"), "kept\n")
    for command in (["run", "--config", SITE, "--tracks", tracks], ["fuse", "--config", SITE, "--tracks", tracks, "/dev/null"],
                    ["replay", "--tracks", tracks, os.path.join(out, "journal_small")]):
        done = run(*command, "--profile", path)
        check(f"{command[0]}_refuses_the_profile_of_another_machine", done.returncode == 1 and done.stdout == "" and
              f"{path}:{line}: cores: 3000 in the profile" in done.stderr and "weft tune --out FILE" in done.stderr, done.stderr.strip())
    check("what_was_refused_changed_nothing", read(tracks) == b"kept\n")
    for wrong, status, says in ((["--level", "best"], 2, "give estimate, measure or patient"), (["--out", "/nowhere/p.yaml"], 1, "/nowhere"),
                                (["--topology", "package:two"], 1, "hwloc does not understand"),
                                (["--topology", "core:2 pu:1", "--level", "measure"], 1, "can't be measured")):
        done = run("tune", "--level", "estimate", *wrong) if wrong[0] != "--level" else run("tune", *wrong)
        check(f"tune_refuses_{'_'.join(wrong)}", done.returncode == status and says in done.stderr, done.stderr.strip())


def examples(out):
    subprocess.run([os.path.join(PROFILES, "remake"), WEFT, out], check=True)
    names = sorted(name for name in os.listdir(PROFILES) if name.endswith(".yaml"))
    check("there_are_three_examples", len(names) == 3, " ".join(names))
    for name in names:
        kept, again = read(os.path.join(PROFILES, name)), read(os.path.join(out, name))
        check(f"{name}_is_what_tune_makes", kept == again)
        check(f"{name}_says_that_it_is_untested", b"# UNTESTED on real hardware" in kept)
        check(f"{name}_is_refused_here", run("fuse", "--config", SITE, "--tracks", "/dev/null", "--profile", os.path.join(PROFILES, name),
                                             "/dev/null").returncode == 1)


def test():
    out = folder()
    profile = made(out)
    same_bytes(out, profile)
    refused(out, profile)
    examples(out)


main(test)
