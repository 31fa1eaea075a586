"""Map a member's logit to a probability: Platt's sigmoid, or isotonic regression.

1. Platt (1999): minimise the log loss of sigmoid(a x + b) against the targets
   (n+ + 1) / (n+ + 2) and 1 / (n- + 2); Newton's method on the standardised logit, started at the
   last fit. A member whose logit hardly moves has no slope to fit: a = 1 and only b is.
2. Isotonic: pool adjacent violators over groups of equal x, linear between the blocks, clipped to
   [1 / (n + 2), 1 - 1 / (n + 2)].
3. From `ISOTONIC_ROWS` rows on, isotonic is chosen if it beats Platt in log loss on the latest
   quarter of the rows, both fitted on the rows before it.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.committee.scale import loss, sigmoid
from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError

Indices = npt.NDArray[np.int64]

ISOTONIC_ROWS = 5_000
MIN_MOVES = 30
# Squared deviations of the logit below which the slope's standard error exceeds 2: no slope is
# fitted then, since a later block whose logits are larger would be sent to 0 or 1.
MIN_SPREAD = 1.0
_STEPS = 60
_TRUST = 2.0
_CLOSE = 1e-6


@njit(cache=True)
def sigmoid_moments(
    x: Floats, n: int, a: float, b: float
) -> tuple[float, float, float, float, float]:
    """Sum p, p x, w, w x and w x x over n rows, where p = sigmoid(a x + b) and w = p (1 - p)."""
    sp = spx = sw = swx = swxx = 0.0
    for i in range(n):
        u = x[i]
        p = 1.0 / (1.0 + math.exp(-(a * u + b)))
        w = p * (1.0 - p)
        sp += p
        spx += p * u
        sw += w
        swx += w * u
        swxx += w * u * u
    return sp, spx, sw, swx, swxx


@njit(cache=True)
def _bounded(step: float) -> float:
    return min(max(step, -_TRUST), _TRUST)


@njit(cache=True)
def platt_line(
    x: Floats, n: int, sums: Floats, sloped: bool, a: float, b: float
) -> tuple[float, float]:
    """Fit (a, b) of Platt's sigmoid on `x[:n]`, starting at (a, b).

    `sums` holds sum x, sum x x, sum of x over the rises, and the count of rises. The intercept
    alone is fitted, at a = 1, where not `sloped` or where x is constant.
    """
    ups, downs = sums[3], n - sums[3]
    high, low = (ups + 1.0) / (ups + 2.0), 1.0 / (downs + 2.0)
    wanted = high * ups + low * downs
    wanted_x = high * sums[2] + low * (sums[0] - sums[2])
    centre = sums[0] / n
    spread = math.sqrt(max(sums[1] / n - centre * centre, 0.0))
    if not sloped or spread <= 1e-6 * max(1.0, abs(centre)):
        return 1.0, _intercept(x, n, wanted, b)
    slope, level = a * spread, b + a * centre
    for _ in range(_STEPS):
        step_slope, step_level = _step(x, n, wanted, wanted_x, centre, spread, slope, level)
        slope -= _bounded(step_slope)
        level -= _bounded(step_level)
        if abs(step_slope) + abs(step_level) < _CLOSE:
            break
    return slope / spread, level - slope / spread * centre


@njit(cache=True)
def _step(
    x: Floats,
    n: int,
    wanted: float,
    wanted_x: float,
    centre: float,
    spread: float,
    slope: float,
    level: float,
) -> tuple[float, float]:
    """Return Newton's step for the line slope (x - centre) / spread + level."""
    line = slope / spread
    sp, spx, sw, swx, swxx = sigmoid_moments(x, n, line, level - line * centre)
    g_level = sp - wanted
    g_slope = (spx - wanted_x - centre * g_level) / spread
    h_cross = (swx - centre * sw) / spread
    h_slope = (swxx - 2.0 * centre * swx + centre * centre * sw) / (spread * spread)
    determinant = h_slope * sw - h_cross * h_cross
    if determinant <= 1e-300:
        return 0.0, g_level / max(sw, 1e-300)
    return (
        (sw * g_slope - h_cross * g_level) / determinant,
        (h_slope * g_level - h_cross * g_slope) / determinant,
    )


