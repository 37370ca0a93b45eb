#!/usr/bin/env python3
"""Text that is wrong: each bad CSV line, configuration key and command line gets one clear line that says where and what,
and the right exit status; the good lines around a bad one are used."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "common"))
from weft_e2e import *
from weft_scene import Crosser, raised, site_write

HEADER = "time_ns,sensor,kind,range_m,azimuth_rad,elevation_rad,x_m,y_m,z_m,sigma_range_m,sensor_x_m,sensor_y_m,sensor_z_m"
T = 1_700_000_000_000_000_000
# What stands in the line, what it is refused for, what its message says.
BAD_LINES = [
    ("soon,2,radar,50000,1,0.3,,,,,,,", "malformed", "time_ns"),
    (f"{T},2,lidar,50000,1,0.3,,,,,,,", "malformed", "kind"),
    (f"{T},2,radar,50000,1,0.3", "malformed", "field"),
    (f"{T},2,radar,50000,1,0.3,,,,,,,,,", "malformed", "field"),
    (f"{T},2,radar,50 000,1,0.3,,,,,,,", "malformed", "range_m"),
    (f"{T},2,radar,,1,0.3,,,,,,,", "malformed", "range_m"),
    (f"{T},2,radar2d,50000,1,,,,,,,,", "malformed", None),  # the text is good, but sensor 2 is no radar2d: in the books only
    (f"{T},two,radar,50000,1,0.3,,,,,,,", "malformed", "sensor"),
    (f"{T},77,radar,50000,1,0.3,,,,,,,", "unknown_sensor", "77"),
    (f"{T},2,radar,nan,1,0.3,,,,,,,", "not_finite", "range_m"),
    (f"{T},2,radar,50000,inf,0.3,,,,,,,", "not_finite", "azimuth_rad"),
    (f"{T},2,radar,2e8,1,0.3,,,,,,,", "out_of_range", "range_m"),
    (f"{T},2,radar,50000,7,0.3,,,,,,,", "out_of_range", "azimuth_rad"),
    (f"{T},2,radar,50000,1,1.6,,,,,,,", "out_of_range", "elevation_rad"),
    (f"{T},2,radar,50000,1,0.3,,,,-1,,,", "out_of_range", "sigma_range_m"),
    (f"{T},2,radar,50000,1,0.3,,,,,1,2,3", "malformed", "sensor_x_m"),
    (f"{T},2,radar,50000,1,0.3,,,,,,," + "x" * 5000, "malformed", "long"),
    (f"{T - 60 * 10**9},1,position,,,,-2593000,-3698000,-4490000,,,,", "stale", None),  # in the books only
]
BAD_HEADERS = [
    ("time_ns,sensor,kind,rnage_m", "rnage_m"),
    ("time_ns,sensor,range_m", "kind"),
    ("time_ns,sensor,kind,kind", "kind"),
]
# Replaced text, its replacement, key in the message, what else it says, whether the line is that of the new text.
BAD_CONFIGS = [
    ("time: live", "tiem: live", "tiem", "unknown key"),
    ("time: live", "time: later", "time", "allowed: live, recorded"),
    ("time: live", "stale_s: 0", "stale_s", "allowed: 0.001 to 86400"),
    ("time: live", "lag_s: 61", "lag_s", "allowed: 0 to 60"),
    ("time: live", "frame_limit_ms: fast", "frame_limit_ms", "allowed: 0.1 to 1000"),
    ("time: live", "exercise: perhaps", "exercise", "allowed: true, false"),
    ('metrics: "127.0.0.1:0"', 'metrics: "127.0.0.1:70000"', "metrics", "port 0 to 65535"),
    ("id: 2,", "id: -2,", "id", "allowed: 0 to 4294967295"),
    ("id: 2,", "id: 1,", "id", "already"),
    ("lat_deg: -45", "lat_deg: -95", "lat_deg", "allowed: -90 to 90"),
    ("height_m: 10", "height_m: -501", "height_m", "allowed: -500 to 100000000"),
    (", height_m: 10", "", "height_m", "missing"),
    ("range_m: 30", "range_m: 0", "range_m", "allowed: 0.001 to 1000000"),
    ("elevation_rad: 0.001", "elevation_deg: 0.05", "elevation", "missing"),
    ("{x_m: 20}", "{x_m: 20, y_m: 20}", "y_m", "unknown key"),
    ("kind: radar", "kind: sonar", "kind", "allowed: radar, radar2d, los, position"),
    ("sensors:", "sensors: 5 #", "", ""),
    ("time: live", "time: [live", "", "not valid YAML"),
    ("time: live", "time: live\ntime: live", "time", "duplicate key"),
]
WRONG_USE = [
    [], ["fly"], ["run"], ["run", "--confg", "x"], ["run", "--config"], ["run", "--config", "x", "--workers", "0"], ["run", "--config", "x", "--workers", "many"],
    ["run", "--config", "x", "--io", "pigeon"], ["run", "--config", "x", "--duration", "-1"], ["run", "--config", "x", "extra"],
    ["fuse", "--config", "x", "in.csv"], ["fuse", "--config", "x", "--tracks", "y"], ["fuse"], ["replay"], ["replay", "a", "b"],
    ["replay", "--speed", "0", "a"], ["salvo"], ["salvo", "--speed", "slow", "x.yaml"], ["salvo", "x.yaml", "--seed", "-1"],
    ["score"], ["score", "--truth", "x"], ["inspect"], ["inspect", "a", "b"], ["check"], ["check", "--config"],
]


def csv_lines(out):
    site = site_write(out, "")
    crosser = Crosser(T)
    rows, expected, says = [HEADER], {}, {}

    def good():
        at = T + crosser.sent * crosser.step_ns
        crosser.sent += 1
        crosser.times.append(at)
        rows.append(f"{at},1,position,,,," + ",".join(f"{x:.3f}" for x in crosser.place(at)) + ",,,,")

    for _ in range(40):
        good()
    for text, reason, word in BAD_LINES:
        rows.append(text)
        expected[reason] = expected.get(reason, 0) + 1
        if word is not None:
            says[len(rows)] = word
        good()
        good()
    path, tracks = os.path.join(out, "bad.csv"), os.path.join(out, "tracks.jsonl")
    with open(path, "w") as file:
        file.write("\n".join(rows) + "\n")
    done = run("fuse", "--config", site, "--tracks", tracks, path)
    check("csv_with_bad_lines_is_processed", done.returncode == 0, f"exit status {done.returncode}")
    total = ledger_of(done.stdout)["total"]["detections"]
    refused = {reason: count for reason, count in total["refused"].items() if count}
    check("csv_each_bad_line_is_counted_under_its_reason", refused == expected, f"{refused}")
    check("csv_every_good_line_is_accepted", total["accepted"] == crosser.sent, f"{total['accepted']} of {crosser.sent}")
    silent = [f"{path}:{number}" for number, word in says.items()
              if not any(f"bad.csv:{number}:" in line and word in line for line in done.stderr.splitlines())]
    check("csv_each_message_names_file_line_and_column", not silent, f"{len(says) - len(silent)} of {len(says)} lines; silent: {silent}")
    lines = next(iter(confirmed(tracks_read(tracks)).values()))
    check("csv_the_good_track_is_unharmed", not crosser.unused(lines), f"{len(lines)} of {crosser.sent} detections in its lines")
    for header, word in BAD_HEADERS:
        with open(path, "w") as file:
            file.write(header + "\n1,2,radar\n")
        done = run("fuse", "--config", site, "--tracks", tracks, path)
        check(f"csv_header_{header.replace(',', '_')}", done.returncode == 1 and "bad.csv:1:" in done.stderr and word in done.stderr,
              f"exit status {done.returncode}, {done.stderr.strip()}")
    for name, content, status in (("empty", "", 0), ("only_a_header", HEADER + "\n", 0), ("no_csv_at_all", "hello\n", 1), ("bytes", "\0\1\2\3" * 99, 1)):
        with open(path, "w") as file:
            file.write(content)
        done = run("fuse", "--config", site, "--tracks", tracks, path)
        check(f"csv_file_{name}", done.returncode == status and (status == 0 or len(done.stderr.splitlines()) == 1),
              f"exit status {done.returncode} {done.stderr.strip()}")


def config_keys(out):
    site = site_write(out, "time: live\n")
    with open(site) as file:
        good = file.read()
    done = run("check", "--config", site)
    check("check_accepts_a_good_configuration", done.returncode == 0 and len(done.stdout.splitlines()) == 1, done.stdout.strip())
    bad, wrong = os.path.join(out, "bad.yaml"), []
    for old, new, key, says in BAD_CONFIGS:
        text = good.replace(old, new, 1)
        with open(bad, "w") as file:
            file.write(text)
        tellings = []
        for command in (["check"], ["run", "--duration", "0.1"], ["fuse", "--tracks", os.path.join(out, "never.jsonl"), "/dev/null"]):
            done = run(command[0], "--config", bad, *command[1:])
            lines = done.stderr.splitlines()
            fine = done.returncode == 1 and len(lines) == 1 and re.search(r"bad\.yaml:\d+: ", lines[0]) and key in lines[0] and says in lines[0] and not done.stdout
            tellings.append(lines[0] if lines else "nothing")
            if not fine:
                wrong.append((command[0], new, done.returncode, done.stderr))
        if not key or len(set(tellings)) != 1:
            continue
        line = int(re.search(r":(\d+): ", tellings[0])[1])
        if says not in ("missing",) and new.splitlines()[-1] not in text.splitlines()[line - 1]:
            wrong.append(("line", new, line, text.splitlines()[line - 1]))
    check("config_each_bad_key_is_refused_with_file_line_and_range", not wrong, f"{len(BAD_CONFIGS)} keys x check, run, fuse; wrong: {wrong}")
    for name, path in (("absent", os.path.join(out, "nowhere.yaml")), ("folder", out)):
        found = [run(command, "--config", path) for command in ("check", "run")]
        check(f"config_{name}_is_a_clear_error", all(one.returncode == 1 and len(one.stderr.splitlines()) == 1 and path in one.stderr for one in found), found[0].stderr.strip())


def usage(out):
    wrong = []
    for arguments in WRONG_USE:
        done = run(*arguments)
        if done.returncode != 2 or not done.stderr or (arguments and len(done.stderr.splitlines()) != 1):
            wrong.append((arguments, done.returncode, done.stderr))
    check("wrong_use_exits_2_with_one_line", not wrong, f"{len(WRONG_USE)} command lines; wrong: {wrong}")
    commands = ("run", "fuse", "replay", "salvo", "score", "inspect", "check")
    wrong = [name for name in commands if (done := run(name, "--help")).returncode != 0 or "usage" not in done.stdout or done.stderr]
    check("help_of_each_command_exits_0", not wrong and run("--help").returncode == 0, f"{len(commands)} commands; wrong: {wrong}")
    site, nothing = site_write(out, ""), os.path.join(out, "nothing")
    failing = (["fuse", "--config", site, "--tracks", os.path.join(out, "t"), nothing], ["fuse", "--config", site, "--tracks", out, "/dev/null"],
               ["replay", nothing], ["inspect", nothing], ["score", "--truth", nothing, "--tracks", nothing], ["salvo", nothing, "--list"],
               ["salvo", "tools/scenarios/one.yaml", "--to", "nowhere"], ["fuse", "--config", site, "--tracks", os.path.join(out, "t"), site])
    wrong = [(arguments, done.returncode, done.stderr) for arguments in failing
             if (done := run(*arguments)).returncode != 1 or len(done.stderr.splitlines()) != 1]
    check("failure_exits_1_with_one_line", not wrong, f"{len(failing)} command lines; wrong: {wrong}")


def test():
    out = folder()
    csv_lines(out)
    config_keys(out)
    usage(out)


main(test)
