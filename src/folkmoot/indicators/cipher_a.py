"""VuManChu Cipher A (TradingView script, Pine v4): a ribbon of means crossed with WaveTrend.

Lines: `e1` to `e8`, the ribbon; `ribbon_dir`, 1 while e2 is above e8 and -1 below; `wt1`, `wt2`;
`rsi`; `rsimfi`. Events, each followed by its age: `long_ema`, `short_ema` (e2 crosses e8),
`red_cross`, `green_cross` (e1 falls below, rises above e2), `blue_triangle_up`,
`blue_triangle_down` (e2 crosses e3), `red_diamond`, `green_diamond` (wt1 falls below, rises above
wt2), `yellow_cross_up`, `yellow_cross_down`, `dump_diamond`, `moon_diamond`, `bull_candle`,
`bear_candle`.

Three rules of the original look like slips of the pen and are kept by default: the yellow cross
up wants a red diamond and the yellow cross down a green one; the latter asks for an RSI below 70
and below 85; the bear candle excludes a red cross, where the bull candle excludes it too. With
`fixed=True` the colours agree with the directions, the RSI lies between 70 and 85, and the bear
candle excludes a green cross.
"""

from folkmoot.causal import (
    Expr,
    both,
    close,
    crossover,
    crossunder,
    ema,
    lag,
    negate,
    open_,
    sign,
)
from folkmoot.indicators._checks import checked
from folkmoot.indicators._events import with_ages
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.rsimfi import rsimfi
from folkmoot.indicators.wavetrend import wavetrend

Lines = dict[str, Expr]

DRAWN = (
    "e2", "e8", "red_diamond", "green_diamond", "yellow_cross_up", "yellow_cross_down",
    "blue_triangle_up", "blue_triangle_down", "long_ema", "short_ema",
)  # fmt: skip
"""What a chart of it shows."""

RIBBON = (5, 11, 15, 18, 21, 24, 28, 34)


@checked()
def cipher_a(
    waves: tuple[int, int, int] = (9, 13, 3),
    strength: int = 14,
    money: tuple[int, float] = (60, 150.0),
    ribbon: tuple[int, ...] = RIBBON,
    fixed: bool = False,
) -> dict[str, Expr]:
    """Return the lines and events that this file's head lists.

    `waves` are WaveTrend's lengths, `ribbon` the eight lengths of the means.

    >>> {name: line.warmup for name, line in cipher_a().items() if name in ("e8", "wt2")}
    {'e8': 33, 'wt2': 30}
    """
    channel, average, d = waves
    means = {f"e{place}": ema(close, n) for place, n in enumerate(ribbon, start=1)}
    lines = {
        **means,
        "ribbon_dir": sign(means["e2"] - means["e8"]),
        **wavetrend(channel=channel, average=average, d=d),
        "rsi": rsi(n=strength),
        "rsimfi": rsimfi(*money, shift=0.0, fixed=fixed),
    }
    events = _crosses(lines)
    events |= _yellow(lines, events, fixed)
    events |= {
        "dump_diamond": both(events["red_diamond"], events["red_cross"]),
        "moon_diamond": both(events["green_diamond"], events["green_cross"]),
        **_candles(lines, events, fixed),
    }
    return lines | with_ages(events)


def _crosses(lines: Lines) -> dict[str, Expr]:
    e1, e2, e3, e8 = (lines[name] for name in ("e1", "e2", "e3", "e8"))
    return {
        "long_ema": crossover(e2, e8),
        "short_ema": crossover(e8, e2),
        "red_cross": crossunder(e1, e2),
        "green_cross": crossunder(e2, e1),
        "blue_triangle_up": crossover(e2, e3),
        "blue_triangle_down": crossover(e3, e2),
        "red_diamond": crossunder(lines["wt1"], lines["wt2"]),
        "green_diamond": crossover(lines["wt1"], lines["wt2"]),
    }


def _yellow(lines: Lines, events: Lines, fixed: bool) -> dict[str, Expr]:
    wt2, strength = lines["wt2"], lines["rsi"]
    red, green = events["red_diamond"], events["green_diamond"]
    low = both(_between(-80.0, wt2, 45.0), _between(15.0, strength, 30.0))
    strong = _between(70.0, strength, 85.0) if fixed else strength < 70.0
    high = both(_between(55.0, wt2, 100.0), strong)
    up, down = (green, red) if fixed else (red, green)
    return {"yellow_cross_up": both(up, low), "yellow_cross_down": both(down, high)}


def _candles(lines: Lines, events: Lines, fixed: bool) -> dict[str, Expr]:
    e2, e8 = lines["e2"], lines["e8"]
    rising, falling = close > open_, close < open_
    above, below = both(open_ > e2, open_ > e8), both(open_ < e2, open_ < e8)
    crossed = events["green_cross"] if fixed else events["red_cross"]
    no_bull = both(negate(events["red_diamond"]), negate(events["red_cross"]))
    no_bear = both(negate(events["green_diamond"]), negate(crossed))
    return {
        "bull_candle": both(both(above, both(rising, lag(rising))), no_bull),
        "bear_candle": both(both(below, both(falling, lag(falling))), no_bear),
    }


def _between(low: float, x: Expr, high: float) -> Expr:
    return both(x > low, x < high)
