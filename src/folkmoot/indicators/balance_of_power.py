"""Balance of Power (Livshin, 2001)."""

from folkmoot.causal import Expr, close, high, low, open_


def balance_of_power() -> Expr:
    """Return the body as a share of the bar's range, from -1 to 1; NaN for a bar without range.

    >>> balance_of_power().warmup
    0
    """
    return (close - open_) / (high - low)
