"""VuManChu Cipher B (TradingView script, Pine v4), each event on the bar that makes it known.

Lines: `wt1`, `wt2`; `wt_vwap`, their gap (no volume is in it); `rsimfi`; `rsi`; `stoch_k`,
`stoch_d` of the RSI of the log close; `stc`.

Events, each followed by its age: `cross_up`, `cross_down` (small circles), `buy`, `sell`
(circles), `buy_div`, `sell_div`, `gold` (which in its author's words is no reason to buy yet), and
the `bear`, `bull`, `bear_hidden`, `bull_hidden` of six searches for divergences: `wt` (of wt2,
between limits), `wt_second` (wider limits), `wt_any` (no limits), `rsi`, `rsi_any` and `stoch`.
The script draws divergences and gold two bars before they could be known; here they are not.

`fixed=True` departs from the original where it is wrong or undefined: a fractal at exactly 0
counts, a bar without range has a money flow of 0, and the stochastic of an RSI that stands still
stays what it was.
"""

from typing import Any

from folkmoot.causal import Expr, both, close, crossover, crossunder, either, hold, lag, log, where
from folkmoot.indicators._checks import checked, number, several, whole
from folkmoot.indicators._events import with_ages
from folkmoot.indicators.divergence import REACH, divergence
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.rsimfi import rsimfi
from folkmoot.indicators.stc import stc
from folkmoot.indicators.stochastic_rsi import stochastic_rsi
from folkmoot.indicators.wavetrend import wavetrend

Limits = tuple[float, float]
Events = dict[str, Expr]

PRESETS: dict[str, dict[str, Any]] = {
    "vumanchu": {},
    "angleito_scalp": {"waves": (6, 7, 3), "levels": (40.0, -40.0), "stochastic": (8, 8, 3, 3)},
}
"""Options by name: the script's own, and those with which document 004's bot scalps.

Of that bot's "overbought and oversold 40 / 50" the first are read as the level of the circles, on
either side of 0; the second, like the script's own second level, are lines on the chart alone.
"""

DRAWN = (
    "wt1", "wt2", "wt_vwap", "rsimfi", "cross_up", "cross_down", "buy", "sell", "buy_div",
    "sell_div", "gold",
)  # fmt: skip
"""What a chart of it shows."""

KINDS = ("bear", "bull", "bear_hidden", "bull_hidden")
GOLD_RISE, GOLD_STRENGTH = 5.0, 30.0


@checked(cycle=several(whole(2), whole(), whole(), number()))
def cipher_b(
    waves: tuple[int, int, int] = (9, 12, 3),
    levels: Limits = (53.0, -53.0),
    limits: Limits = (45.0, -65.0),
    second_limits: Limits = (15.0, -40.0),
    gold_level: float = -75.0,
    strength: int = 14,
    strength_limits: Limits = (60.0, 30.0),
    money: tuple[int, float, float] = (60, 150.0, 2.5),
    stochastic: tuple[int, int, int, int] = (14, 14, 3, 3),
    cycle: tuple[int, int, int, float] = (10, 23, 50, 0.5),
    rsi_counts: bool = False,
    stochastic_counts: bool = False,
    fixed: bool = False,
) -> dict[str, Expr]:
    """Return the lines and events that this file's head lists; `PRESETS` holds named options.

    Pairs are (for tops, for bottoms). With `rsi_counts` and `stochastic_counts` those divergences
    make `buy_div`, `sell_div` and, the RSI's, `gold` as well, as the script's switches do.

    >>> {name: line.warmup for name, line in cipher_b().items() if name in ("wt2", "rsimfi")}
    {'wt2': 29, 'rsimfi': 59}
    """
    lines = {
        **_waves(waves),
        "rsimfi": rsimfi(*money, fixed=fixed),
        "rsi": rsi(n=strength),
        **_stochastic(stochastic, fixed),
        "stc": _cycle(cycle),
    }
    searches = _searches(lines, (limits, second_limits, strength_limits), fixed)
    counted = ["wt", "wt_second", *["rsi"] * rsi_counts, *["stoch"] * stochastic_counts]
    events = {
        **_circles(lines, levels),
        "buy_div": _any([searches[name]["bull"] for name in counted]),
        "sell_div": _any([searches[name]["bear"] for name in counted]),
        "gold": _gold(lines, searches, gold_level, rsi_counts),
        **{f"{name}_{kind}": found[kind] for name, found in searches.items() for kind in KINDS},
    }
    return lines | with_ages(events)


def _searches(
    lines: dict[str, Expr], limits: tuple[Limits, Limits, Limits], fixed: bool
) -> dict[str, Events]:
    main, second, strength = limits
    wt2, rsi_line = lines["wt2"], lines["rsi"]
    return {
        "wt": divergence(wt2, *main, fixed=fixed),
        "wt_second": divergence(wt2, *second, fixed=fixed),
        "wt_any": divergence(wt2, fixed=fixed),
        "rsi": divergence(rsi_line, *strength, fixed=fixed),
        "rsi_any": divergence(rsi_line, fixed=fixed),
        "stoch": divergence(lines["stoch_k"], fixed=fixed),
    }


def _waves(lengths: tuple[int, int, int]) -> dict[str, Expr]:
    channel, average, d = lengths
    wave = wavetrend(channel=channel, average=average, d=d)
    return {**wave, "wt_vwap": wave["wt1"] - wave["wt2"]}


def _stochastic(lengths: tuple[int, int, int, int], fixed: bool) -> dict[str, Expr]:
    window, n, k, d = lengths
    place = stochastic_rsi(log(close), n=n, window=window, k=k, d=d, fixed=fixed)
    return {"stoch_k": place["k"], "stoch_d": place["d"]}


def _cycle(lengths: tuple[int, int, int, float]) -> Expr:
    cycle, fast, slow, factor = lengths
    return stc(close, fast=fast, slow=slow, cycle=cycle, factor=factor)


def _circles(lines: dict[str, Expr], levels: Limits) -> Events:
    wt1, wt2 = lines["wt1"], lines["wt2"]
    up, down = crossover(wt1, wt2), crossunder(wt1, wt2)
    return {
        "cross_up": up,
        "cross_down": down,
        "buy": both(up, wt2 <= levels[1]),
        "sell": both(down, wt2 >= levels[0]),
    }


def _gold(
    lines: dict[str, Expr], searches: dict[str, Events], level: float, rsi_counts: bool
) -> Expr:
    """Return the event that a divergence ends a fall below `level` which RSI confirmed.

    The script's comment says otherwise (RSI below 20, waves at -80); this is its code.
    """
    wt2, bottoms = lines["wt2"], searches["wt"]["bottom"]
    lowest = lag(hold(bottoms, lag(wt2, REACH)), REACH)
    weakest = lag(hold(bottoms, lag(lines["rsi"], REACH)), REACH)
    divergent = _any([searches[name]["bull"] for name in ("wt", *["rsi"] * rsi_counts)])
    risen = both(wt2 > level, lowest - wt2 <= -GOLD_RISE)
    told = both(both(lowest <= level, weakest < GOLD_STRENGTH), risen)
    return where(divergent, told, 0.0)


def _any(events: list[Expr]) -> Expr:
    found = events[0]
    for event in events[1:]:
        found = either(found, event)
    return found
