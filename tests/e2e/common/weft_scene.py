"""Small scenes for the end-to-end tests: a configuration written out, and one object that crosses it."""
import math
import os
import time

from weft_e2e import POSITION, RADAR, datagram, entry

LISTEN = 'listen: {detections: "127.0.0.1:0", tracks: "127.0.0.1:0", metrics: "127.0.0.1:0"}'
SENSORS = """sensors:
  - {id: 1, name: good, nation: A, kind: position, position: {lat_deg: -45, lon_deg: -125, height_m: 10}, revisit_s: 0.05,
     sigma: {x_m: 20}, clutter_per_scan: 0.1}
  - {id: 2, name: victim, nation: B, kind: radar, position: {lat_deg: -45, lon_deg: -125, height_m: 10}, revisit_s: 1,
     sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001}, clutter_per_scan: 1}
  - {id: 3, name: keyed, nation: B, kind: radar, position: {lat_deg: -45, lon_deg: -125, height_m: 10}, revisit_s: 1,
     sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001}, clutter_per_scan: 1, key: 3.key}
"""


def site_write(folder, head="time: live\n", listen=LISTEN, sensors=SENSORS, name="site.yaml"):
    path = os.path.join(folder, name)
    key = os.path.join(folder, "3.key")
    with open(key, "w") as file:
        file.write("1 " + "ab" * 32 + "\n")
    os.chmod(key, 0o600)
    with open(path, "w") as file:
        file.write(f"centre: E\n{head}{listen}\n{sensors}")
    return path


START = (-2593000.0, -3698000.0, -4490000.0)  # about 45 S 125 W, raised to flying height below
SPEED = (1200.0, -1800.0, 600.0)


def raised():
    size = math.sqrt(sum(x * x for x in START))
    return tuple(x * (1 + 9000.0 / size) for x in START)


class Crosser:
    """Something fast with constant velocity, so that a second or two are enough to know it, which the position sensor 1 sees
    exactly, once in each of its revisits."""

    def __init__(self, time_ns, sensor=1, step_s=0.05):
        self.begin_ns, self.sensor, self.step_ns = time_ns, sensor, int(step_s * 1e9)
        self.sequence, self.last_ns, self.times = 0, 0, []
        self.sent = 0

    def place(self, time_ns):
        after = (time_ns - self.begin_ns) * 1e-9
        return tuple(p + v * after for p, v in zip(raised(), SPEED))

    def live(self):
        """The next one at the real time, a revisit after the last."""
        while time.time_ns() < self.last_ns + self.step_ns:
            time.sleep(0.001)
        return self.next(time.time_ns())

    def next(self, time_ns=None):
        """Its next datagram; `time_ns` where time is live."""
        if time_ns is None:
            time_ns = self.begin_ns + self.sent * self.step_ns
        self.sent += 1
        self.last_ns = time_ns
        self.times.append(time_ns)
        self.sequence += 1
        return datagram(self.sensor, self.sequence, [entry(time_ns, POSITION, (*self.place(time_ns), 0.0))], sent_ns=time_ns)

    def unused(self, lines):
        """Of the detections sent from the first of these track lines on, those without a line."""
        have = {one["time_ns"] for one in lines}
        return [at for at in self.times if at >= lines[0]["time_ns"] and at not in have]
