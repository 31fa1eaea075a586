"""Money Flow Index (Quong and Soudack, 1989)."""

from folkmoot.causal import Expr, hlc3, lag, total, volume, where
from folkmoot.indicators._checks import checked


@checked()
def mfi(x: Expr = hlc3, n: int = 14) -> Expr:
    """Return the share of the last n bars' turnover that came with a rise of x, from 0 to 100.

    Bars on which x stayed where it was count on neither side; NaN if none moved or traded.

    >>> mfi(n=14).warmup
    14
    """
    change, flow = x - lag(x), x * volume
    rise = total(where(change > 0.0, flow, 0.0 * flow), n)
    fall = total(where(change < 0.0, flow, 0.0 * flow), n)
    return 100.0 * rise / (rise + fall)
