"""What our functions are held against: one case for each number that somebody else computed.

A source (`oracle_*.py` beside this file) yields cases; `findings` computes ours on the case's
market and measures. The tests assert the findings, docs/oracles.py writes them down.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from folkmoot.causal import Expr, compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.indicators import expressions

SOURCES = ("tradingview", "golden", "stock", "chartschool", "tulip", "talib", "composed")
STREAMED = 1_000
ORACLES = Path(__file__).parents[3] / "shared" / "data" / "oracles"


@dataclass(frozen=True, slots=True)
class Case:
    """Our expression on a market, and what the reference says there (NaN where it is silent).

    The first `start` bars are left out: there the reference begins otherwise, as `note` says. A
    reference is `sampled` if it has numbers for some of the bars alone; any other must be unknown
    between two of its numbers only where ours is.
    """

    function: str
    reference: str
    ours: Expr
    market: Bars
    theirs: Floats
    tolerance: float = 1e-9
    start: int = 0
    note: str = ""
    sampled: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """How far a case is off: the largest |ours - theirs| / max(1, |theirs|) over `bars` bars.

    `streams`: whether ours, bar by bar, has the bits that it has over history, tried on the
    first `STREAMED` bars.
    """

    function: str
    reference: str
    bars: int
    error: float
    tolerance: float
    streams: bool
    note: str

    @property
    def agrees(self) -> bool:
        """Whether anything was compared and nothing is further off than the tolerance."""
        return self.bars > 0 and self.error <= self.tolerance


def every_finding(oracles: Path = ORACLES) -> list[Finding]:
    """Measure the cases of every source."""
    modules = [import_module(f"tests.indicators.oracle_{source}") for source in SOURCES]
    return list(findings(case for module in modules for case in module.cases(oracles)))


def findings(cases: Iterable[Case]) -> Iterator[Finding]:
    """Measure every case; those of one market are computed by one program."""
    markets: dict[int, list[Case]] = {}
    for case in cases:
        markets.setdefault(id(case.market), []).append(case)
    for group in markets.values():
        market = group[0].market
        program = compile({str(k): case.ours for k, case in enumerate(group)}, market.timeframe)
        values, stream = program.matrix(market), program.stream()
        rows = np.array([stream.push_row(bar).copy() for bar in market.until(STREAMED)])
        seen = values[: len(rows)]
        same = ((rows == seen) | (np.isnan(rows) & np.isnan(seen))).all(axis=0)
        for k, case in enumerate(group):
            yield _measured(case, values[:, k], bool(same[k]))


def _measured(case: Case, ours: Floats, streams: bool) -> Finding:
    compared = ~np.isnan(case.theirs)
    compared[: case.start] = False
    bars, theirs = int(compared.sum()), case.theirs[compared]
    apart = np.abs(ours[compared] - theirs) / np.maximum(1.0, np.abs(theirs))
    # A value that only the reference knows is a difference.
    error = float(np.max(np.where(np.isnan(apart), np.inf, apart), initial=0.0))
    if (~np.isnan(ours) & _silent(case)).any():
        error = np.inf
    if not bars and np.isnan(ours).all():
        bars = len(ours)
    note = "; ".join(filter(None, (case.note, _earlier(case, ours))))
    return Finding(case.function, case.reference, bars, error, case.tolerance, streams, note)


def _silent(case: Case) -> NDArray[np.bool_]:
    """Mark the bars between the reference's first and last number on which it has none."""
    known = np.flatnonzero(~np.isnan(case.theirs))
    inside = np.isnan(case.theirs)
    if case.sampled or not len(known):
        return np.zeros_like(inside)
    inside[: max(known[0], case.start)] = False
    inside[known[-1] :] = False
    return inside


def _earlier(case: Case, ours: Floats) -> str:
    """Say by how many bars ours is known before the reference is."""
    firsts = [np.flatnonzero(~np.isnan(values)) for values in (ours, case.theirs)]
    if case.sampled or not all(map(len, firsts)) or firsts[0][0] >= firsts[1][0]:
        return ""
    return f"its warm-up is longer by {firsts[1][0] - firsts[0][0]}"


def without_oracle(found: Sequence[Finding]) -> list[str]:
    """Return the indicators of which no output is held against anything."""
    held = {finding.function.split(".")[0].split("(")[0] for finding in found}
    return sorted({name.split(".")[0] for name in expressions()} - held)


def bars_of(columns: dict[str, Floats], timeframe: str = "1d", name: str = "ORACLE") -> Bars:
    """Make bars of the columns that an example gives; a price it lacks is one that it has.

    Columns with other names than a bar's become extra ones. High and low are widened to hold
    what their own rounding cut off.
    """
    known = dict(columns)
    high = known.pop("high", known.get("close"))
    low = known.pop("low", known.get("close"))
    close = known.pop("close", None)
    close = (high + low) / 2.0 if close is None else np.where(np.isnan(close), low, close)
    open_ = known.pop("open", close)
    volume = known.pop("volume", np.full(len(close), np.nan))
    high = np.maximum.reduce([open_, high, low, close])
    low = np.minimum.reduce([open_, low, close])
    frame = Timeframe.of(timeframe)
    times = frame.ms * np.arange(len(close), dtype=np.int64)
    return Bars(name, frame, times, open_, high, low, close, volume, known)


@cache
def btc(oracles: Path) -> Bars:
    """Read 3,000 hours of BTC-USDT, across two holes of the exchange."""
    import pyarrow.parquet as pq

    table = pq.read_table(oracles.parent / "ohlcv" / "BTC-USDT_1h.parquet").slice(10_000, 3_000)
    times = table["timestamp"].cast("int64").to_numpy()
    columns = (table[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    return Bars("BTC-USDT", Timeframe.of("1h"), times, *columns)


def at_end(values: Sequence[float], length: int) -> Floats:
    """Return the values as the last ones of a series of that length, NaN before."""
    whole = np.full(length, np.nan)
    whole[length - len(values) :] = values
    return whole


def shifted(values: Floats, by: int) -> Floats:
    """Return what a chart draws `by` bars back, on the bars on which it is known."""
    return np.concatenate((np.full(by, np.nan), values[: len(values) - by]))
