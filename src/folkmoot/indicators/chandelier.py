"""Chandelier Exit (LeBeau; everget's TradingView script)."""

from folkmoot.causal import (
    Expr,
    both,
    close,
    either,
    equal,
    high,
    highest,
    hold,
    lag,
    low,
    lowest,
    ratchet,
    where,
)
from folkmoot.indicators._checks import checked, number
from folkmoot.indicators._events import with_ages
from folkmoot.indicators.atr import atr


@checked(multiple=number(least=0.0))
def chandelier(n: int = 22, multiple: float = 3.0, use_close: bool = True) -> dict[str, Expr]:
    """Return trailing stops that hang from the extreme of n bars, and on which side the close is.

    The keys are `long_stop` and `short_stop`, which move only with the trade while the close
    stays beyond them; `direction`, 1 once the close has risen above the short stop of the bar
    before and -1 once it has fallen below its long stop; the events `buy` and `sell`, a turn of
    the direction, each with its age. The script begins with direction 1; here it is unknown
    until the first turn, which is no signal. A close beyond both stops counts as up, as in the
    script, so that turns down are not quite the mirror image of turns up. `use_close=False` hangs
    the stops from highs and lows, LeBeau's way. A stop is known when its bar closes: it can be
    traded from the next.

    >>> {name: line.warmup for name, line in chandelier().items()}["long_stop"]
    21
    """
    reach = multiple * atr(n)
    top, bottom = (close, close) if use_close else (high, low)
    long_stop = ratchet(highest(top, n) - reach, close, "long")
    short_stop = ratchet(lowest(bottom, n) + reach, close, "short")
    up, down = close > lag(short_stop), close < lag(long_stop)
    direction = hold(either(up, down), where(up, 1.0, -1.0))
    before = lag(direction)
    events = {
        "buy": both(equal(direction, 1.0), equal(before, -1.0)),
        "sell": both(equal(direction, -1.0), equal(before, 1.0)),
    }
    lines = {"long_stop": long_stop, "short_stop": short_stop, "direction": direction}
    return lines | with_ages(events)