@njit(cache=True)
def _intercept(x: Floats, n: int, wanted: float, b: float) -> float:
    for _ in range(_STEPS):
        sp, _spx, sw, _swx, _swxx = sigmoid_moments(x, n, 1.0, b)
        step = (sp - wanted) / max(sw, 1e-300)
        b -= _bounded(step)
        if abs(step) < _CLOSE:
            break
    return b


@njit(cache=True)
def _sorted_span(x: Floats, start: int, stop: int) -> Indices:
    """Return start..stop-1 in stable order of x, by merging runs of doubling length."""
    n, width = stop - start, 1
    here, there = np.arange(start, stop), np.empty(n, np.int64)
    while width < n:
        for left in range(0, n, 2 * width):
            middle, right = min(left + width, n), min(left + 2 * width, n)
            i, j = left, middle
            for k in range(left, right):
                if j >= right or (i < middle and x[here[i]] <= x[here[j]]):
                    there[k] = here[i]
                    i += 1
                else:
                    there[k] = here[j]
                    j += 1
        here, there = there, here
        width *= 2
    return here


@njit(cache=True)
def extend_order(x: Floats, order: Indices, done: int, n: int) -> None:
    """Make `order[:n]` sort `x[:n]` stably, given that `order[:done]` sorts `x[:done]`."""
    tail = _sorted_span(x, done, n)
    i, j = done - 1, n - done - 1
    for k in range(n - 1, -1, -1):
        if j < 0:
            break
        if i < 0 or x[tail[j]] >= x[order[i]]:
            order[k] = tail[j]
            j -= 1
        else:
            order[k] = order[i]
            i -= 1


@njit(cache=True)
def pool_violators(
    x: Floats, up: Floats, order: Indices, n: int, limit: int, knot_x: Floats, knot_v: Floats
) -> int:
    """Fit isotonic regression to the rows below `limit`; write its knots, return their count.

    `order[:n]` sorts `x[:n]`; `up` is 1 or 0. Between two knots the fit is linear.
    """
    total, weight = np.empty(n), np.empty(n)
    first, last = np.empty(n), np.empty(n)
    top, j, used = 0, 0, 0.0
    while j < n:
        here = x[order[j]]
        s = w = 0.0
        while j < n and x[order[j]] == here:
            if order[j] < limit:
                s += up[order[j]]
                w += 1.0
            j += 1
        if w == 0.0:
            continue
        used += w
        total[top], weight[top], first[top], last[top] = s, w, here, here
        while top > 0 and total[top - 1] * weight[top] >= total[top] * weight[top - 1]:
            total[top - 1] += total[top]
            weight[top - 1] += weight[top]
            last[top - 1] = last[top]
            top -= 1
        top += 1
    return int(_knots(total, weight, first, last, top, 1.0 / (used + 2.0), knot_x, knot_v))


@njit(cache=True)
def _knots(
    total: Floats,
    weight: Floats,
    first: Floats,
    last: Floats,
    blocks: int,
    edge: float,
    knot_x: Floats,
    knot_v: Floats,
) -> int:
    count = 0
    for i in range(blocks):
        value = min(max(total[i] / weight[i], edge), 1.0 - edge)
        knot_x[count], knot_v[count] = first[i], value
        count += 1
        if last[i] > first[i]:
            knot_x[count], knot_v[count] = last[i], value
            count += 1
    return count


@njit(cache=True)
def isotonic_at(x: float, knot_x: Floats, knot_v: Floats, count: int) -> float:
    """Return the isotonic probability at `x`; outside the fitted range, that of its end."""
    if x <= knot_x[0]:
        return float(knot_v[0])
    if x >= knot_x[count - 1]:
        return float(knot_v[count - 1])
    low, high = 0, count - 1
    while high - low > 1:
        middle = (low + high) // 2
        if knot_x[middle] <= x:
            low = middle
        else:
            high = middle
    share = (x - knot_x[low]) / (knot_x[high] - knot_x[low])
    return float(knot_v[low] + share * (knot_v[high] - knot_v[low]))


