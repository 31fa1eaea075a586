"""Chaikin's money flow volume, which several indicators sum."""

from folkmoot.causal import Expr, close, high, low, volume, where


def money_flow() -> Expr:
    """Return volume weighted by the close's place in its bar, -1 at the low, 1 at the high.

    A bar without range counts 0.
    """
    place = (close - low) - (high - close)
    return where(high > low, place / (high - low) * volume, 0.0 * volume)
