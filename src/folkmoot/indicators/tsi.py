"""True Strength Index (Blau, 1991)."""

from folkmoot.causal import Expr, close, ema, lag
from folkmoot.indicators._checks import checked


@checked()
def tsi(x: Expr = close, long: int = 25, short: int = 13, smoothing: int = 13) -> dict[str, Expr]:
    """Return the twice smoothed change as a share of its twice smoothed size, from -100 to 100.

    The keys are `tsi` and `signal`; NaN where x has not moved within memory.

    >>> {name: line.warmup for name, line in tsi().items()}
    {'tsi': 37, 'signal': 49}
    """
    change = x - lag(x)
    line = 100.0 * ema(ema(change, long), short) / ema(ema(abs(change), long), short)
    return {"tsi": line, "signal": ema(line, smoothing)}
