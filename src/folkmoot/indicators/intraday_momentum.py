"""Intraday Momentum Index (Chande)."""

from folkmoot.causal import Expr, close, open_, relu, total
from folkmoot.indicators._checks import checked


@checked()
def intraday_momentum(n: int = 14) -> Expr:
    """Return the rising bodies of n bars as a share of all their bodies, from 0 to 100.

    NaN where no bar had a body.

    >>> intraday_momentum(n=14).warmup
    13
    """
    body = close - open_
    rise, fall = total(relu(body), n), total(relu(-body), n)
    return 100.0 * rise / (rise + fall)
