"""Document 000's rule as a voice: its call on every bar, at the hit rate it has earned so far.

1. The readings come from one causal program, over history at once and then bar by bar.
2. At each close the label that has just matured is settled first: it counts towards the base rate
   and, if the rule had called a side on its row, towards that side's record. Unknown returns and
   returns of zero count for neither.
3. p_up of a call is the mean of a Beta posterior: the side's record, with a prior worth `PRIOR`
   outcomes at the base rate. Labels that overlap for h bars count 1 / h each.

So nothing is fitted, and a bar's hearing depends on no later one.
"""

import math
from bisect import bisect_left
from collections import deque
from typing import NamedTuple

import numpy as np

from folkmoot.core.bars import Bar, Bars, Floats
from folkmoot.core.decision import Signal
from folkmoot.core.errors import DataError
from folkmoot.desk import Hearing
from folkmoot.features import labels
from folkmoot.features.rule import Readings, program, score, side
from folkmoot.strategies.rsi_macd_volume import INSUFFICIENT, opinion

PRIOR = 20.0
"""How many outcomes at the base rate a side's record starts from."""
_UNKNOWN = (math.nan, math.nan)


class _Said(NamedTuple):
    """One bar: the score, and the Beta posterior of a rise with the outcomes behind it."""

    score: float
    rises: float
    falls: float
    n: int


class _Record:
    """Rises and outcomes after each call, and after any bar, in the order they became known."""

    def __init__(self, horizon: int) -> None:
        self.rises = dict.fromkeys(Signal, 0)
        self.outcomes = dict.fromkeys(Signal, 0)
        self._calls: deque[Signal] = deque(maxlen=horizon + 1)
        self._horizon = horizon

    def say(self, total: float, matured: float) -> _Said:
        """Settle the log return that has `matured` with this bar, then judge this bar's score."""
        if len(self._calls) > self._horizon and abs(matured) > 0.0:
            called = self._calls[0]
            self.rises[called] += matured > 0.0
            self.outcomes[called] += 1
        signal = side(total)
        self._calls.append(signal)
        h, rises, n = self._horizon, self.rises[signal], self.outcomes[signal]
        base = (sum(self.rises.values()) / h + 1.0) / (sum(self.outcomes.values()) / h + 2.0)
        up, down = rises / h + PRIOR * base, (n - rises) / h + PRIOR * (1.0 - base)
        return _Said(total, up, down, n)


class RuleVoice:
    """Speak for the rule on the rows of `bars`, in any order, and then on bars that follow.

    A bar between two known ones, or earlier than all, was never heard: `DataError`.
    """

    def __init__(self, bars: Bars, horizon: int = 1) -> None:
        self._symbol, self._horizon = bars.symbol, horizon
        values, self._stream = program().warm(bars)
        self._times: list[int] = bars.open_time.tolist()
        self._tail = deque(bars.rows(max(len(bars) - horizon - 2, 0), len(bars)), horizon + 2)
        self._record = _Record(horizon)
        matured = np.full(len(bars), math.nan)
        matured[horizon + 1 :] = labels(bars, horizon).y[: max(len(bars) - horizon - 1, 0)]
        rows = zip(values.tolist(), matured.tolist(), strict=True)
        self._said = [self._record.say(score(Readings(*row)), y) for row, y in rows]
        known = (row for row, said in enumerate(self._said) if not math.isnan(said.score))
        self._first = next(known, math.inf)

    def hear(self, bar: Bar) -> Hearing:
        """Say what the rule calls at the close of `bar`."""
        row = bisect_left(self._times, bar.open_time)
        if row == len(self._times):
            self._take(bar)
        if self._times[row] != bar.open_time:
            raise DataError(
                f"the bar opening at {bar.open_time} was never heard",
                where="rule voice",
                allowed="a bar of the history, or one after the latest",
            )
        return self._speak(row, bar.close_time)

    def _take(self, bar: Bar) -> None:
        readings = Readings(*self._stream.push_row(bar).tolist())
        self._tail.append(bar)
        full = len(self._tail) == self._horizon + 2
        matured = float(labels(_bars(self._tail), self._horizon).y[0]) if full else math.nan
        said = self._record.say(score(readings), matured)
        if math.isinf(self._first) and not math.isnan(said.score):
            self._first = len(self._times)
        self._times.append(bar.open_time)
        self._said.append(said)

    def _speak(self, row: int, known_at: int) -> Hearing:
        said = self._said[row]
        called = side(said.score)
        p_up = said.rises / (said.rises + said.falls)
        hit = 1.0 - p_up if called is Signal.SELL else p_up
        belief = opinion(self._symbol, known_at, said.score, hit, self._horizon)
        if math.isnan(said.score):
            status = "warming" if row < self._first else "unknown_features"
            return Hearing(status, belief, (), math.nan, _UNKNOWN, 0, (), INSUFFICIENT)
        if called is Signal.HOLD:
            return Hearing("ok", belief, (), math.nan, _UNKNOWN, 0)
        # A hearing's confidence is about the likelier side, whichever the rule has called.
        ahead = (said.rises, said.falls) if p_up >= 0.5 else (said.falls, said.rises)
        return Hearing("ok", belief, (), max(p_up, 1.0 - p_up), _middle(*ahead), said.n)


def _middle(a: float, b: float) -> tuple[float, float]:
    """Return the central 80 % of a Beta distribution."""
    from scipy import special

    return float(special.betaincinv(a, b, 0.1)), float(special.betaincinv(a, b, 0.9))


def _bars(tail: "deque[Bar]") -> Bars:
    rows = list(tail)
    times = np.array([bar.open_time for bar in rows], np.int64)
    table: Floats = np.array([[b.open, b.high, b.low, b.close, b.volume] for b in rows]).T
    return Bars(rows[0].symbol, rows[0].timeframe, times, *table)
