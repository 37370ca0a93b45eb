#!/usr/bin/env python3
"""Writes kernels/lane/products.h, gains.h and pairs.h: products of small matrices as straight text, each from the pattern of its factors, so that what is known to
be 0 costs nothing and what is known to be 1 no multiplication. A compiler can't leave out a product with 0 by itself (it might be that of
an infinity), and leaves loops over half a matrix as loops, with an index to be computed at every element.

  kernels/generate/products.py            writes them
  kernels/generate/products.py --check    exit status 1 where one in the tree differs

Patterns, by rows: 0, 1, x (a value). Sums run in the order of the inner index, the first term a product, the others fused."""
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
WIDTH = 130
FULL3 = ["xxx"] * 3
CORIOLIS = ["0x0", "x00", "000"]  # about the earth's axis

# Position and velocity rows of each transition matrix (docs/maths.md M6); the rows of extra states hold `keep` on the diagonal.
TRANSITIONS = {
    6: ["xxxxxx"] * 6,
    7: ["xxxxxxx"] * 6,
    9: ["xxxxxxxx0", "xxxxxxxx0", "xxxxxx00x", "xxxxxxxxx", "xxxxxxxxx", "xxxxxxxxx"],
}
STATES = sorted(TRANSITIONS)
PAIR = 6  # states of a pair of covariances
# Products of 3 x 3 and 3 x n: name, pattern of a, pattern of b, and whether the result is known to be symmetric ("symmetric"), is added to
# what is there ("add") or neither.
PRODUCTS = [
    ("full", FULL3, FULL3, ""),
    ("square", FULL3, FULL3, "symmetric"),
    ("coriolis", CORIOLIS, FULL3, ""),
    ("coriolis_twice", CORIOLIS, CORIOLIS, ""),
    ("seven", FULL3, ["x" * 7] * 3, "add"),
]


def packed(n, i, j):
    i, j = min(i, j), max(i, j)
    return i * n - i * (i - 1) // 2 + j - i


def lines(statements):
    """Statements, as many to a line as it takes."""
    line = ""
    for statement in statements:
        if line and len(line) + 1 + len(statement) > WIDTH:
            yield "  " + line
            line = ""
        line += (" " if line else "") + statement
    if line:
        yield "  " + line


def term(sum_name, a, a_is, b, b_is, started, declare="lane "):
    """The statement that adds a b, or None where it is known to be 0."""
    if a_is == "0" or b_is == "0":
        return None
    one = b if a_is == "1" else a if b_is == "1" else None
    if not started:
        return "%s%s = %s;" % (declare, sum_name, one or "%s * %s" % (a, b))
    if one:
        return "%s = %s + %s;" % (sum_name, sum_name, one)
    return "%s = lane_fma(%s, %s, %s);" % (sum_name, a, b, sum_name)


def function(comment, head, statements):
    return ["", *(["/* %s */" % comment] if comment else []), "WK_INLINE void %s {" % head, *lines(statements), "}"]


def product(name, a, b, way):
    """c = a b, all by rows."""
    symmetric, add = way == "symmetric", way == "add"
    inner, columns = len(b), len(b[0])
    statements, zeros = [], []
    for i, row in enumerate(a):
        wanted = [j for j in range(columns) if not symmetric or j >= i]
        started = set(wanted) if add else set()
        if add:
            statements += ["lane c%d%d = c[%d];" % (i, j, i * columns + j) for j in wanted]
        for k in range(inner):
            for j in wanted:
                text = term("c%d%d" % (i, j), "a[%d]" % (i * inner + k), row[k], "b[%d]" % (k * columns + j), b[k][j], j in started)
                if text:
                    statements.append(text)
                    started.add(j)
        for j in wanted:
            if j in started:
                statements.append("c[%d] = c%d%d;" % (i * columns + j, i, j))
                if symmetric and j > i:
                    statements.append("c[%d] = c%d%d;" % (j * columns + i, i, j))
            else:
                zeros.append("c[%d] = lane_all(0.0);" % (i * columns + j))
    shape = "%s times %s%s" % ("/".join(a), "/".join(b), ", symmetric" if symmetric else "")
    head = "product_%s%s(const lane *a, const lane *b, lane *c)" % (name, "_add" if add else "")
    return function("c %s a b: %s." % ("+=" if add else "=", shape), head, statements + zeros)


