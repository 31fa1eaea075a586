"""Linear regression of x on time, with its channel."""

from folkmoot.causal import Expr, close, fit, line, slope, sqrt, std
from folkmoot.indicators._checks import checked, number


@checked(width=number(least=0.0))
def linear_regression(x: Expr = close, n: int = 100, width: float = 2.0) -> dict[str, Expr]:
    """Return the least-squares line through the last n values, as of the present bar.

    The keys are `value` and `slope` (per bar) in the unit of x, `r2`, the share of its variance
    that the line explains, and `upper`, `lower`, `width` standard deviations of the residuals
    away. r2 and the channel are NaN where x stood still.

    >>> linear_regression()["r2"].warmup
    99
    """
    value, share = line(x, n), fit(x, n)
    reach = width * std(x, n) * sqrt(1.0 - share)
    return {
        "value": value,
        "slope": slope(x, n),
        "r2": share,
        "upper": value + reach,
        "lower": value - reach,
    }
