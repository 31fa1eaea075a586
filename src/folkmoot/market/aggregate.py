"""Coarser bars from finer ones, on the calendar's grid and only once they have closed."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.stamps import iso
from folkmoot.core.timeframe import TIMEFRAMES, Timeframe

ADDITIVE = frozenset(
    {
        "quote_volume", "quote_asset_volume", "trades", "number_of_trades", "count", "tradecount",
        "taker_base_volume", "taker_buy_volume", "taker_buy_base_asset_volume",
        "taker_quote_volume", "taker_buy_quote_volume", "taker_buy_quote_asset_volume",
        "signed_volume", "order_flow",
    }
)  # fmt: skip
"""Extra columns that are amounts within a bar, so that a coarser bar holds their sum."""
LOT = 1e-8
"""The finest unit in which venues publish volume."""


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """Coarser bars and `coverage[n]`, the share of their finer bars that were there, in (0, 1]."""

    bars: Bars
    coverage: Floats


def aggregate(bars: Bars, timeframe: Timeframe | str) -> Aggregate:
    """Build bars of a coarser timeframe, calendar anchored (weeks from Monday 00:00 UTC).

    A coarse bar exists once its calendar end has passed the close of the last finer bar, however
    many finer bars are missing. Volumes in whole multiples of 1e-8 are summed in that unit, which
    is exact; others as floats, from the first row to the last. Extra columns in `ADDITIVE` are
    summed, all others are dropped.

    Raises `UsageError` if the finer bars do not divide the coarser ones, and `DataError` if one of
    them reaches across a boundary, since part of it would then be known too early.
    """
    coarse = _divided(bars.timeframe, timeframe)
    opens = (bars.open_time - coarse.anchor) // coarse.ms * coarse.ms + coarse.anchor
    across = np.flatnonzero(bars.close_time > opens + coarse.ms)
    if len(across):
        raise crossed(bars, coarse, len(across), int(across[0]))
    closed = len(bars) and int(np.searchsorted(opens, bars.close_time[-1] - coarse.ms, "right"))
    return _grouped(bars.until(closed), opens[:closed], coarse)


def _grouped(bars: Bars, opens: npt.NDArray[np.int64], coarse: Timeframe) -> Aggregate:
    if len(bars) == 0:
        none = np.empty(0)
        extra = dict.fromkeys(_additive(bars), none)
        made = Bars(bars.symbol, coarse, opens, none, none, none, none, none, extra)
        return Aggregate(made, none)
    starts = np.flatnonzero(np.diff(opens, prepend=opens[0] - 1))
    counts = np.diff(starts, append=len(opens))
    extra = {name: _sums(bars.extra[name], starts) for name in _additive(bars)}
    made = Bars(
        bars.symbol,
        coarse,
        opens[starts],
        bars.open[starts],
        np.maximum.reduceat(bars.high, starts),
        np.minimum.reduceat(bars.low, starts),
        bars.close[starts + counts - 1],
        _sums(bars.volume, starts),
        extra,
    )
    return Aggregate(made, counts / (coarse.ms // bars.timeframe.ms))


def _sums(column: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    """Sum each group: exactly where all of it is in whole lots, otherwise as floats in order."""
    lots = np.rint(column / LOT)
    per_unit = round(1.0 / LOT)
    whole = (lots / per_unit == column) & (np.abs(lots) < 2.0**53)
    exact = np.add.reduceat(np.where(whole, lots, 0.0).astype(np.int64), starts)
    if whole.all() and np.abs(column).sum() < 2.0**53 * LOT:
        return np.asarray(exact / per_unit, dtype=np.float64)
    groups = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(column)))
    plain = np.bincount(groups, weights=column).astype(np.float64)
    # The sum as floats tells a small sum of lots from one that has wrapped around.
    small = (np.abs(exact) < 2**53) & (np.abs(plain) < 2.0**54 * LOT)
    fits = np.minimum.reduceat(whole, starts) & small
    return np.where(fits, exact / per_unit, plain)


def cascade(
    bars: Bars, timeframes: Iterable[Timeframe | str] | None = None
) -> dict[Timeframe, Aggregate]:
    """Build bars of several timeframes, each from the next finer one; finest first.

    Without `timeframes`: of every one of the nine that `bars` make up.

    Every bar, volume, amount and coverage is the one that `aggregate` makes from `bars` directly,
    to the bit: amounts travel as whole multiples of 1e-8, and a group with one that is none is
    summed from `bars` again. The timeframe of `bars` itself gives back `bars`.

    Raises `UsageError` and `DataError` as `aggregate` does.

    >>> from folkmoot.market.worlds import world
    >>> made = cascade(world("random_walk", 100).bars, ["1d", "4h"])
    >>> {str(timeframe): len(each.bars) for timeframe, each in made.items()}
    {'4h': 25, '1d': 4}
    """
    if timeframes is None:
        timeframes = [step for step in TIMEFRAMES.values() if step.ms % bars.timeframe.ms == 0]
    wanted = {_divided(bars.timeframe, timeframe) for timeframe in timeframes}
    coarse = sorted(wanted - {bars.timeframe}, key=lambda timeframe: timeframe.ms)
    own = {bars.timeframe: Aggregate(bars, np.ones(len(bars)))} if len(coarse) < len(wanted) else {}
    if len(bars) == 0:
        return own | {step: _grouped(bars, bars.open_time, step) for step in coarse}
    return own | _descend(bars, coarse)


def _descend(bars: Bars, timeframes: list[Timeframe]) -> dict[Timeframe, Aggregate]:
    from folkmoot.market.grouping import add_lots, from_lots, group, to_lots

    known, times, step = int(bars.close_time[-1]), bars.open_time, bars.timeframe.ms
    prices = (bars.open, bars.high, bars.low, bars.close)
    rows = np.arange(len(bars) + 1)
    sums = {name: bars.column(name) for name in ("volume", *_additive(bars))}
    lots = {name: to_lots(column) for name, column in sums.items()}
    made: dict[Timeframe, Aggregate] = {}
    for coarse in timeframes:
        span = int(times[-1] - times[0]) // coarse.ms + 2 if len(times) else 0
        grid, most = (coarse.ms, coarse.anchor), min(span, len(times))
        times, out, rows, members, over = group(times, prices, rows, step, grid, known, most)
        if not made:
            _check_boundaries(bars, coarse, 0 if over else int(members[-1]))
        step, prices = coarse.ms, (out[0], out[1], out[2], out[3])
        lots = {name: add_lots(*pair, members) for name, pair in lots.items()}
        extra = {name: from_lots(sums[name], rows, *pair) for name, pair in lots.items()}
        volume = extra.pop("volume")
        built = Bars(bars.symbol, coarse, times, *prices, volume, extra)
        made[coarse] = Aggregate(built, np.diff(rows) / (coarse.ms // bars.timeframe.ms))
    return made


def _check_boundaries(bars: Bars, coarse: Timeframe, start: int) -> None:
    """Raise `DataError` if a bar reaches across a boundary; those before row `start` do not."""
    from folkmoot.market.grouping import crossing

    times = bars.open_time[start:]
    count, first = crossing(times, bars.timeframe.ms, coarse.ms, coarse.anchor)
    if count:
        raise crossed(bars, coarse, count, start + first)


def _additive(bars: Bars) -> list[str]:
    return [name for name in bars.extra if name in ADDITIVE]


def _divided(fine: Timeframe, timeframe: Timeframe | str) -> Timeframe:
    coarse = Timeframe.of(timeframe)
    if coarse.ms % fine.ms:
        raise UsageError(
            f"{fine} bars do not make up {coarse} bars", where="aggregate", allowed="a multiple"
        )
    return coarse


def crossed(bars: Bars, coarse: Timeframe, count: int, first: int) -> DataError:
    """Return the error for bars that reach across a boundary; row `first` is the first one."""
    at = iso(int(bars.open_time[first]))
    return DataError(
        f"{count} {bars.timeframe} bars reach across a {coarse} boundary, first at {at}",
        where=bars.symbol,
    )