def carry_row(n, i, pattern):
    """Row i of f p f': the row of f p stays in registers."""
    statements, started = [], set()
    for k in range(n):
        if pattern[i][k] == "0":
            continue
        statements.append("const lane f%d = f[%d];" % (k, i * n + k))
        for j in range(n):
            text = term("t%d" % j, "f%d" % k, pattern[i][k], "p[%d * apart]" % packed(n, k, j), "x", j in started)
            statements.append(text)
            started.add(j)
    started = set()
    for k in range(n):
        for j in range(i, 6):
            text = term("s%d" % j, "t%d" % k, "x", "f[%d]" % (j * n + k), pattern[j][k], j in started)
            if text:
                statements.append(text)
                started.add(j)
    statements += ["out[%d] = s%d;" % (packed(n, i, j), j) for j in range(i, 6)]
    statements += ["out[%d] = t%d * keep;" % (packed(n, i, j), j) for j in range(6, n)]
    keep = ", lane keep" if n > 6 else ""
    return function("", "carry_%d_row_%d(const lane *f%s, const lane *p, int apart, lane *out)" % (n, i, keep), statements)


def carry(n, pattern):
    """out = F p F', F the six rows f and then keep on the diagonal."""
    text = []
    for i in range(6):
        text += carry_row(n, i, pattern)
    keep, by = (", lane keep", ", keep") if n > 6 else ("", "")
    statements = ["carry_%d_row_%d(f%s, p, apart, out);" % (n, i, by) for i in range(6)]
    if n > 6:
        statements.append("const lane keep2 = keep * keep;")
        statements += ["out[%d] = p[%d * apart] * keep2;" % (packed(n, i, j), packed(n, i, j)) for i in range(6, n) for j in range(i, n)]
    comment = "out = F p F', packed, of %d states, the elements of p `apart` from each other; F has the rows f (%s)%s." % (
        n, "/".join(pattern), " and keep on the rest of its diagonal" if n > 6 else "")
    return text + function(comment, "carry_%d(const lane *f%s, const lane *p, int apart, lane *out)" % (n, keep), statements)


def gain(n, columns):
    """ph = p row', where the row touches the first `columns` states."""
    statements, started = [], set()
    for b in range(columns):
        statements.append("const lane r%d = row[%d];" % (b, b))
        for a in range(n):
            statements.append(term("h%d" % a, "p[%d * apart]" % packed(n, a, b), "x", "r%d" % b, "x", a in started))
            started.add(a)
    statements += ["ph[%d] = h%d;" % (a, a) for a in range(n)]
    comment = "ph = p row' of %d states, the elements of p `apart` from each other; the row is %s." % (n, "x" * columns + "0" * (n - columns))
    return function(comment, "gain_%d_%d(const lane *p, int apart, const lane *row, lane *ph)" % (n, columns), statements)


def downdate(n, components):
    """Each element of p once, whatever the number of components."""
    statements = []
    for a in range(n):
        statements += ["const lane g%d_%d = w[%d] * inverse[%d];" % (c, a, c * STATES[-1] + a, c) for c in range(components)]
        for b in range(a, n):
            at = packed(n, a, b)
            fused = "p[%d * apart]" % at
            for c in range(components):
                fused = "lane_fnma(g%d_%d, w[%d], %s)" % (c, a, c * STATES[-1] + b, fused)
            statements.append("p[%d * apart] = %s;" % (at, fused))
    return function("p -= sum of w w' inverse over %d components, of %d states, elements of p `apart`, rows of w %d from each other." % (components, n, STATES[-1]),
                    "downdate_%d_%d(lane *p, int apart, const lane *w, const lane *inverse)" % (n, components), statements)


