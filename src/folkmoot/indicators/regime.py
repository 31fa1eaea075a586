"""The state of a market: quiet, mean reverting, trending or volatile, causal and held a while."""

from folkmoot.causal import Expr, both, negate, rank, steady
from folkmoot.indicators._checks import checked, whole
from folkmoot.indicators.efficiency_ratio import efficiency_ratio
from folkmoot.indicators.ewma_vol import ewma_vol
from folkmoot.indicators.variance_ratio import variance_ratio

REGIMES = ("quiet", "mean_reverting", "trending", "volatile")
"""The names of the codes 0 to 3."""


@checked(ranked_over=whole(2))
def regime(ranked_over: int = 500, least: int = 5) -> Expr:
    """Return the state as its place in `REGIMES`, from three measures ranked over `ranked_over`.

    Volatile while the EWMA volatility (0.97) ranks above 0.75; else trending while the efficiency
    ratio of 20 bars does; else mean reverting while the variance ratio of 4 bars over 60 ranks
    below 0.25; else quiet. A state stands for at least `least` bars. NaN until all three are
    ranked, and while one of them is unknown.

    >>> regime().warmup
    562
    """
    volatile = rank(ewma_vol(), ranked_over) > 0.75
    trending = rank(efficiency_ratio(n=20), ranked_over) > 0.75
    reverting = rank(variance_ratio(q=4, n=60), ranked_over) < 0.25
    calm = negate(volatile)
    undirected = both(calm, negate(trending))
    code = 3.0 * volatile + 2.0 * both(calm, trending) + both(undirected, reverting)
    return steady(code, least)
