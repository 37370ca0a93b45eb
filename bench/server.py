"""What benches share that run `weft run`: the server with its pages, scenarios made for it."""
import atexit
import json
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def scenario(weft, folder, name, aircraft=1000):
    """Recording and site of a scenario, the background with so many aircraft."""
    for source in (ROOT / "tools/scenarios").glob("*.yaml"):
        shutil.copy(source, folder)
    background = folder / "aircraft1000.yaml"
    background.write_text(re.sub(r"count: *1000", "count: %d" % aircraft, background.read_text()))
    csv, site = folder / (name + ".csv"), folder / (name + ".site.yaml")
    subprocess.run([weft, "salvo", folder / (name + ".yaml"), "--csv", csv, "--truth", folder / "truth.csv", "--site", site, "--speed", "max"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return csv, site


class Server:
    """weft run with one worker, until stop()."""

    def __init__(self, build, site, *more):
        self.process = subprocess.Popen([build / "weft", "run", "--config", site, "--workers", "1", *map(str, more)], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        atexit.register(self.process.kill)  # a bench that ends with an error leaves none behind; nothing where it has ended
        ready = self.process.stdout.readline()
        self.port, self.pages = (re.search(name + r"=\w+:[\d.]+:(\d+)", ready).group(1) for name in ("detections", "metrics"))

    def page(self):
        with urllib.request.urlopen("http://127.0.0.1:%s/metrics" % self.pages, timeout=10) as answer:
            return answer.read().decode()

    def settled(self):
        """Waits until everything that came was emitted; the page then."""
        before = None
        while True:
            text = self.page()
            received = sum(float(line.split()[-1]) for line in text.splitlines() if re.match(r'weft_detections_total\{.*fate="received"', line))
            if re.search(r"^weft_ring_used 0$", text, re.M) and received == before:
                return text
            before = received
            time.sleep(0.02)

    def stop(self):
        """The ledger."""
        self.process.send_signal(signal.SIGTERM)
        out = self.process.stdout.read()
        if self.process.wait():
            raise SystemExit("weft run ended with %d" % self.process.returncode)
        return json.loads(next(line for line in out.splitlines() if line.startswith('{"ledger"')))["ledger"]


def value(text, name):
    """A sample of a page of metrics, by its name with labels."""
    return float(re.search(r"^%s (\S+)$" % re.escape(name), text, re.M).group(1))


def latency_ms(text, stage, quantile):
    return 1e3 * value(text, 'weft_latency_stage_seconds{stage="%s",quantile="%s"}' % (stage, quantile))