def pivot(n, j):
    """Row j of S = L D L', by its outer product: the rest of S less it, the row then that of L'."""
    statements = ["const lane l%d = s[%d] * inverse;" % (i, packed(n, j, i)) for i in range(j + 1, n)]
    for i in range(j + 1, n):
        statements += ["s[%d] = lane_fnma(l%d, s[%d], s[%d]);" % (packed(n, i, k), i, packed(n, j, k), packed(n, i, k))
                       for k in range(i, n)]
    statements += ["s[%d] = l%d;" % (packed(n, j, i), i) for i in range(j + 1, n)]
    return function("", "pivot_%d_%d(lane *s, lane inverse)" % (n, j), statements)


def forward(n):
    statements = []
    for j in range(n):
        statements += ["x[%d] = lane_fnma(l[%d], x[%d], x[%d]);" % (i, packed(n, j, i), j, i) for i in range(j + 1, n)]
    return function("x := L^-1 x, the rows of L' as pivot_%d_* leave them." % n, "forward_%d(const lane *l, lane *x)" % n, statements)


def lower(i, k):
    """Where element i, k below the diagonal is, the rows of the transpose being packed."""
    return packed(PAIR, k, i)


def turned(i, k):
    """The same of a matrix that counts its rows and columns from the last one."""
    return packed(PAIR, PAIR - 1 - i, PAIR - 1 - k)


def ratio(name, at, comment):
    """q = l^-1 m of matrices below a diagonal of ones, column by column downwards."""
    below = [(i, j) for i in range(PAIR) for j in range(i)]
    statements = ["lane q%d%d = m[%d] - l[%d];" % (i, j, at(i, j), lower(i, j)) for i, j in below]
    for k in range(PAIR):
        statements += ["q%d%d = lane_fnma(l[%d], q%d%d, q%d%d);" % (i, j, lower(i, k), k, j, i, j) for i, j in below if j < k < i]
    statements += ["q[%d] = q%d%d;" % (lower(i, j), i, j) for i, j in below]
    return function(comment, "%s(const lane *l, const lane *m, lane *q)" % name, statements)


def gram():
    """q' diag(inverse) q, counted from the last row and column on."""
    statements = []
    for k in range(PAIR):
        scaled = {j: "inverse[%d]" % k if j == k else "z%d%d" % (k, j) for j in range(k + 1)}
        statements += ["const lane z%d%d = q[%d] * inverse[%d];" % (k, j, lower(k, j), k) for j in range(k)]
        for i in range(k + 1):
            for j in range(i, k + 1):
                name = "g%d%d" % (i, j)
                if j == k:
                    statements.append("lane %s = %s;" % (name, scaled[i]))
                else:
                    statements.append("%s = lane_fma(q[%d], %s, %s);" % (name, lower(k, i), scaled[j], name))
    statements += ["g[%d] = g%d%d;" % (turned(i, j), i, j) for i in range(PAIR) for j in range(i, PAIR)]
    return function("g = q' diag(inverse) q, q below a diagonal of ones; g counts its rows and columns from the last one.",
                    "gram_turned_6(const lane *q, const lane *inverse, lane *g)", statements)


def reduce():
    """l^-1 d l^-T of a symmetric d: from the left down its columns, its upper half alone; then row by row from the right."""
    statements = []
    for k in range(PAIR):
        statements += ["d[%d] = lane_fnma(l[%d], d[%d], d[%d]);" % (packed(PAIR, i, j), lower(i, k), packed(PAIR, k, j), packed(PAIR, i, j))
                       for i in range(k + 1, PAIR) for j in range(i, PAIR)]
    for i in range(PAIR):
        statements += ["d[%d] = lane_fnma(l[%d], d[%d], d[%d]);" % (packed(PAIR, i, j), lower(j, k), packed(PAIR, i, k), packed(PAIR, i, j))
                       for j in range(i, PAIR) for k in range(j)]
    return function("d := l^-1 d l^-T of a symmetric d, l below a diagonal of ones.", "reduce_6(const lane *l, lane *d)", statements)


