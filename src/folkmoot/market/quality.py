"""What a series of bars looks like from outside: holes, oddities, and marks of its history."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Bars, Floats
from folkmoot.core.frames import Reading
from folkmoot.core.stamps import iso
from folkmoot.core.timeframe import TIMEFRAMES
from folkmoot.market.calendar import Calendar

DAY = TIMEFRAMES["1d"].ms
HOUR = TIMEFRAMES["1h"].ms
LISTED = 10
"""How many of each finding are listed; the counts are of all."""
SPIKE = 10.0
"""Robust standard deviations from which a return is a spike."""
RATIOS = (*map(float, range(2, 21)), 25.0, 50.0, 100.0, 1000.0)
"""Changes of scale that splits and changed units make; shares do lose a third in a night."""
CLOSENESS = 0.02
BLOCK = 100
"""Bars, and at least a week of them, whose median volume is compared with the next block's."""
VOLUME_RATIO = 20.0


@dataclass(frozen=True, slots=True)
class Quality:
    """A report on one series; times are ISO 8601 UTC, `None` where a share is unknown.

    `gaps` and `spikes` list the largest, `scale_jumps` all moves between two bars that look like a
    split or a change of unit. `refused` is (row, reason) from reading, rows counted from 0; row n
    is line `first_line` + n of the file. `duplicates` is `None` where nobody saw the file itself.
    Weekend gaps are apart from other gaps where the market closes on Saturdays.

    Where the `venue` was given its calendar decides instead: gaps and missing bars are of the time
    it was open, `scheduled_gaps` the breaks that are closures of its, weekends among them, and
    `outside_hours` the bars that are there though it was closed. Without one both are `None`.
    """

    symbol: str
    timeframe: str
    rows: int
    first: str
    last: str
    duplicates: int | None
    refused: list[tuple[int, str]]
    first_line: int | None
    gap_count: int
    missing_bars: int
    weekend_gaps: int
    gaps: list[tuple[str, int]]
    zero_volume: int | None
    flat: int
    spike_count: int
    spikes: list[tuple[str, float]]
    scale_jumps: list[tuple[str, float]]
    volume_jumps: list[tuple[str, float]]
    time_zone: str
    hints: list[str]
    venue: str | None = None
    scheduled_gaps: int | None = None
    outside_hours: int | None = None

    @property
    def passed(self) -> bool:
        """Whether no row was refused and no jump looks like a change of scale."""
        return not self.refused and not self.scale_jumps

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON types, `passed` first."""
        return {"passed": self.passed, **asdict(self)}

    def lines(self) -> list[str]:
        """Return the report in words, one finding a line."""
        said = [
            f"{self.symbol} {self.timeframe}: {self.rows} bars, {self.first} to {self.last}",
            *self.findings(),
            f"time zone: {self.time_zone}",
        ]
        if self.refused:
            lines = "" if self.first_line is None else ", lines of the file from 1"
            said.append(f"bad rows: {len(self.refused)}, counted from 0{lines}")
        said += [f"refused {place(row, self.first_line)}: {reason}" for row, reason in self.refused]
        said += [f"gap of {bars} bars before {at}" for at, bars in self.gaps]
        said += [f"price changes scale by {x:.4g} at {at}" for at, x in self.scale_jumps]
        said += [f"volume changes scale by {x:.4g} near {at}" for at, x in self.volume_jumps]
        said += self.hints
        return [*said, "passed" if self.passed else "not passed"]

    def findings(self) -> list[str]:
        """Return the counts in words; of duplicates only where the file itself was seen."""
        volume = "unknown" if self.zero_volume is None else f"zero on {self.zero_volume} bars"
        dropped = "" if self.duplicates is None else f"duplicates dropped: {self.duplicates}; "
        rest = f"weekends: {self.weekend_gaps}"
        if self.venue is not None:
            rest = f"closures of {self.venue}: {self.scheduled_gaps}"
            rest += f", bars outside its hours: {self.outside_hours}"
        return [
            f"gaps: {self.gap_count} ({self.missing_bars} bars), {rest}",
            f"{dropped}flat bars: {self.flat}; volume: {volume}",
            f"moves beyond {SPIKE:g} robust sigmas: {self.spike_count}",
        ]


def place(row: int, first_line: int | None) -> str:
    """Return the number of a refused row in words, with its line where the file has lines.

    >>> place(10, 2)
    'row 10 (line 12)'
    """
    return f"row {row}" if first_line is None else f"row {row} (line {first_line + row})"


def check(data: Bars | Reading, venue: Calendar | str | None = None) -> Quality:
    """Report on bars, or on a reading with its refused rows and duplicates; change nothing.

    With a `venue` ("nyse", see `Calendar`) its scheduled closures are told from missing bars.
    """
    seen = isinstance(data, Reading)
    reading = data if isinstance(data, Reading) else Reading(data, [], 0, [])
    bars = reading.bars
    missing, weekend, told = _gaps(bars, None if venue is None else Calendar.of(venue))
    other = np.flatnonzero((missing > 0) & ~weekend)
    moves, sigma = _moves(bars)
    spikes = np.flatnonzero(np.abs(moves) > SPIKE * sigma) + 1
    return Quality(
        symbol=bars.symbol,
        timeframe=bars.timeframe.label,
        rows=len(bars),
        first=iso(int(bars.open_time[0])) if len(bars) else "",
        last=iso(int(bars.open_time[-1])) if len(bars) else "",
        duplicates=reading.duplicates if seen else None,
        refused=list(reading.refused),
        first_line=reading.first_line,
        gap_count=len(other),
        missing_bars=int(missing[other].sum()),
        weekend_gaps=int(weekend.sum()),
        gaps=[
            (iso(int(bars.open_time[row + 1])), int(missing[row])) for row in _top(missing, other)
        ],
        zero_volume=None if np.isnan(bars.volume).all() else int((bars.volume == 0.0).sum()),
        flat=int((bars.high == bars.low).sum()),
        spike_count=len(spikes),
        spikes=[
            (iso(int(bars.open_time[row])), float(moves[row - 1]))
            for row in _top(np.abs(np.append(0.0, moves)), spikes)
        ],
        scale_jumps=_scale_jumps(bars),
        volume_jumps=_volume_jumps(bars),
        time_zone=_time_zone(bars),
        hints=[*reading.notes, *_hints(bars)],
        **told,
    )


def _top(size: npt.NDArray[Any], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the rows with the largest sizes, in order of time."""
    return np.sort(rows[np.argsort(-size[rows], kind="stable")[:LISTED]])


