"""Ultimate Oscillator (Williams, 1976)."""

from folkmoot.causal import Expr, close, high, lag, low, maximum, minimum, total
from folkmoot.indicators._checks import checked


@checked()
def ultimate(fast: int = 7, middle: int = 14, slow: int = 28) -> Expr:
    """Return the buying pressure of three windows as a share of true range, from 0 to 100.

    The windows weigh 4, 2 and 1; NaN where nothing moved in the shortest.

    >>> ultimate().warmup
    28
    """
    before = lag(close)
    floor = minimum(low, before)
    pressure, span = close - floor, maximum(high, before) - floor
    shares = [total(pressure, n) / total(span, n) for n in (fast, middle, slow)]
    return 100.0 * (4.0 * shares[0] + 2.0 * shares[1] + shares[2]) / 7.0
