#!/usr/bin/env python3
"""What generators write is in the tree as they write it: each kernels/generate/*.py is run with --check.
Usage: tests/rules/generated.py [IGNORED]"""
import subprocess
import sys
from pathlib import Path

root = Path(__file__).resolve().parents[2]


def main():
    generators = sorted((root / "kernels/generate").glob("*.py"))
    if not generators:
        print("kernels/generate: no generator: looked wrongly?")
    failed = [g for g in generators if subprocess.run([sys.executable, g, "--check"], check=False).returncode]
    return 1 if failed or not generators else 0


sys.exit(main())
