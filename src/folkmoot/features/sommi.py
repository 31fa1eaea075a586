"""Sommi's flag and diamond of VuManChu Cipher B, on closed bars of coarser timeframes.

The script reads a coarse bar that has not closed yet, the diamond even its final candle from its
first minute on, and so shows signals that nobody could have had. Here a coarse bar counts from the
bar that closes it, and the charts of the script are therefore not reproduced.
"""

from collections.abc import Sequence
from functools import reduce

from folkmoot.causal import Expr, at, both, crossover, crossunder, lag, negate
from folkmoot.core.errors import UsageError
from folkmoot.indicators._events import with_ages
from folkmoot.indicators.heikin_ashi import heikin_ashi
from folkmoot.indicators.rsimfi import rsimfi
from folkmoot.indicators.wavetrend import wavetrend


def sommi(
    flag: str = "1d",
    diamond: Sequence[str] = ("1h", "4h"),
    waves: tuple[int, int, int] = (9, 12, 3),
    money: tuple[int, float, float] = (60, 150.0, 2.5),
    fixed: bool = False,
) -> dict[str, Expr]:
    """Return the events `flag_bear`, `flag_bull`, `diamond_bear`, `diamond_bull` with their ages.

    A bear flag is a wave that falls below its mean above 0, while `rsimfi` and the gap of the
    waves on the timeframe `flag` are below 0. A bear diamond is such a fall, at 0 or above, while
    the Heikin-Ashi candle of every timeframe in `diamond` is not rising. Bull is the mirror
    image. The script's flag looks at 12 hours, which is none of the nine timeframes: 1d is the
    nearest; its diamond looks at 1h and 4h. All must be coarser than the decision timeframe, or
    `compile` refuses. Raises `UsageError` without a timeframe for the diamond.
    """
    if not diamond:
        raise UsageError("no timeframe for the diamond", where="sommi", allowed="one or more")
    channel, average, d = waves
    wave = wavetrend(channel=channel, average=average, d=d)
    flow, wt2 = rsimfi(*money, fixed=fixed), wave["wt2"]
    up, down = crossover(wave["wt1"], wt2), crossunder(wave["wt1"], wt2)
    coarse = at(flag, wave["wt1"] - wt2)
    candle = heikin_ashi()
    # The first candle of all has no body before it and tells nothing yet.
    rising = candle["close"] - candle["open"] > 0.0 * lag(candle["close"])
    rose = reduce(both, (at(timeframe, rising) for timeframe in diamond))
    fell = reduce(both, (at(timeframe, negate(rising)) for timeframe in diamond))
    return with_ages(
        {
            "flag_bear": both(both(down, wt2 > 0.0), both(flow < 0.0, coarse < 0.0)),
            "flag_bull": both(both(up, wt2 < 0.0), both(flow > 0.0, coarse > 0.0)),
            "diamond_bear": both(both(down, wt2 >= 0.0), fell),
            "diamond_bull": both(both(up, wt2 <= 0.0), rose),
        }
    )
