"""The filters of jdehorty's Lorentzian Classification (TradingView script, Pine v5)."""

from folkmoot.causal import Expr, blend, ema, high, lag, leak, low, ohlc4, sqrt, where
from folkmoot.indicators.adx import adx
from folkmoot.indicators.atr import atr
from folkmoot.indicators.lorentzian_features import original_adx


def lorentzian_filters(
    volatility: tuple[int, int] = (1, 10),
    regime: float = -0.1,
    movement: tuple[int, float] = (14, 20.0),
    original: bool = False,
) -> dict[str, Expr]:
    """Return whether a bar passes each filter, and the line that the regime filter reads.

    The keys are `volatility` (the true range of few bars above that of more); `regime_slope`, how
    far Ehlers' tracking line moves against its own mean of 200 bars, as a share of that; `regime`
    (that slope at least the threshold); `adx` (ADX of a length above a level). With
    `original=True` the tracking line begins at 0 instead of the price, which spoils the mean for
    some hundreds of bars, and ADX is `original_adx`.

    >>> {name: line.warmup for name, line in lorentzian_filters().items()}
    {'volatility': 9, 'regime_slope': 201, 'regime': 201, 'adx': 27}
    """
    few, more = volatility
    length, level = movement
    slope = _regime_slope(original)
    strength = original_adx(length) if original else adx(length, length)["adx"]
    return {
        "volatility": atr(few) > atr(more),
        "regime_slope": slope,
        "regime": slope >= regime,
        "adx": strength > level,
    }


def _regime_slope(original: bool) -> Expr:
    moved, ranged = leak(0.2 * (ohlc4 - lag(ohlc4)), 0.8), leak(0.1 * (high - low), 0.8)
    square = (moved / ranged) ** 2
    weight = where(ranged > 0.0, (sqrt(square * square + 16.0 * square) - square) / 8.0, 0.0)
    line = leak(weight * ohlc4, 1.0 - weight) if original else blend(weight, ohlc4)
    speed = abs(line - lag(line))
    usual = ema(speed, 200)
    return (speed - usual) / usual
