"""WaveTrend oscillator (LazyBear's TradingView script)."""

from folkmoot.causal import Expr, ema, hlc3, mean
from folkmoot.indicators._checks import checked, whole


@checked(channel=whole(2))
def wavetrend(x: Expr = hlc3, channel: int = 10, average: int = 21, d: int = 4) -> dict[str, Expr]:
    """Return the smoothed distance of x from its exponential mean, and the mean of that.

    The keys are `wt1` and `wt2`, unbounded, mostly within 80 of zero. A bar on which x has not
    moved within memory is unknown and skipped by the means, as in TradingView.

    >>> {name: line.warmup for name, line in wavetrend().items()}
    {'wt1': 38, 'wt2': 41}
    """
    centre = ema(x, channel)
    reach = ema(abs(x - centre), channel)
    wt1 = ema((x - centre) / (0.015 * reach), average)
    return {"wt1": wt1, "wt2": mean(wt1, d)}
