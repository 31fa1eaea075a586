"""The five features of jdehorty's Lorentzian Classification (TradingView script, Pine v5)."""

from folkmoot.causal import (
    Expr,
    close,
    ema,
    high,
    highest_ever,
    leak,
    low,
    lowest_ever,
    maximum,
    rank,
    relu,
    where,
    wilder,
)
from folkmoot.indicators._checks import checked, optional, whole
from folkmoot.indicators._firsts import before
from folkmoot.indicators.adx import adx
from folkmoot.indicators.cci import cci
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.wavetrend import wavetrend

LEAST_SPAN = 1e-9


@checked(ranked_over=optional(whole(2)))
def lorentzian_features(
    strength: tuple[int, int] = (14, 1),
    waves: tuple[int, int] = (10, 11),
    channel: tuple[int, int] = (20, 1),
    movement: int = 20,
    second_strength: tuple[int, int] = (9, 1),
    ranked_over: int | None = None,
) -> dict[str, Expr]:
    """Return RSI, WaveTrend, CCI, ADX and a second RSI, each from 0 to 1.

    The keys are `n_rsi`, `n_wt`, `n_cci`, `n_adx` and `n_rsi_second`; pairs are (length,
    smoothing). As the script has them: WaveTrend and CCI are rescaled by their extremes so far,
    so that two charts of different length differ, and ADX takes the bar before the first for 0
    (`original_adx`). With `ranked_over`, every feature is instead its rank over so many bars, ADX
    the plain one, and where the chart begins is forgotten.

    >>> lorentzian_features()["n_adx"].warmup
    20
    """
    wave = wavetrend(channel=waves[0], average=waves[1])
    lines = {
        "n_rsi": _smoothed_rsi(*strength),
        "n_wt": wave["wt1"] - wave["wt2"],
        "n_cci": ema(cci(close, channel[0]), channel[1]),
        "n_adx": original_adx(movement) if ranked_over is None else adx(movement, movement)["adx"],
        "n_rsi_second": _smoothed_rsi(*second_strength),
    }
    if ranked_over is not None:
        return {name: rank(line, ranked_over) for name, line in lines.items()}
    bounded = ("n_rsi", "n_adx", "n_rsi_second")
    return {
        name: line / 100.0 if name in bounded else normalised(line) for name, line in lines.items()
    }


def normalised(x: Expr) -> Expr:
    """Return the place of x between its extremes so far, from 0 to 1."""
    least, most = lowest_ever(x), highest_ever(x)
    return (x - least) / maximum(most - least, LEAST_SPAN)


def original_adx(n: int = 14) -> Expr:
    """Return jdehorty's ADX, from 0 to 100, which takes every price before the first bar for 0.

    Its first bar thus counts as a rise by the whole price, which shows for some 300 bars. A later
    bar whose bar before is unknown is unknown as well and leaves the sums as they are.
    """
    rise, fall = high - before(high, 0.0), before(low, 0.0) - low
    jump = maximum(abs(high - before(close, 0.0)), abs(low - before(close, 0.0)))
    span = leak(maximum(high - low, jump), 1.0 - 1.0 / n)
    plus = leak(where(rise > fall, relu(rise), 0.0), 1.0 - 1.0 / n) / span
    minus = leak(where(fall > rise, relu(fall), 0.0), 1.0 - 1.0 / n) / span
    return wilder(100.0 * abs(plus - minus) / (plus + minus), n)


def _smoothed_rsi(length: int, smoothing: int) -> Expr:
    return ema(rsi(n=length), smoothing)
