#!/usr/bin/env python3
"""Writes kernels/lane/air_cells.h: the density of the air (docs/maths.md E12, E13) as a cubic in each half kilometre of height, for bodies
on their way to the ground, which ask for it hundreds of times. Decimal arithmetic gives the same digits on every machine.

  kernels/generate/air.py            prints the file
  kernels/generate/air.py --check    exit status 1 where the one in the tree differs"""
import sys
from decimal import Decimal, getcontext
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
TARGET = "kernels/lane/air_cells.h"
FIRST_M, CELL_M, CELLS = -1000, 500, 264
getcontext().prec = 40

# US Standard Atmosphere 1976 to 86 km: base (geopotential m) and lapse (K/m) of its layers; then the fit of E13 as lane_earth.h has it.
RADIUS, SLOPE = Decimal(6356766), Decimal("9.80665") * Decimal("28.9644") / Decimal("8314.32")
LAYERS = [(0, "-0.0065"), (11000, "0"), (20000, "0.001"), (32000, "0.0028"), (47000, "0"), (51000, "-0.0028"), (71000, "-0.002")]
GROUND_KELVIN, GROUND_PASCAL = Decimal("288.15"), Decimal(101325)
GAS = Decimal("8314.32") / Decimal("28.9644")  # J/(kg K)
HIGH = [(86000, 24000, ["-0x1.7c05462993bb0p+3", "-0x1.1141205bc0125p+2", "0x1.e50d76f001d88p-3", "-0x1.36c84c02eda58p+0",
                        "0x1.a856b0edd74bap-1", "0x1.1fe0b3a7b625dp+0", "-0x1.f51b61b9e9e21p-1"]),
        (110000, 90000, ["-0x1.025d6f49edeb1p+4", "-0x1.0659650eb5211p+4", "0x1.10321169640bcp+5", "-0x1.deb42a904fe5fp+5",
                         "0x1.0ae4cd675a862p+6", "-0x1.4636b076ade65p+5", "0x1.4a22b2d28a03dp+3"])]


def bases():
    """Of each layer: base, temperature and ln density there, lapse."""
    kelvin, log_density, rows = GROUND_KELVIN, (GROUND_PASCAL / (GAS * GROUND_KELVIN)).ln(), []
    for i, (base, lapse) in enumerate(LAYERS):
        rows.append((Decimal(base), kelvin, log_density, Decimal(lapse)))
        if i + 1 < len(LAYERS):
            rise = LAYERS[i + 1][0] - Decimal(base)
            log_density += low_change(rows[-1], rise)[0]
            kelvin += Decimal(lapse) * rise
    return rows


def low_change(row, rise):
    """ln density above that of the layer's base, and its slope, by geopotential height."""
    kelvin, lapse = row[1], row[3]
    if lapse == 0:
        return -SLOPE * rise / kelvin, -SLOPE / kelvin
    return -(1 + SLOPE / lapse) * (1 + lapse * rise / kelvin).ln(), -(lapse + SLOPE) / (kelvin + lapse * rise)


BASES = bases()


def density(height_m, high):
    """kg/m^3 and its slope by height; `high`: by E13, at 86 km and above."""
    h = Decimal(height_m)
    if high:
        start, width, terms = next(row for row in reversed(HIGH) if h >= row[0])
        t, log_density, slope = (h - start) / width, Decimal(0), Decimal(0)
        for term in reversed(terms):
            slope = slope * t + log_density
            log_density = log_density * t + Decimal(float.fromhex(term))
        return log_density.exp(), log_density.exp() * slope / width
    shrink = RADIUS / (RADIUS + h)
    row = next((row for row in reversed(BASES) if h * shrink >= row[0]), BASES[0])
    change, slope = low_change(row, h * shrink - row[0])
    value = (row[2] + change).exp()
    return value, value * slope * shrink * shrink


def cell(i):
    """Powers of the height within the cell, 0 to 1: values and slopes at both ends are right."""
    from_m = FIRST_M + i * CELL_M
    high = from_m >= HIGH[0][0]
    (a, da), (b, db) = density(from_m, high), density(from_m + CELL_M, high)
    da, db = da * CELL_M, db * CELL_M
    return [a, da, 3 * (b - a) - 2 * da - db, 2 * (a - b) + da + db]


def text():
    yield "/* Density of the air in cells of height. Written by kernels/generate/air.py; do not edit. */"
    yield "#ifndef WK_AIR_CELLS_H"
    yield "#define WK_AIR_CELLS_H"
    yield ""
    yield "#define AIR_FIRST_M (%d.0)" % FIRST_M
    yield "#define AIR_CELL_M %d.0" % CELL_M
    yield "enum { AIR_CELLS = %d };" % CELLS
    yield ""
    yield "/* kg/m^3 = c[0] + c[1] u + c[2] u^2 + c[3] u^3, u from 0 to 1 in the cell (docs/maths.md E15). */"
    yield "static const double air_cell[AIR_CELLS][4] = {"
    for i in range(CELLS):
        yield "    {%s}%s" % (", ".join(float(c).hex() for c in cell(i)), "};" if i + 1 == CELLS else ",")
    yield ""
    yield "#endif"


def main():
    wanted = "\n".join(text()) + "\n"
    if sys.argv[1:] and sys.argv[1:] != ["--check"]:
        sys.exit(__doc__)
    if not sys.argv[1:]:
        sys.stdout.write(wanted)
        return 0
    same = (TREE / TARGET).read_text() == wanted
    print("%s: %s" % (TARGET, "as generated" if same else "not what kernels/generate/air.py writes: run it > " + TARGET))
    return 0 if same else 1


sys.exit(main())
