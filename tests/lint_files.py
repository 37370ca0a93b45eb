#!/usr/bin/env python3
"""A compilation database with one command for each file of engine, kernels and tools (a kernel stands there once per instruction
set, a tool once per test that links it). Prints the files' paths.
Usage: tests/lint_files.py BUILD TO      BUILD: a configured build folder, TO: the folder for the database"""
import json
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[1]
commands = {}
for command in json.loads((Path(sys.argv[1]) / "compile_commands.json").read_text()):
    path = Path(command["file"])
    if path.relative_to(root).parts[0] in ("engine", "kernels", "tools"):
        commands.setdefault(str(path), command)
Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
(Path(sys.argv[2]) / "compile_commands.json").write_text(json.dumps(list(commands.values())))
print("\n".join(commands))
