#!/usr/bin/env python3
"""Sums up a JUnit file of ctest: first line "passed failed skipped", then skips with their reason, then failures."""
import sys
import xml.etree.ElementTree as tree

passed, failed, skipped = 0, [], []
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    output = (case.findtext("system-out") or "").strip()
    status = case.get("status")
    if status == "run":
        passed += 1
    elif status == "fail":
        failed.append((case.get("name"), output))
    else:
        skipped.append((case.get("name"), output))
print(passed, len(failed), len(skipped))
for name, output in skipped:
    print("skipped: %s: %s" % (name, output.splitlines()[-1] if output else "no reason given"))
for name, output in failed:
    print("---- failed: %s" % name)
    print("\n".join(output.splitlines()[-40:]))
for name, _ in failed:
    print("failed: %s" % name)
