"""The first bar of a chart, which some scripts give a bar before it."""

from folkmoot.causal import Expr, const, lag, otherwise, where


def before(x: Expr, begun: Expr | float) -> Expr:
    """Return x of the bar before; on the first bar of the chart, `begun`.

    After an unknown bar it is unknown, as `lag` is: only the first bar has none before it.
    """
    later = otherwise(lag(const(1.0)), 0.0)
    return where(later > 0.0, lag(x), begun)
