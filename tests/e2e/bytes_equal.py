#!/usr/bin/env python3
"""The same frames give the same bytes: live, replayed and fused; 1, 2 and 4 workers; both receive back ends; every
instruction set. Each live run has frames of its own (they close as the machine has time), kept in its journal."""
import hashlib
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *

SCENARIO, SITE = "tools/scenarios/salvo60.yaml", "tools/scenarios/salvo60.site.yaml"
DURATION_S, SPEED = 100, 100
WORKERS = (1, 2, 4)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def live(back_end, workers, out):
    """One live run. (digest of its track file, its journal)."""
    name = f"{back_end}_{workers}"
    tracks, journal = os.path.join(out, name + ".jsonl"), os.path.join(out, name)
    server = Server(SITE, "--io", back_end, "--workers", workers, "--tracks", tracks, "--journal", journal)
    sent = run("salvo", SCENARIO, "--duration", DURATION_S, "--to", f"127.0.0.1:{server.ports['detections']}", "--speed", SPEED)
    count = int(re.search(r"(\d+) datagrams", sent.stderr)[1])
    pages = server.settle(count)
    ledger = server.stop()
    check(f"live_{name}_lost_nothing", server.status == 0 and ledger["total"]["datagrams"]["received"] == count and
          ledger["unjournaled"] == 0 and books_balanced(ledger_books(ledger)),
          f"{ledger['total']['datagrams']['received']} of {count} datagrams, {int(pages.value('weft_frames_total'))} frames")
    return tracks, journal


def again(command, journal, out, workers, kernels=None):
    path = os.path.join(out, "again.jsonl")
    arguments = ["--config", SITE] if command == "fuse" else []
    done = run(command, *arguments, "--workers", workers, "--tracks", path, journal,
               env={**os.environ, **({"WEFT_KERNELS": kernels} if kernels else {})})
    return digest(path) if done.returncode == 0 else done.stderr


def kernel_variants():
    with open("/proc/cpuinfo") as file:
        flags = set(re.search(r"flags\s*:(.*)", file.read())[1].split())
    return ["scalar", "v3"] + (["v4"] if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= flags else [])


def test():
    out = folder()
    variants = kernel_variants()
    for back_end in ("uring", "plain"):
        for workers in WORKERS:
            tracks, journal = live(back_end, workers, out)
            wanted, size = digest(tracks), os.path.getsize(tracks)
            others = {f"{command}_{n}": again(command, journal, out, n) for command in ("replay", "fuse") for n in WORKERS}
            wrong = [name for name, found in others.items() if found != wanted]
            check(f"live_{back_end}_with_{workers}_workers_equals_replay_and_fuse_with_1_2_4", size > 0 and not wrong,
                  f"{size} bytes, sha256 {wanted}, differing: {wrong}")
    found = {name: again("fuse", journal, out, 2, name) for name in variants}
    check("every_instruction_set_gives_the_same_bytes", set(found.values()) == {wanted},
          f"{', '.join(variants)}{'' if 'v4' in variants else ' (this CPU has no AVX-512: v4 not run)'}")
    paced = os.path.join(out, "paced.jsonl")
    done = run("replay", "--tracks", paced, "--speed", 400, journal, limit_s=30)
    check("a_paced_replay_gives_the_same_bytes", digest(paced) == wanted, f"speed 400, exit status {done.returncode}")


main(test)
