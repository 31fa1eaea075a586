"""What the indicators of volume share."""

from folkmoot.causal import Expr, close, high, low, volume, weighted, where


def money_flow() -> Expr:
    """Return volume weighted by the close's place in its bar, -1 at the low, 1 at the high.

    A bar without range counts 0.
    """
    place = (close - low) - (high - close)
    return where(high > low, place / (high - low) * volume, 0.0 * volume)


def slope_of_sum(x: Expr, n: int) -> Expr:
    """Return the least-squares slope over n bars of the running sum of x.

    Written as a weighted mean of the last n - 1 values of x, with weights k (n - k) for the k-th,
    it does not depend on where the sum began.
    """
    whole = n * (n * n - 1.0) / 6.0
    return weighted(x, [k * (n - k) / whole for k in range(1, n)])