@njit(cache=True)
def isotonic_wins(
    x: Floats,
    up: Floats,
    order: Indices,
    n: int,
    line: tuple[float, float],
    knot_x: Floats,
    knot_v: Floats,
) -> bool:
    """Whether isotonic beats Platt on the latest quarter, both fitted before it.

    `line` is where Newton's method starts; the knots are working space.
    """
    cut = n - n // 4
    sums = np.zeros(4)
    for i in range(cut):
        sums[0] += x[i]
        sums[1] += x[i] * x[i]
        sums[2] += x[i] * up[i]
        sums[3] += up[i]
    a, b = platt_line(x, cut, sums, True, line[0], line[1])
    count = pool_violators(x, up, order, n, cut, knot_x, knot_v)
    gain = 0.0
    for i in range(cut, n):
        gain += loss(sigmoid(a * x[i] + b), up[i])
        gain -= loss(isotonic_at(x[i], knot_x, knot_v, count), up[i])
    return gain > 0.0


def knot_room(rows: int) -> int:
    """Return how many knots isotonic regression of 0 / 1 labels can need at most.

    Blocks have distinct means, so the number of blocks grows as rows ** (2 / 3).
    """
    return int(4.0 * rows ** (2.0 / 3.0)) + 16


@dataclass(frozen=True, slots=True, eq=False)
class Calibrator:
    """A fitted map from logit to probability; `kind` is `platt` or `isotonic`."""

    kind: str
    slope: float = 1.0
    intercept: float = 0.0
    knot_x: Floats | None = None
    knot_v: Floats | None = None

    def __call__(self, x: float) -> float:
        """Return the probability at logit `x`; NaN stays NaN."""
        if math.isnan(x):
            return math.nan
        if self.knot_x is None or self.knot_v is None:
            return float(sigmoid(self.slope * x + self.intercept))
        return float(isotonic_at(x, self.knot_x, self.knot_v, len(self.knot_x)))


def platt(x: Floats, up: Floats) -> Calibrator:
    """Fit Platt's sigmoid to logits `x[n]` and labels `up[n]` of 1 and 0.

    >>> import numpy as np
    >>> fit = platt(np.array([-1.0, 1.0, -1.0, 1.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    >>> round(fit(1.0), 6)
    0.75
    """
    x, up = _checked(x, up)
    sums = np.array([x.sum(), (x * x).sum(), (x * up).sum(), up.sum()])
    a, b = platt_line(x, len(x), sums, True, 0.0, 0.0)
    return Calibrator("platt", float(a), float(b))


def isotonic(x: Floats, up: Floats) -> Calibrator:
    """Fit isotonic regression to logits `x[n]` and labels `up[n]` of 1 and 0."""
    x, up = _checked(x, up)
    order = np.argsort(x, kind="stable")
    knot_x, knot_v = np.empty(knot_room(len(x))), np.empty(knot_room(len(x)))
    count = pool_violators(x, up, order, len(x), len(x), knot_x, knot_v)
    return Calibrator("isotonic", knot_x=knot_x[:count].copy(), knot_v=knot_v[:count].copy())


def calibrate(x: Floats, up: Floats) -> Calibrator:
    """Fit whichever map the number of rows and a held-out quarter speak for.

    Rows are in the order in which their labels became known.
    """
    x, up = _checked(x, up)
    fit = platt(x, up)
    if len(x) < ISOTONIC_ROWS:
        return fit
    order = np.argsort(x, kind="stable")
    room = np.empty(knot_room(len(x))), np.empty(knot_room(len(x)))
    wins = isotonic_wins(x, up, order, len(x), (fit.slope, fit.intercept), *room)
    return isotonic(x, up) if wins else fit


def _checked(x: Floats, up: Floats) -> tuple[Floats, Floats]:
    x, up = np.ascontiguousarray(x, np.float64), np.ascontiguousarray(up, np.float64)
    if x.shape != up.shape or x.ndim != 1 or not len(x):
        raise DataError(
            f"logits {x.shape} and labels {up.shape} do not fit",
            where="calibration",
            allowed="two arrays of one length, at least 1",
        )
    if not (np.isfinite(x).all() and np.isin(up, (0.0, 1.0)).all()):
        raise DataError(
            "a logit is not finite or a label is neither 0 nor 1",
            where="calibration",
            allowed="finite logits, labels 0 and 1",
        )
    return x, up