def commuting():
    statements = []
    for i in range(PAIR):
        for k in range(PAIR):
            statements += [term("c%d%d" % (i, j), "a[%d]" % packed(PAIR, i, k), "x", "b[%d]" % packed(PAIR, k, j), "x", k > 0) for j in range(i, PAIR)]
        statements += ["c[%d] = c%d%d;" % (packed(PAIR, i, j), i, j) for j in range(i, PAIR)]
    return function("c = a b of symmetric matrices that commute.", "commuting_6(const lane *a, const lane *b, lane *c)", statements)


def trace():
    """Three sums side by side, of which the last two count twice."""
    statements = []
    for i in range(PAIR):
        statements.append(term("diagonal", "a[%d]" % packed(PAIR, i, i), "x", "b[%d]" % packed(PAIR, i, i), "x", i > 0))
    started = set()
    for at, (i, j) in enumerate((i, j) for i in range(PAIR) for j in range(i + 1, PAIR)):
        name = "beside%d" % (at % 2)
        statements.append(term(name, "a[%d]" % packed(PAIR, i, j), "x", "b[%d]" % packed(PAIR, i, j), "x", name in started))
        started.add(name)
    statements += ["const lane beside = beside0 + beside1;", "*sum = diagonal + (beside + beside);"]
    return function("The trace of a b, both symmetric.", "trace_6(const lane *a, const lane *b, lane *sum)", statements)


def across():
    statements = ["x[%d] = lane_fma(q[%d], x[%d], x[%d]);" % (j, lower(k, j), k, j) for j in range(PAIR) for k in range(j + 1, PAIR)]
    return function("x := q' x, q below a diagonal of ones.", "across_6(const lane *q, lane *x)", statements)


def pairs():
    text = ratio("ratio_6", lower, "q = l^-1 m, all below diagonals of ones, as rows of their transposes (pivot_6_*).")
    text += ratio("ratio_turned_6", turned, "The same; m is the transpose of such a matrix and counts its rows and columns from the last one.")
    text += gram() + reduce() + commuting() + trace() + across()
    return framed("Products that two covariances of six states make with each other.", "WK_PAIRS_H", text)


def framed(about, guard, text):
    return "\n".join(["/* %s Written by kernels/generate/products.py: change that, not this. */" % about, "#ifndef " + guard, "#define " + guard, "",
                      '#include "kernels/lane/lane.h"', *text, "", "#endif", ""])


def products():
    text = []
    for name, a, b, way in PRODUCTS:
        text += product(name, a, b, way)
    for n, pattern in TRANSITIONS.items():
        text += carry(n, pattern)
    text += ["", "/* S = L D L' of six states, row by row: what is left of S less the row's outer product, 1 / D by hand; the row then that of L'. */"]
    for j in range(5):
        text += pivot(6, j)[1 if j == 0 else 0:]
    text += forward(6)
    return framed("Products of small matrices, packed where symmetric.", "WK_PRODUCTS_H", text)


def gains():
    text = []
    for n in TRANSITIONS:
        text += gain(n, 3) + gain(n, 6)
        for components in range(2, 5):
            text += downdate(n, components)
    return framed("What an update needs of a covariance, packed: its products with a measurement's rows, and what the gain takes from it.", "WK_GAINS_H", text)


TARGETS = {"kernels/lane/products.h": products, "kernels/lane/gains.h": gains, "kernels/lane/pairs.h": pairs}


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    other = 0
    for target, text in TARGETS.items():
        path = TREE / target
        if not sys.argv[1:]:
            path.write_text(text())
            continue
        same = path.exists() and path.read_text() == text()
        other += not same
        print("%s: %s" % (target, "as generated" if same else "not what kernels/generate/products.py writes: run it"))
    return 1 if other else 0


sys.exit(main())
