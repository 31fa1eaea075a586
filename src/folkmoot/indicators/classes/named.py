"""RSI, CCI, ADX and WaveTrend as objects with levels, lines and crossings.

The lines are those of the functions of the same names; the levels decide which crossings count.
"""

from typing import Any

from folkmoot.causal import both, crossover, crossunder
from folkmoot.core.errors import UsageError
from folkmoot.indicators.adx import adx
from folkmoot.indicators.cci import cci
from folkmoot.indicators.classes.reading import Indicator
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.wavetrend import wavetrend


class RSIIndicator(Indicator):
    """Wilder's RSI: line `rsi`, from 0 to 100, from close.

    Buy: it rises above `oversold` (above now, not above one bar ago). Sell: it falls below
    `overbought`.

    >>> import numpy as np
    >>> found = RSIIndicator(period=2).calculate(np.array([3.0, 2.0, 1.0, 1.0, 2.0]))
    >>> found["rsi"].round(1), found["buy_signals"]
    (array([ nan,  nan,  0. ,  0. , 66.7]), array([False, False, False, False,  True]))
    """

    def __init__(
        self,
        period: int = 14,
        overbought: float = 70.0,
        oversold: float = 30.0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        _ordered(oversold, overbought)
        line = rsi(n=period)
        buy, sell = crossover(line, oversold), crossunder(line, overbought)
        super().__init__({"rsi": line}, buy, sell, device, dtype)


class CCIIndicator(Indicator):
    """Lambert's CCI of (high + low + close) / 3: line `cci`.

    Buy: it rises above `oversold`. Sell: it falls below `overbought`.
    """

    def __init__(
        self,
        period: int = 20,
        overbought: float = 100.0,
        oversold: float = -100.0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        _ordered(oversold, overbought)
        line = cci(n=period)
        buy, sell = crossover(line, oversold), crossunder(line, overbought)
        super().__init__({"cci": line}, buy, sell, device, dtype)


class ADXIndicator(Indicator):
    """Wilder's directional movement: lines `adx`, `plus_di`, `minus_di`, from 0 to 100.

    Buy: plus_di rises above minus_di while adx is above `threshold`. Sell: plus_di falls below
    minus_di while adx is above it. `smoothing` is the length of adx over its index, by default
    `period`.
    """

    def __init__(
        self,
        period: int = 14,
        threshold: float = 25.0,
        smoothing: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        lines = adx(period, period if smoothing is None else smoothing)
        strong = lines["adx"] > threshold
        buy = both(crossover(lines["plus_di"], lines["minus_di"]), strong)
        sell = both(crossunder(lines["plus_di"], lines["minus_di"]), strong)
        super().__init__(lines, buy, sell, device, dtype)


class WaveTrendIndicator(Indicator):
    """LazyBear's WaveTrend: lines `wt1` and `wt2`, unbounded.

    Buy: wt1 rises above wt2 while wt2 is at or below `oversold`. Sell: wt1 falls below wt2 while
    wt2 is at or above `overbought`. `signal_length` is the mean that makes wt2 of wt1.
    """

    def __init__(
        self,
        channel_length: int = 10,
        average_length: int = 21,
        signal_length: int = 4,
        overbought: float = 53.0,
        oversold: float = -53.0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        _ordered(oversold, overbought)
        lines = wavetrend(channel=channel_length, average=average_length, d=signal_length)
        buy = both(crossover(lines["wt1"], lines["wt2"]), lines["wt2"] <= oversold)
        sell = both(crossunder(lines["wt1"], lines["wt2"]), lines["wt2"] >= overbought)
        super().__init__(lines, buy, sell, device, dtype)


def _ordered(oversold: float, overbought: float) -> None:
    if not oversold < overbought:
        raise UsageError(
            f"oversold is {oversold}, overbought {overbought}",
            where="indicator levels",
            allowed="oversold < overbought",
        )
