"""Gramian angular field numbers (Wang & Oates, 2015), without the matrices."""

from folkmoot.causal import GRAMIAN_OUTPUTS, Expr, close, gramian
from folkmoot.indicators._checks import checked


@checked()
def gaf(x: Expr = close, n: int = 64) -> dict[str, Expr]:
    """Return the numbers of GASF and GADF of the last n values of x; see `causal.gramian`.

    Thirteen named ones cannot tell a chart from its mirror image (two of them are constants, one
    is another's copy); `signed_trend`, `gadf_k`, `dphi_k`, `time_correlation`, `slope_t` can.

    >>> gaf()["trend_score"].warmup
    63
    """
    return {name: gramian(x, n, name) for name in GRAMIAN_OUTPUTS}
