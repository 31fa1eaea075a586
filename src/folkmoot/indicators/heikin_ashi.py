"""Heikin-Ashi candles."""

from folkmoot.causal import (
    Expr,
    close,
    decay,
    high,
    low,
    maximum,
    minimum,
    ohlc4,
    open_,
)
from folkmoot.indicators._firsts import before


def heikin_ashi() -> dict[str, Expr]:
    """Return the averaged candle: `open`, `high`, `low`, `close` in price units.

    The close is the bar's mean price, the open the middle of the averaged body before; the first
    open of all is the middle of the bar's own body. The open after an unknown bar is unknown.

    >>> heikin_ashi()["close"].warmup
    0
    """
    begun = decay(before(ohlc4, (open_ + close) / 2.0), 0.5)
    top, bottom = maximum(high, maximum(begun, ohlc4)), minimum(low, minimum(begun, ohlc4))
    return {"open": begun, "high": top, "low": bottom, "close": ohlc4}
