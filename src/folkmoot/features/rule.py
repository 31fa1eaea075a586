"""Document 000's rule: RSI extremes, MACD crossings, trend, and volume as confirmation.

score = [RSI < 30] - [RSI > 70] + [MACD crosses up] - [MACD crosses down] + sign(trend) / 2,
times 1 if the volume is above its mean of 20 bars, else 1/2. BUY from 1, SELL from -1, else HOLD
(algorithms.md, section 14). What it is worth is not said here: that is measured.
"""

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from folkmoot.core.decision import Signal

if TYPE_CHECKING:
    from folkmoot.causal import Program

OVERSOLD, OVERBOUGHT = 30.0, 70.0


class Readings(NamedTuple):
    """What the rule looks at on one closed bar; NaN is unknown.

    `rsi` in 0..100; `macd_cross` 1 where the MACD line has crossed above its signal on this bar,
    -1 below, else 0; `trend_gap` any number whose sign is the trend's; `volume_ratio` to the mean
    of the last 20 volumes.
    """

    rsi: float
    macd_cross: float
    trend_gap: float
    volume_ratio: float

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of what is unknown."""
        named = zip(self._fields, self, strict=True)
        return tuple(name for name, value in named if math.isnan(value))

    @property
    def confirmed(self) -> bool:
        """Whether the volume is above its mean."""
        return self.volume_ratio > 1.0


def points(x: Readings) -> dict[str, float]:
    """Return what each reading but the volume adds to the score."""
    return {
        "rsi": float(x.rsi < OVERSOLD) - float(x.rsi > OVERBOUGHT),
        "macd_cross": float(x.macd_cross > 0.0) - float(x.macd_cross < 0.0),
        "trend_gap": 0.5 * (float(x.trend_gap > 0.0) - float(x.trend_gap < 0.0)),
    }


def score(x: Readings) -> float:
    """Return the rule's score, NaN if anything it looks at is unknown.

    >>> score(Readings(25.0, 1.0, 2.0, 1.5)), score(Readings(25.0, 1.0, 2.0, 1.0))
    (2.5, 1.25)
    """
    if x.missing:
        return math.nan
    return sum(points(x).values()) * (1.0 if x.confirmed else 0.5)


def side(total: float) -> Signal:
    """Return BUY from a score of 1, SELL from -1, HOLD between and where it is unknown."""
    if total >= 1.0:
        return Signal.BUY
    return Signal.SELL if total <= -1.0 else Signal.HOLD


@lru_cache(maxsize=1)
def program() -> "Program":
    """Return the program of the readings, in the order of `Readings`.

    RSI(14); MACD(12, 26, 9); EMA20 - EMA80 of the log close; volume against its mean of 20 bars.
    """
    from folkmoot import causal
    from folkmoot.indicators.macd import macd
    from folkmoot.indicators.rsi import rsi

    lines: dict[str, Any] = macd()
    price = causal.log(causal.close)
    up = causal.crossover(lines["macd"], lines["signal"])
    down = causal.crossunder(lines["macd"], lines["signal"])
    return causal.compile(
        {
            "rsi": rsi(),
            "macd_cross": up - down,
            "trend_gap": causal.ema(price, 20) - causal.ema(price, 80),
            "volume_ratio": causal.volume / causal.mean(causal.volume, 20),
        }
    )