def _gaps(
    bars: Bars, venue: Calendar | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], dict[str, Any]]:
    """Return the bars missing after each bar, if they are a weekend, and what the venue knows."""
    if venue is None:
        return *_gaps_by_clock(bars), {}
    found = venue.bars_missing(bars)
    # Bars that open within their slot of the grid count as being there.
    before = np.searchsorted(found.missing, bars.open_time)
    told = {
        "venue": venue.name,
        "scheduled_gaps": found.closures,
        "outside_hours": len(found.outside),
    }
    return np.diff(before), np.zeros(max(len(bars) - 1, 0), dtype=bool), told


def _gaps_by_clock(bars: Bars) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the bars missing after each bar, and whether they are a weekend of the market."""
    # A daily session that shifts with summer time is an hour early or late, not missing.
    missing = np.rint(np.diff(bars.open_time) / bars.timeframe.ms).astype(np.int64) - 1
    if not _rests(bars):
        return missing, np.zeros(len(missing), dtype=bool)
    # The epoch began on a Thursday: weeks from Sunday start 4 days earlier.
    week = (bars.close_time[:-1] + 4 * DAY) // (7 * DAY)
    saturday = week * 7 * DAY - 4 * DAY + 13 * DAY // 2
    spans = (bars.close_time[:-1] <= saturday) & (saturday < bars.open_time[1:])
    return missing, (missing > 0) & spans


def _rests(bars: Bars) -> bool:
    """Whether the market is closed on Saturdays and was watched for long enough to tell."""
    if len(bars) < 2 or bars.timeframe.ms > DAY or np.ptp(bars.open_time) < 14 * DAY:
        return False
    weekday = (bars.open_time // DAY + 3) % 7
    return float((weekday == 5).mean()) < 0.01


def _moves(bars: Bars) -> tuple[Floats, float]:
    """Return close-to-close log returns and their robust standard deviation."""
    moves = np.diff(np.log(bars.close))
    if len(moves) == 0:
        return moves, np.inf
    sigma = 1.4826 * float(np.median(np.abs(moves - np.median(moves))))
    return moves, sigma or float(moves.std()) or np.inf


def _scale_jumps(bars: Bars) -> list[tuple[str, float]]:
    """Return the moves from a close to the next open that are a plain ratio and far too large."""
    jump = np.log(bars.open[1:]) - np.log(bars.close[:-1])
    _, sigma = _moves(bars)
    elapsed = np.diff(bars.open_time) / bars.timeframe.ms
    ratio = np.exp(np.abs(jump))
    plain = np.min(np.abs(ratio[:, None] / np.array(RATIOS) - 1.0), axis=1) < CLOSENESS
    odd = np.flatnonzero(plain & (np.abs(jump) > 2.0 * SPIKE * sigma * np.sqrt(elapsed)))
    return [(iso(int(bars.open_time[row + 1])), float(np.exp(jump[row]))) for row in odd]


def _volume_jumps(bars: Bars) -> list[tuple[str, float]]:
    size = max(BLOCK, 7 * DAY // bars.timeframe.ms)
    blocks = len(bars) // size
    if blocks < 2 or np.isnan(bars.volume).any():
        return []
    level = np.median(bars.volume[: blocks * size].reshape(blocks, size), axis=1)
    if (level <= 0.0).any():
        return []
    ratio = level[1:] / level[:-1]
    odd = np.flatnonzero((ratio > VOLUME_RATIO) | (ratio < 1.0 / VOLUME_RATIO)) + 1
    return [(iso(int(bars.open_time[row * size])), float(ratio[row - 1])) for row in odd]


def _hints(bars: Bars) -> list[str]:
    """Say what the stamps suggest about sessions and time zone."""
    hints = []
    offset = (bars.open_time - bars.timeframe.anchor) % bars.timeframe.ms
    off_grid = float((offset != 0).mean()) if len(bars) else 0.0
    if off_grid > 0.0:
        hints.append(f"{off_grid:.1%} of the stamps are off the {bars.timeframe} grid of UTC")
    if not _rests(bars):
        return hints
    hints.append("the market is closed on Saturdays")
    return hints


def _time_zone(bars: Bars) -> str:
    """Say what all times are in, what was assumed, and what the session hours make of it."""
    said = ["UTC; stamps that named no zone were taken as UTC"]
    if bars.timeframe.ms <= HOUR:
        sessions = _session_hints(bars) if _rests(bars) else []
        said += sessions or ["no session hours to check it by"]
    return "; ".join(said)


def _session_hints(bars: Bars) -> list[str]:
    hour = bars.open_time // HOUR % 24
    counts = np.bincount(hour, minlength=24)
    closed = np.flatnonzero(counts < 0.02 * counts.max())
    if len(closed) == 0:
        return []
    hints = [f"no bars open at the hours {', '.join(map(str, closed))} UTC"]
    month = bars.open_time.astype("datetime64[ms]").astype("datetime64[M]").astype(int) % 12
    winter = np.bincount(hour[np.isin(month, (11, 0, 1))], minlength=24)
    summer = np.bincount(hour[np.isin(month, (5, 6, 7))], minlength=24)
    if winter.sum() < BLOCK or summer.sum() < BLOCK:
        return hints
    shift = max((-1, 0, 1), key=lambda one: float(np.roll(winter, one) @ summer))
    if shift == 0:
        hints.append("session hours do not move with summer time: check that stamps are UTC")
    else:
        hints.append("session hours move with summer time, as a local session in UTC does")
    return hints
