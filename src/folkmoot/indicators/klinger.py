"""Klinger oscillator (Klinger, 1997), in the form that TradingView computes."""

from folkmoot.causal import Expr, ema, hlc3, lag, volume, where
from folkmoot.indicators._checks import checked


@checked()
def klinger(fast: int = 34, slow: int = 55, smoothing: int = 13) -> dict[str, Expr]:
    """Return the gap between two exponential means of signed volume, and its own mean.

    The keys are `klinger` and `signal`, in units of volume. The sign is that of the change of
    hlc3, a bar without change counting as a rise. The older form with a cumulative measurement
    of the trend is not this one.

    >>> {name: line.warmup for name, line in klinger().items()}
    {'klinger': 55, 'signal': 67}
    """
    signed = where(hlc3 >= lag(hlc3), volume, -volume)
    line = ema(signed, fast) - ema(signed, slow)
    return {"klinger": line, "signal": ema(line, smoothing)}
