"""DecisionPoint Price Momentum Oscillator (Swenlin)."""

from folkmoot.causal import Expr, close, ema
from folkmoot.indicators._checks import checked, whole
from folkmoot.indicators.roc import roc


@checked(first=whole(2), second=whole(2))
def price_momentum(
    x: Expr = close, first: int = 35, second: int = 20, smoothing: int = 10
) -> dict[str, Expr]:
    """Return ten times the one-bar rate of change, twice smoothed, and its own mean.

    The keys are `pmo` and `signal`, in tenths of a percent. The smoothing weights are 2 / length,
    so each is an exponential mean of one bar less.

    >>> {name: line.warmup for name, line in price_momentum().items()}
    {'pmo': 52, 'signal': 61}
    """
    line = ema(10.0 * ema(roc(x, 1), first - 1), second - 1)
    return {"pmo": line, "signal": ema(line, smoothing)}
