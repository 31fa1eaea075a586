"""Coarser bars from finer ones, on the calendar's grid and only once they have closed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.stamps import iso
from folkmoot.core.timeframe import Timeframe

ADDITIVE = frozenset(
    {
        "quote_volume", "quote_asset_volume", "trades", "number_of_trades", "count", "tradecount",
        "taker_base_volume", "taker_buy_volume", "taker_buy_base_asset_volume",
        "taker_quote_volume", "taker_buy_quote_volume", "taker_buy_quote_asset_volume",
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
    is exact; others as floats. Extra columns in `ADDITIVE` are summed, all others are dropped.

    Raises `UsageError` if the finer bars do not divide the coarser ones, and `DataError` if one of
    them reaches across a boundary, since part of it would then be known too early.
    """
    coarse = Timeframe.of(timeframe)
    fine = bars.timeframe
    if coarse.ms % fine.ms:
        raise UsageError(
            f"{fine} bars do not make up {coarse} bars", where="aggregate", allowed="a multiple"
        )
    opens = (bars.open_time - coarse.anchor) // coarse.ms * coarse.ms + coarse.anchor
    across = np.flatnonzero(bars.close_time > opens + coarse.ms)
    if len(across):
        at = iso(int(bars.open_time[across[0]]))
        raise DataError(
            f"{len(across)} {fine} bars reach across a {coarse} boundary, first at {at}",
            where=bars.symbol,
        )
    closed = len(bars) and int(np.searchsorted(opens, bars.close_time[-1] - coarse.ms, "right"))
    return _grouped(bars.until(closed), opens[:closed], coarse)


def _grouped(bars: Bars, opens: npt.NDArray[np.int64], coarse: Timeframe) -> Aggregate:
    if len(bars) == 0:
        none = np.empty(0)
        return Aggregate(Bars(bars.symbol, coarse, opens, none, none, none, none, none), none)
    starts = np.flatnonzero(np.diff(opens, prepend=opens[0] - 1))
    counts = np.diff(starts, append=len(opens))
    extra = {name: _sums(column, starts) for name, column in bars.extra.items() if name in ADDITIVE}
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
    """Sum each group: exactly where all of it is in whole lots, otherwise as floats."""
    lots = np.rint(column / LOT)
    per_unit = round(1.0 / LOT)
    whole = (lots / per_unit == column) & (np.abs(lots) < 2.0**53)
    exact = np.add.reduceat(np.where(whole, lots, 0.0).astype(np.int64), starts)
    fits = np.minimum.reduceat(whole, starts) & (np.abs(exact) < 2**53)
    plain: Floats = np.add.reduceat(column, starts)
    return np.where(fits, exact / per_unit, plain)
