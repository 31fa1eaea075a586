"""Price Volume Trend."""

from folkmoot.causal import Expr, close, lag, running, volume
from folkmoot.indicators._checks import checked


@checked()
def price_volume_trend(x: Expr = close) -> Expr:
    """Return the sum since the first bar of relative change times volume, in units of volume.

    Its level depends on where the history begins, and is never stable.

    >>> price_volume_trend().warmup
    1
    """
    before = lag(x)
    return running((x - before) / before * volume)
