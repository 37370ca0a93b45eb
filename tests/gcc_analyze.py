#!/usr/bin/env python3
"""gcc's analyzer over every file of engine, kernels and tools, with the flags of the build. What tests/gcc_analyze.txt explains is
accepted (lines `WARNING FILE`, the reason above them); all else is a finding, and so is a line there that nothing matches.
Usage: tests/gcc_analyze.py DATABASE JOBS      DATABASE: a folder made by tests/lint_files.py from a build with gcc
Last line: the files without a finding, the findings."""
import json
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

root = Path(__file__).resolve().parents[1]
WARNING = re.compile(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*) \[-W(?:error=)?(analyzer-[a-z-]+)\]$", re.M)


def analyse(command):
    """(what was compiled, exit status, text) of one file."""
    words = shlex.split(command["command"])
    words = [word for word in words if word != "-Werror" and not word.endswith("ccache")]
    words[words.index("-o") + 1] = "/dev/null"
    run = subprocess.run(words + ["-fanalyzer", "-fdiagnostics-path-format=none", "-fdiagnostics-plain-output"], cwd=command["directory"],
                         capture_output=True, text=True)
    return command["file"], run.returncode, run.stderr


def main():
    commands = json.loads((Path(sys.argv[1]) / "compile_commands.json").read_text())
    explained = [line.split() for line in (root / "tests/gcc_analyze.txt").read_text().splitlines() if line and line[0] != "#"]
    matched, findings, sound = set(), [], 0
    with ThreadPoolExecutor(int(sys.argv[2])) as pool:
        for path, status, text in pool.map(analyse, commands):
            here = {"%s: gcc failed:\n%s" % (path, text)} if status else set()
            for place, line, what, name in WARNING.findall(text):
                place = str((root / place).resolve().relative_to(root))
                if [name, place] in explained:
                    matched.add((name, place))
                else:
                    here.add("%s:%s: %s [%s]" % (place, line, what, name))
            findings += sorted(here)
            sound += not here
    findings += ["tests/gcc_analyze.txt: nothing matches: " + " ".join(line) for line in explained if tuple(line) not in matched]
    print("\n".join(findings))
    print(sound, len(findings))
    return 1 if findings or not commands else 0


sys.exit(main())
