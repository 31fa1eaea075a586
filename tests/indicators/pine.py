"""Pine's functions in plain loops: na is NaN, a comparison with na is false, means skip na.

Written from the text of algorithms.md, sections 1 to 8, apart from the product's operators.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from folkmoot.core.bars import Floats

NA = math.nan
Series = list[float]
Event = list[bool]


def change(x: Series) -> Series:
    return [NA, *(b - a for a, b in pairwise(x))]


def smoothed(x: Series, n: int, step: Callable[[float, float], float]) -> Series:
    """A recursion begun with the mean of the first n known values; na in, na out."""
    y, seen, out = NA, [], []
    for value in x:
        if math.isnan(value):
            out.append(NA)
            continue
        if len(seen) < n:
            seen.append(value)
            y = sum(seen) / n if len(seen) == n else NA
        else:
            y = step(y, value)
        out.append(y)
    return out


def ema(x: Series, n: int) -> Series:
    return smoothed(x, n, lambda y, v: y + 2.0 / (n + 1.0) * (v - y))


def rma(x: Series, n: int) -> Series:
    return smoothed(x, n, lambda y, v: (y * (n - 1) + v) / n)


def sma(x: Series, n: int) -> Series:
    """The mean of the last n known values."""
    seen: Series = []
    out: Series = []
    for value in x:
        seen += [] if math.isnan(value) else [value]
        out.append(sum(seen[-n:]) / n if len(seen) >= n else NA)
    return out


def extreme(x: Series, n: int, choose: Callable[[Series], float]) -> Series:
    windows = (x[max(t - n + 1, 0) : t + 1] for t in range(len(x)))
    return [NA if len(w) < n or any(map(math.isnan, w)) else choose(w) for w in windows]


def lowest(x: Series, n: int) -> Series:
    return extreme(x, n, min)


def highest(x: Series, n: int) -> Series:
    return extreme(x, n, max)


def rsi(x: Series, n: int) -> Series:
    moves = change(x)
    up = rma([NA if math.isnan(d) else max(d, 0.0) for d in moves], n)
    down = rma([NA if math.isnan(d) else max(-d, 0.0) for d in moves], n)
    return [
        100.0 if d == 0.0 else 0.0 if u == 0.0 else 100.0 - 100.0 / (1.0 + u / d)
        for u, d in zip(up, down, strict=True)
    ]


def crossover(a: Series, b: Series) -> Event:
    rows = range(len(a))
    return [t > 0 and a[t] > b[t] and a[t - 1] <= b[t - 1] for t in rows]


def cross(a: Series, b: Series) -> Event:
    return [up or down for up, down in zip(crossover(a, b), crossover(b, a), strict=True)]


def valuewhen(event: Event, x: Series) -> Series:
    """x on the latest bar of the event, that bar included."""
    last, out = NA, []
    for holds, value in zip(event, x, strict=True):
        last = value if holds else last
        out.append(last)
    return out


def offset(x: Series, k: int) -> Series:
    """x[k] on every bar."""
    return [NA] * k + x[: len(x) - k]


def wavetrend(source: Series, n1: int, n2: int, n3: int) -> tuple[Series, Series]:
    esa = ema(source, n1)
    spread = ema([abs(x - m) for x, m in zip(source, esa, strict=True)], n1)
    ci = [
        NA if d == 0.0 else (x - m) / (0.015 * d)
        for x, m, d in zip(source, esa, spread, strict=True)
    ]
    wt1 = ema(ci, n2)
    return wt1, sma(wt1, n3)


def stochastic_rsi(source: Series, n: int, window: int, fixed: bool) -> tuple[Series, Series]:
    strength = rsi(source, n)
    floor, ceiling = lowest(strength, window), highest(strength, window)
    place, last = [], NA
    for r, low, high in zip(strength, floor, ceiling, strict=True):
        if high == low:
            place.append(last if fixed else NA)
            continue
        last = 100.0 * ((r - low) / (high - low))
        place.append(last)
    k = sma(place, 3)
    return k, sma(k, 3)


def schaff(source: Series, length: int, fast: int, slow: int, factor: float) -> Series:
    macd = [a - b for a, b in zip(ema(source, fast), ema(source, slow), strict=True)]
    return _cycle(_cycle(macd, length, factor), length, factor)


def _cycle(x: Series, length: int, factor: float) -> Series:
    alpha, top = lowest(x, length), highest(x, length)
    gamma = delta = NA
    out = []
    for value, low, high in zip(x, alpha, top, strict=True):
        if math.isnan(low):
            out.append(NA)
            continue
        beta = high - low
        gamma = (value - low) / beta * 100.0 if beta > 0.0 else gamma
        delta = gamma if math.isnan(delta) else delta + factor * (gamma - delta)
        out.append(delta)
    return out


def money_flow(bars: dict[str, Series], n: int, multiplier: float, fixed: bool) -> Series:
    rows = zip(bars["open"], bars["high"], bars["low"], bars["close"], strict=True)
    empty = 0.0 if fixed else NA
    return sma([empty if h == b else (c - o) / (h - b) * multiplier for o, h, b, c in rows], n)


def beyond(pivot: float, other: float) -> int:
    """1 if the pivot is above the other by more than rounding, -1 if below, else or at na 0."""
    tie = 1e-10 * max(1.0, abs(pivot))
    return int(pivot - other > tie) - int(other - pivot > tie)


def find_divergences(
    source: Series,
    high: Series,
    low: Series,
    limits: tuple[float, float],
    zero_counts: bool = False,
) -> dict[str, list]:
    """Fractals of the source, and the four disagreements with the fractal before.

    Pine takes a fractal of value 0.0 for false. Values that differ by less than 1e-10, relative
    to the pivot or to 1, tie: PyneCore's rule for comparisons.
    """
    rows = range(len(source))
    tops, bottoms = [False] * len(source), [False] * len(source)
    for t in rows[4:]:
        s4, s3, s2, s1, s0 = source[t - 4 : t + 1]
        sides = {beyond(s2, s) for s in (s4, s3, s1, s0)}
        top, bottom = sides == {1}, sides == {-1}
        counts = zero_counts or abs(s2) > 1e-10
        tops[t] = top and s2 >= limits[0] and counts
        bottoms[t] = bottom and s2 <= limits[1] and counts
    s2, high2, low2 = offset(source, 2), offset(high, 2), offset(low, 2)
    x_top, p_top = (offset(valuewhen(tops, y), 2) for y in (s2, high2))
    x_low, p_low = (offset(valuewhen(bottoms, y), 2) for y in (s2, low2))
    of_top, of_low = ([beyond(a, b) for a, b in zip(s2, x, strict=True)] for x in (x_top, x_low))
    return {
        "bear": [tops[t] and high2[t] > p_top[t] and of_top[t] < 0 for t in rows],
        "bull": [bottoms[t] and low2[t] < p_low[t] and of_low[t] > 0 for t in rows],
        "bear_hidden": [tops[t] and high2[t] < p_top[t] and of_top[t] > 0 for t in rows],
        "bull_hidden": [bottoms[t] and low2[t] > p_low[t] and of_low[t] < 0 for t in rows],
        "low_before": x_low,
        "bottoms": bottoms,
    }


def ages(event: Event, oldest: float = 200.0) -> Floats:
    """Bars since the event, NaN before the first."""
    last, out = NA, []
    for t, holds in enumerate(event):
        last = t if holds else last
        out.append(min(t - last, oldest))
    return np.array(out)
