"""Chaikin Money Flow (Chaikin)."""

from folkmoot.causal import Expr, total, volume
from folkmoot.indicators._checks import checked
from folkmoot.indicators._money import money_flow


@checked()
def cmf(n: int = 20) -> Expr:
    """Return volume weighted by the close's place in its bar over n bars, from -1 to 1.

    A bar without range counts 0, as on TradingView; NaN where nothing was traded in n bars.

    >>> cmf(n=20).warmup
    19
    """
    return total(money_flow(), n) / total(volume, n)
