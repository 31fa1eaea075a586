"""Synthetic markets whose truth is known, and copies of real bars with a known truth.

1. Draw the size of every move (stochastic volatility, Student t innovations).
2. Walk the bars in order; at each close compute the planted sign from the closes so far.
3. Draw the direction of the next open-to-open move, which agrees with it with probability p.

A label runs from open to open, so the sign is planted on the body of a bar together with the gap
that follows it: that is the move a next-open fill earns.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe

Signs = npt.NDArray[np.int8]

SIGMA = 0.006
"""Standard deviation of a bar's log return."""
FREEDOM = 4.0
"""Degrees of freedom of the innovations."""
PERSISTENCE = 0.98
"""Lag-1 autocorrelation of log volatility."""
SPREAD = 0.35
"""Stationary standard deviation of log volatility."""
FAST_SPAN, SLOW_SPAN = 20, 80
START = 1_577_836_800_000
NONE, SLOW, FAST = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Bars with their truth: `sign[n]` in {-1, 0, 1}, planted for the bar after, known at close.

    A sign of 0 means that nothing is planted for the next bar (or that it is not yet known).
    """

    name: str
    truth: str
    bars: Bars
    sign: Signs


@dataclass(frozen=True, slots=True)
class _Recipe:
    symbol: str
    truth: str
    edge: int
    p: float
    scales: Callable[[np.random.Generator, int], tuple[Floats, Floats]]


def world(name: str, n: int = 36_000, seed: int = 0) -> World:
    """Make `n` hourly bars of the world called `name`, the same for the same seed.

    Source: proof.md section 6. Raises `UsageError`, listing the names, for an unknown one.

    >>> world("planted", 500).bars.symbol
    'WORLD/B'
    """
    if name not in RECIPES:
        raise UsageError(f"no world is called {name!r}", where="world", allowed=list(RECIPES))
    if n < 1:
        raise UsageError(f"a world of {n} bars", where="world", allowed="at least 1 bar")
    recipe = RECIPES[name]
    rng = np.random.default_rng([seed, list(RECIPES).index(name)])
    sigma, size = recipe.scales(rng, n)
    coin = rng.random(n)
    flip, sign = _directions(size, np.zeros(n), coin, recipe.p, recipe.edge)
    body = flip * size
    # The extremes of a Brownian bridge from open to close, sampled exactly.
    above = 0.5 * (body + np.sqrt(body**2 - 2.0 * sigma**2 * np.log1p(-rng.random(n))))
    below = 0.5 * (body - np.sqrt(body**2 - 2.0 * sigma**2 * np.log1p(-rng.random(n))))
    volume = 100.0 * np.exp(0.4 * rng.standard_normal(n) + 0.3 * np.log1p(size / SIGMA))
    timeframe = Timeframe.of("1h")
    times = START + timeframe.ms * np.arange(n, dtype=np.int64)
    prices = _prices(100.0, np.zeros(n), body, above, below)
    bars = Bars(recipe.symbol, timeframe, times, *prices, volume)
    return World(name, recipe.truth, bars, sign)


def sign_randomised(bars: Bars, seed: int) -> Bars:
    """Return a copy of `bars` whose directions are coin tosses and whose sizes are the bars' own.

    The log gap and log body of every bar are multiplied by one random +-1, high and low are
    mirrored about the open, volume, times and extra columns are kept: no skill can be real here.
    """
    rng = np.random.default_rng([seed, 0x5167])
    flip: Floats = np.where(rng.random(len(bars)) < 0.5, 1.0, -1.0)
    gap, body, above, below = _shape(bars)
    return _copy(bars, flip * gap, flip * body, *_mirror(flip, above, below))


def plant(bars: Bars, seed: int, p: float = 0.55, fast: bool = False) -> World:
    """Return a sign-randomised copy of `bars` in which the next move has sign s with chance `p`.

    s is the sign of EMA20 - EMA80 of the copy's own log close, or with `fast` +1 if the last two
    returns had the same sign and -1 if not: computed causally while the copy is built. The sign is
    shared by a bar's body and the gap after it, so `label(t, 1)` carries the whole edge.
    """
    if not 0.0 <= p <= 1.0:
        raise UsageError(f"p is {p}", where="plant", allowed="a probability from 0 to 1")
    rng = np.random.default_rng([seed, 0x9147])
    gap, body, above, below = _shape(bars)
    after = np.append(gap[1:], 0.0)
    flip, sign = _directions(body, after, rng.random(len(bars)), p, FAST if fast else SLOW)
    before = np.concatenate(([0.0], flip[:-1] * after[:-1]))
    copy = _copy(bars, before, flip * body, *_mirror(flip, above, below))
    kind = "flips on half of all bars" if fast else "persists"
    return World("planted_copy", f"a planted {p:.0%} sign edge that {kind}", copy, sign)


def _shape(bars: Bars) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the log gap, log body, and log distances of high and low from the open."""
    opened = np.log(bars.open)
    closed = np.log(bars.close)
    gap = np.concatenate(([0.0], opened[1:] - closed[:-1]))[: len(bars)]
    return gap, closed - opened, np.log(bars.high) - opened, np.log(bars.low) - opened


