"""Permutation entropy of returns (Bandt and Pompe, 2002)."""

from folkmoot.causal import Expr, close, entropy, lag, log
from folkmoot.indicators._checks import checked

CHANGE = log(close) - lag(log(close))


@checked()
def permutation_entropy(x: Expr = CHANGE, n: int = 100, order: int = 3) -> Expr:
    """Return how evenly the orderings of `order` values in a row occur in the last n, 0 to 1.

    1 is as disordered as noise; a monotone window gives 0.

    >>> permutation_entropy(n=100).warmup
    100
    """
    return entropy(x, n, order)
