"""Where the samples of a perf recording of `weft` fell, by stage: a stage is a static library of the build."""
import re
import subprocess

STAGES = ("kernels", "track", "ingest", "warn", "emit", "journal", "platform", "domain", "base")


def symbols(build):
    """Function name -> stage, from the static libraries."""
    stage_of = {}
    for stage in STAGES:
        library = build / ("libweft_%s.a" % stage)
        out = subprocess.run(["nm", library], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        for line in out.splitlines():
            part = line.split()
            if len(part) == 3 and part[1] in "tT":
                stage_of.setdefault(part[2], stage)
    return stage_of


def stage_shares(build, data):
    """Stage -> part of the samples, largest first; {} where perf says nothing."""
    report = subprocess.run(["perf", "report", "-i", data, "--stdio", "--sort", "dso,symbol", "-F", "overhead,dso,sym", "-g", "none"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if report.returncode:
        return {}
    stage_of, share = symbols(build), {}
    for line in report.stdout.splitlines():
        match = re.match(r"\s*([\d.]+)%\s+(\S+)\s+\[(.)\]\s+(\S+)", line)
        if match:
            percent, dso, ring, symbol = match.groups()
            symbol = re.sub(r"\.(part|isra|constprop|cold).*", "", symbol)
            stage = "operating system" if ring == "k" else stage_of.get(symbol, "composition") if dso == "weft" else "libraries"
            share[stage] = share.get(stage, 0.0) + float(percent) / 100
    return dict(sorted(share.items(), key=lambda item: -item[1]))
