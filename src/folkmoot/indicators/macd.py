"""Moving Average Convergence Divergence (Appel)."""

from folkmoot.causal import Expr, close, ema
from folkmoot.indicators._checks import checked


@checked()
def macd(x: Expr = close, fast: int = 12, slow: int = 26, smoothing: int = 9) -> dict[str, Expr]:
    """Return the gap between two exponential means, its own mean and the gap between both.

    The keys are `macd`, `signal` and `histogram`, in the unit of x.

    >>> {name: line.warmup for name, line in macd().items()}
    {'macd': 25, 'signal': 33, 'histogram': 33}
    """
    line = ema(x, fast) - ema(x, slow)
    signal = ema(line, smoothing)
    return {"macd": line, "signal": signal, "histogram": line - signal}
