"""On-Balance Volume (Granville, 1963)."""

from folkmoot.causal import Expr, close, lag, running, sign, volume
from folkmoot.indicators._checks import checked


@checked()
def obv(x: Expr = close) -> Expr:
    """Return the sum since the first bar of volume, counted with the sign of the change of x.

    Its level depends on where the history begins, and is never stable; `obv_slope` does not.

    >>> obv().warmup
    1
    """
    return running(sign(x - lag(x)) * volume)
