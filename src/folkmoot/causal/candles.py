"""Candlestick patterns: TA-Lib's 61, as one compiled operator with 61 outputs.

On every bar each is what TA-Lib's function of that name yields with its default settings, and
NaN before that function's first bar. A bar of which a price is unknown is NaN; the pattern goes
on over the known bars as if they were adjacent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from folkmoot.causal.expr import Expr, Value, as_expr
from folkmoot.causal.inputs import close, high, low, open_
from folkmoot.causal.kernels.candles_layout import MORE_BARS, NAMES, ONE_BAR, THREE_BARS, TWO_BARS
from folkmoot.core.errors import UsageError

Direction = Literal["up", "down", "either", "none"]

UP = {
    "3starsinsouth",
    "3whitesoldiers",
    "concealbabyswall",
    "hammer",
    "homingpigeon",
    "invertedhammer",
    "ladderbottom",
    "matchinglow",
    "mathold",
    "morningdojistar",
    "morningstar",
    "piercing",
    "sticksandwich",
    "unique3river",
}
DOWN = {
    "2crows",
    "3blackcrows",
    "advanceblock",
    "darkcloudcover",
    "eveningdojistar",
    "eveningstar",
    "hangingman",
    "identical3crows",
    "inneck",
    "onneck",
    "shootingstar",
    "stalledpattern",
    "thrusting",
    "upsidegap2crows",
}
NONE = {
    "doji",
    "dragonflydoji",
    "gravestonedoji",
    "highwave",
    "longleggeddoji",
    "rickshawman",
    "spinningtop",
    "takuri",
}
FIVE_BARS = {"breakaway", "ladderbottom", "mathold", "risefall3methods"}


@dataclass(frozen=True, slots=True)
class Candle:
    """A pattern: TA-Lib's name, the bars it spans, and which way it says the market goes.

    `direction` is "up" or "down" for one that has only that reading, "either" where the sign of
    the value says it, and "none" for indecision, whose sign is at most the colour of the bar.
    """

    talib: str
    bars: int
    direction: Direction


def candle(name: str, *prices: Value) -> Expr:
    """Return a candlestick pattern of TA-Lib, by its function's name or without the CDL.

    `prices` are open, high, low and close, in that order, of other bars than the bars shown.
    The value is 0 where there is none, 100 or -100 where there is one, 80 or -80 for an engulfing
    or a harami with one end in common, 200 or -200 on the bar that confirms a hikkake. What was
    usual is a running total, as in TA-Lib: where a size equals it exactly, its roundings, and so
    where the history starts, decide. Raises `UsageError` for an unknown name, or other
    than four prices.

    >>> candle("morningstar").warmup
    12
    >>> candle("CDLDOJI")
    candle(open, high, low, close, doji)
    """
    short = name.lower().removeprefix("cdl")
    if short not in CANDLES:
        raise UsageError(
            f"no candlestick is called {name!r}", where="candle", allowed=sorted(NAMES)
        )
    if len(prices) not in (0, 4):
        raise UsageError(
            f"candle was given {len(prices)} prices",
            where="candle",
            allowed="open, high, low, close",
        )
    read = tuple(as_expr(price) for price in prices) or (open_, high, low, close)
    return Expr("candle", read, (short,))


def _bars(name: str) -> int:
    lengths = {ONE_BAR: 1, TWO_BARS: 2, THREE_BARS: 3, MORE_BARS: 4}
    return 5 if name in FIVE_BARS else next(n for names, n in lengths.items() if name in names)


def _direction(name: str) -> Direction:
    if name in UP:
        return "up"
    if name in DOWN:
        return "down"
    return "none" if name in NONE else "either"


CANDLES: Mapping[str, Candle] = MappingProxyType(
    {name: Candle(f"CDL{name.upper()}", _bars(name), _direction(name)) for name in sorted(NAMES)}
)
"""Every pattern by its name."""