def _mirror(flip: Floats, above: Floats, below: Floats) -> tuple[Floats, Floats]:
    return np.where(flip > 0.0, above, -below), np.where(flip > 0.0, below, -above)


def _copy(bars: Bars, gap: Floats, body: Floats, above: Floats, below: Floats) -> Bars:
    first = float(bars.open[0]) if len(bars) else 1.0
    prices = _prices(first, gap, body, above, below)
    return Bars(bars.symbol, bars.timeframe, bars.open_time, *prices, bars.volume, bars.extra)


def _prices(
    first: float, gap: Floats, body: Floats, above: Floats, below: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Chain log moves into open, high, low, close; rounding never breaks low <= body <= high."""
    closed = np.log(first) + np.cumsum(gap + body)
    close = np.exp(closed)
    gapless = np.append(first, close[:-1])[: len(close)]
    open_ = np.where(gap == 0.0, gapless, np.exp(closed - body))
    high = np.maximum(open_ * np.exp(above), np.maximum(open_, close))
    low = np.minimum(open_ * np.exp(below), np.minimum(open_, close))
    return open_, high, low, close


def _stochastic(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Return each bar's volatility and the size of its move, log units."""
    shock = rng.standard_normal(n) * SPREAD
    heat = _autoregression(shock, PERSISTENCE)
    # E[exp(2 heat)] is exp(2 SPREAD^2), so the mean variance is SIGMA^2.
    sigma = SIGMA * np.exp(heat - SPREAD**2)
    unit = np.sqrt((FREEDOM - 2.0) / FREEDOM)
    return sigma, np.abs(sigma * unit * rng.standard_t(FREEDOM, n))


def _gaussian(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    return np.full(n, SIGMA), np.abs(SIGMA * rng.standard_normal(n))


@numba.njit(cache=True)
def _autoregression(shock: Floats, phi: float) -> Floats:
    """Return a stationary AR(1) whose standard deviation is that of `shock`."""
    out = np.empty(len(shock))
    keep = np.sqrt(1.0 - phi * phi)
    state = 0.0
    for t in range(len(shock)):
        state = shock[t] if t == 0 else phi * state + keep * shock[t]
        out[t] = state
    return out


@numba.njit(cache=True)
def _directions(
    body: Floats, after: Floats, coin: Floats, p: float, edge: int
) -> tuple[Floats, Signs]:
    """Return the factor +-1 of every move `body + after`, and the sign planted for the next."""
    n = len(body)
    flip = np.empty(n)
    sign = np.zeros(n, dtype=np.int8)
    planted, level, carried, before = 0, 0.0, 0.0, 0.0
    fast, slow = 0.0, 0.0
    for t in range(n):
        wanted = planted if planted != 0 else 1
        agrees = coin[t] < (p if planted != 0 else 0.5)
        upward = 1.0 if body[t] + after[t] >= 0.0 else -1.0
        flip[t] = upward * (wanted if agrees else -wanted)
        step = carried + flip[t] * body[t]
        level += step
        fast = _seeded(fast, level, t, FAST_SPAN)
        slow = _seeded(slow, level, t, SLOW_SPAN)
        if edge == SLOW:
            planted = int(np.sign(fast - slow)) if t >= SLOW_SPAN - 1 else 0
        elif edge == FAST:
            planted = int(np.sign(step * before)) if t >= 1 else 0
        sign[t] = planted
        before = np.sign(step)
        carried = flip[t] * after[t]
    return flip, sign


@numba.njit(cache=True)
def _seeded(mean: float, x: float, t: int, span: int) -> float:
    """Advance an exponential mean that starts as the plain mean of its first `span` values."""
    if t < span:
        return mean + (x - mean) / (t + 1)
    return mean + 2.0 / (span + 1) * (x - mean)


RECIPES: dict[str, _Recipe] = {
    "martingale": _Recipe("WORLD/A", "no edge: a martingale", NONE, 0.5, _stochastic),
    "planted": _Recipe("WORLD/B", "a planted 55% sign edge that persists", SLOW, 0.55, _stochastic),
    "fast": _Recipe(
        "WORLD/C",
        "a planted 55% sign edge that flips on half of all bars and cannot pay",
        FAST,
        0.55,
        _stochastic,
    ),
    "random_walk": _Recipe("WORLD/WALK", "no edge: a Gaussian random walk", NONE, 0.5, _gaussian),
}
