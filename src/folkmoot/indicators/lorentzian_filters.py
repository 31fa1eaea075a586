"""The filters of jdehorty's Lorentzian Classification (TradingView script, Pine v5)."""

from folkmoot.causal import (
    Expr,
    blend,
    close,
    ema,
    high,
    lag,
    leak,
    low,
    mean,
    ohlc4,
    sqrt,
    where,
)
from folkmoot.indicators._checks import checked
from folkmoot.indicators.adx import adx
from folkmoot.indicators.atr import atr
from folkmoot.indicators.lorentzian_features import original_adx


@checked()
def lorentzian_filters(
    volatility: tuple[int, int] = (1, 10),
    regime: float = -0.1,
    movement: tuple[int, float] = (14, 20.0),
    original: bool = False,
    trend: tuple[int, int] = (200, 200),
) -> dict[str, Expr]:
    """Return whether a bar passes each filter, and the line that the regime filter reads.

    The keys are `volatility` (the true range of few bars above that of more); `regime_slope`, how
    far Ehlers' tracking line moves against its own mean of 200 bars, as a share of that; `regime`
    (that slope at least the threshold); `adx` (ADX of a length above a level); `ema_up`,
    `ema_down`, `sma_up` and `sma_down`, whether the close stands above or below its exponential
    and its plain mean of the two lengths in `trend`. The script asks for the first two filters
    unless told otherwise; `adx` and the trends are off there. With `original=True` the tracking
    line begins at 0 instead of the price, which spoils the mean for some hundreds of bars, and ADX
    is `original_adx`.

    >>> {name: line.warmup for name, line in lorentzian_filters().items()}["sma_up"]
    199
    """
    few, more = volatility
    length, level = movement
    slope = _regime_slope(original)
    smooth, plain = ema(close, trend[0]), mean(close, trend[1])
    strength = original_adx(length) if original else adx(length, length)["adx"]
    return {
        "volatility": atr(few) > atr(more),
        "regime_slope": slope,
        "regime": slope >= regime,
        "adx": strength > level,
        "ema_up": close > smooth,
        "ema_down": close < smooth,
        "sma_up": close > plain,
        "sma_down": close < plain,
    }


def _regime_slope(original: bool) -> Expr:
    moved, ranged = leak(0.2 * (ohlc4 - lag(ohlc4)), 0.8), leak(0.1 * (high - low), 0.8)
    square = (moved / ranged) ** 2
    weight = where(ranged > 0.0, (sqrt(square * square + 16.0 * square) - square) / 8.0, 0.0)
    line = leak(weight * ohlc4, 1.0 - weight) if original else blend(weight, ohlc4)
    speed = abs(line - lag(line))
    usual = ema(speed, 200)
    return (speed - usual) / usual
