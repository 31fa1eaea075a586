"""Yang and Zhang's volatility (2000)."""

from folkmoot.causal import Expr, close, lag, log, open_, sqrt, std
from folkmoot.indicators._checks import checked, whole
from folkmoot.indicators.rogers_satchell import rogers_satchell


@checked(n=whole(2))
def yang_zhang(n: int = 20) -> Expr:
    """Return the standard deviation of the log return per bar, the jump from close to open too.

    >>> yang_zhang(20).warmup
    20
    """
    jump, body = std(log(open_) - lag(log(close)), n), std(log(close) - log(open_), n)
    k = 0.34 / (1.34 + (n + 1.0) / (n - 1.0))
    unbiased = n / (n - 1.0)
    within = rogers_satchell(n).args[0]
    return sqrt(unbiased * jump * jump + (k * unbiased) * body * body + (1.0 - k) * within)
