"""Roll's effective spread (1984)."""

from folkmoot.causal import Expr, close, covariance, lag, log, relu, sqrt
from folkmoot.indicators._checks import checked, whole


@checked(n=whole(2))
def roll_spread(n: int = 20) -> Expr:
    """Return the bid-ask spread as a share of the price, from the bounce of n log returns.

    It is 2 sqrt(-c), c the covariance of a return with the one before, and 0 where c is positive:
    no bounce is seen there.

    >>> roll_spread(20).warmup
    21
    """
    change = log(close) - lag(log(close))
    return 2.0 * sqrt(relu(-covariance(change, lag(change), n)))
