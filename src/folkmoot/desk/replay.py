"""A voice that repeats what a committee said over history."""

from collections.abc import Sequence
from struct import Struct
from typing import Any

import numpy as np

from folkmoot.committee.minutes import STATUSES, Minutes
from folkmoot.core.bars import Bar
from folkmoot.core.errors import DataError
from folkmoot.desk.hearing import Hearing, Rows, rounded, spoken
from folkmoot.training.ballots import Ballots

# Rows turned into Python numbers at a time: a whole history of them would fill the memory.
_CHUNK = 4096


class ReplayVoice:
    """Read the minutes by each bar's close; the members speak in the order of `names`.

    `names` are members of the minutes (all of them if not given); their own quantiles come from
    the ballots. Raises `DataError` for a bar on which there was no meeting.
    """

    def __init__(
        self,
        minutes: Minutes,
        ballots: Ballots,
        symbol: str,
        names: Sequence[str] | None = None,
        *,
        horizon: int = 1,
    ) -> None:
        self._minutes, self._ballots = minutes, ballots
        self._symbol, self._horizon = symbol, horizon
        self._names = tuple(minutes.names if names is None else names)
        self._seats = [minutes.names.index(name) for name in self._names]
        self._columns = [ballots.members.index(name) for name in self._names]
        self._times = np.asarray(ballots.known_at)
        self._hearings: list[Hearing] = []
        self._closes: list[int] = []
        self._first, self._next = 0, 0

    def hear(self, bar: Bar) -> Hearing:
        """Say what the committee said at the close of `bar`."""
        known_at = bar.close_time
        row = self._next - self._first
        if row >= len(self._closes) or self._closes[row] != known_at:
            row = self._find(known_at)
        self._next = self._first + row + 1
        return self._hearings[row]

    def _find(self, known_at: int) -> int:
        row = int(np.searchsorted(self._times, known_at))
        if row == len(self._times) or self._times[row] != known_at:
            raise DataError(f"no meeting was held on the bar closing at {known_at}", where="replay")
        if not self._first <= row < self._first + len(self._closes):
            self._first = row // _CHUNK * _CHUNK
            rows = self._read(slice(self._first, self._first + _CHUNK))
            self._closes = list(rows.known_at)
            self._hearings = spoken(self._symbol, self._horizon, self._names, rows)
        return row - self._first

    def _read(self, span: slice) -> Rows:
        minutes = self._minutes
        own = rounded(self._ballots.quantiles[span])
        return Rows(
            self._times[span].tolist(),
            [STATUSES[status] for status in minutes.status[span]],
            minutes.p_up[span].tolist(),
            _tuples(rounded(minutes.quantiles[span])),
            minutes.confidence[span].tolist(),
            _tuples(minutes.interval[span]),
            minutes.n_evidence[span].tolist(),
            minutes.life[span].tolist(),
            [minutes.calibrated[span, seat].tolist() for seat in self._seats],
            [minutes.weights[span, seat].tolist() for seat in self._seats],
            [_tuples(own[:, column]) for column in self._columns],
        )


def _tuples(table: Any) -> list[Any]:
    """Return the rows of a table as tuples of Python floats."""
    values = np.ascontiguousarray(table, dtype="<f8")
    return list(Struct(f"<{values.shape[-1]}d").iter_unpack(values.tobytes()))
