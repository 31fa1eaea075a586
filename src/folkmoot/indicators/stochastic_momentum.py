"""Stochastic Momentum Index (Blau, 1993)."""

from folkmoot.causal import Expr, close, ema, high, highest, low, lowest
from folkmoot.indicators._checks import checked


@checked()
def stochastic_momentum(
    n: int = 10, first: int = 3, second: int = 3, smoothing: int = 3
) -> dict[str, Expr]:
    """Return how far the close lies from the middle of its range, twice smoothed, -100 to 100.

    The keys are `smi` and `signal`; NaN where the range has been empty within memory.

    >>> {name: line.warmup for name, line in stochastic_momentum().items()}
    {'smi': 13, 'signal': 15}
    """
    top, bottom = highest(high, n), lowest(low, n)
    apart = ema(ema(close - (top + bottom) / 2.0, first), second)
    line = 200.0 * apart / ema(ema(top - bottom, first), second)
    return {"smi": line, "signal": ema(line, smoothing)}
