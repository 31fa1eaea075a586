"""Candlestick patterns summed up: how many speak for a rise and a fall, and since when."""

from collections.abc import Iterable, Iterator

from folkmoot.causal import CANDLES, Expr, barssince, candle, minimum, relu
from folkmoot.indicators._checks import checked, whole

OLDEST = 200.0
LONGEST_PATTERN = 5


@checked(least=whole(1, LONGEST_PATTERN))
def candles(least: int = 3) -> dict[str, Expr]:
    """Return the strength and the age of TA-Lib's 61 candlestick patterns.

    A pattern counts 1 (a weak engulfing or harami 0.8, a confirmed hikkake 2). The keys are
    `bullish` and `bearish`, sums of those that speak for a rise and for a fall; `one`, `two` and
    `more`, the former less the latter among patterns of one, two and more bars; `indecision`, the
    sum of those without a direction; `since_bullish` and `since_bearish`, the bars since there
    was one of at least `least` bars, at most 200, NaN before the first. One long bar is a pattern
    too, so that with `least` 1 hardly an age is above ten. Raises `UsageError` for a `least`
    longer than any pattern.

    >>> strength = candles()
    >>> strength["one"].warmup, strength["bullish"].warmup
    (10, 14)
    """
    signed = [name for name, pattern in CANDLES.items() if pattern.direction != "none"]
    neutral = [name for name in CANDLES if name not in signed]
    old = [name for name in signed if CANDLES[name].bars >= least]
    lengths = {
        "one": [name for name in signed if CANDLES[name].bars == 1],
        "two": [name for name in signed if CANDLES[name].bars == 2],
        "more": [name for name in signed if CANDLES[name].bars > 2],
    }
    return {
        "bullish": _sum(_rises(signed)),
        "bearish": _sum(_falls(signed)),
        **{key: _sum(candle(name) for name in names) for key, names in lengths.items()},
        "indecision": _sum(abs(candle(name)) for name in neutral),
        "since_bullish": minimum(barssince(_sum(_rises(old)) > 0.0), OLDEST),
        "since_bearish": minimum(barssince(_sum(_falls(old)) > 0.0), OLDEST),
    }


def _rises(names: Iterable[str]) -> Iterator[Expr]:
    """Yield how much of each pattern speaks for a rise, of those that ever do."""
    for name in names:
        if CANDLES[name].direction == "either":
            yield relu(candle(name))
        elif CANDLES[name].direction == "up":
            yield candle(name)


def _falls(names: Iterable[str]) -> Iterator[Expr]:
    """Yield how much of each pattern speaks for a fall, of those that ever do."""
    for name in names:
        if CANDLES[name].direction == "either":
            yield relu(-candle(name))
        elif CANDLES[name].direction == "down":
            yield -candle(name)


def _sum(parts: Iterable[Expr]) -> Expr:
    first, *others = parts
    return sum(others, start=first) / 100.0
