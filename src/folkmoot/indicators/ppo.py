"""Percentage Price Oscillator (Appel)."""

from folkmoot.causal import Expr, close, ema
from folkmoot.indicators._checks import checked


@checked()
def ppo(x: Expr = close, fast: int = 12, slow: int = 26, smoothing: int = 9) -> dict[str, Expr]:
    """Return the gap between two exponential means in percent of the slower, and its own mean.

    The keys are `ppo`, `signal` and `histogram`. On `volume` it is the volume oscillator (PVO).

    >>> {name: line.warmup for name, line in ppo().items()}
    {'ppo': 25, 'signal': 33, 'histogram': 33}
    """
    centre = ema(x, slow)
    line = 100.0 * (ema(x, fast) - centre) / centre
    signal = ema(line, smoothing)
    return {"ppo": line, "signal": signal, "histogram": line - signal}
