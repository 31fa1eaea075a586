"""One history cut through time for a network: document 004's `WalkForwardDataModule`.

1. Bars become the columns of a feature set, and the log return from the next open for each horizon.
2. The rows that know all columns over a whole window are cut into train, validation and test.
3. A row is in a part only if each of its labels was known before the first decision of the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats, Times
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Features
from folkmoot.core.timeframe import Timeframe
from folkmoot.features import BARS_SET, FeatureSet, Table, feature_set, labels, windows
from folkmoot.features.own import settled
from folkmoot.models import rows
from folkmoot.models.neural.inputs import known_windows
from folkmoot.training.dataset import read_bars

TARGETS = ("close", "open")
PARTS = ("train", "val", "test")
LONGEST_WARMUP = 0.2
"""Share of the history that a column may take to become known; slower ones are left out."""

FEWEST = 30


@dataclass(frozen=True, slots=True)
class Span:
    """Rows `start` (inclusive) to `stop` (exclusive) of the table."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


class WalkForwardDataModule:
    """Features, labels and three parts of one history, later parts unseen by earlier ones.

    `data`: `Bars`, a frame of any common naming, or an array `[n, 5]`. `target_column`: close or
    open; what is foretold is the log return that a decision at a close can earn, from the next open
    to the open `h` bars later, for each of `prediction_horizons`. `train_size`, `val_size` and
    `test_size`: shares, together 1 at most. `features`: a feature set, `timeframe`: that of the
    bars if their stamps do not tell.

    Columns that the training rows never know, or that need more than a fifth of the history to
    become known, are `left_out`. Raises `UsageError` for a share, horizon or column that cannot be,
    `DataError` for a history that is too short, `BadBars` for what no market made.
    """

    def __init__(
        self,
        data: Any,
        target_column: str = "close",
        sequence_length: int = 60,
        prediction_horizons: Sequence[int] = (1, 5, 15, 30),
        train_size: float = 0.7,
        val_size: float = 0.2,
        test_size: float = 0.1,
        *,
        features: str = "core",
        timeframe: str | Timeframe | None = None,
        symbol: str = "market",
    ) -> None:
        if target_column.lower() not in TARGETS:
            raise UsageError(
                f"target_column is {target_column!r}", where="data module", allowed=list(TARGETS)
            )
        _check_shares(train_size, val_size, test_size)
        self.horizons = rows.check_horizons(prediction_horizons)
        if sequence_length < 1:
            raise UsageError(
                f"sequence_length is {sequence_length}", where="data module", allowed="1 or more"
            )
        self.sequence_length = sequence_length
        self.bars = read_bars(data, symbol, timeframe)
        self.features = settled(features)
        self.whole_set = feature_set(self.features, self.bars.timeframe)
        self.columns, self.left_out = self._columns()
        self.table = self.columns.plus(feature_set("bars", self.bars.timeframe)).matrix(self.bars)
        self.parts = self._cut((train_size, val_size, test_size))
        self._leave_out_the_unknown()
        found = [labels(self.bars, horizon) for horizon in self.horizons]
        self.y = np.column_stack([label.y for label in found])
        self.label_known_at: Times = np.column_stack([label.known_at for label in found])
        self._check_rows()

    def get_feature_names(self) -> list[str]:
        """Return the names of the columns that a network is shown, in their order."""
        return list(self.columns.names)

    def x(self, span: Span, lookback: int | None = None) -> Features:
        """Return the rows of a span, each with its window of bars."""
        steps = self.sequence_length if lookback is None else lookback
        begin = span.start - steps + 1
        cut = slice(begin, span.stop)
        values = np.ascontiguousarray(self.table.values[cut])
        table = Table(values, self.table.names, self.table.known_at[cut])
        return windows(table, steps, (*self.columns.names, *BARS_SET))

    def labels_known_in(self, span: Span) -> Floats:
        """Return `y[rows, horizons]`, NaN where a label was not known before the span's end.

        The first decision after the span is taken when its own bar closes; the row before it is the
        last whose close is surely past.
        """
        moment = self.table.known_at[span.stop - 1]
        cut = slice(span.start, span.stop)
        return np.where(self.label_known_at[cut] <= moment, self.y[cut], np.nan)

    def part(self, name: str) -> npt.NDArray[np.int64]:
        """Return the table's rows in `train`, `val` or `test` whose every label is known in it."""
        if name not in PARTS:
            raise UsageError(f"no part {name!r}", where="data module", allowed=list(PARTS))
        span = self.parts[PARTS.index(name)]
        whole = np.isfinite(self.labels_known_in(span)).all(axis=1)
        known = self._known(self.columns.names)[span.start : span.stop]
        return span.start + np.flatnonzero(whole & known)

    @property
    def learnt_from(self) -> Span:
        """The rows of train and validation."""
        return Span(self.parts[0].start, self.parts[1].stop)

    @property
    def tested_on(self) -> Span:
        """The rows of test."""
        return self.parts[2]

    def holdout(self, names: Sequence[str]) -> float:
        """Return the share of the usable rows of train and validation that validation is.

        `names`: the columns that the network reads. Raises `DataError` if no such row is usable.
        """
        span = self.learnt_from
        usable = self._known(tuple(names))[span.start : span.stop]
        usable &= np.isfinite(self.labels_known_in(span)).any(axis=1)
        held_out = int(usable[len(self.parts[0]) :].sum())
        if not held_out:
            raise DataError(
                "no row of validation knows its features and a label",
                where="data module",
                allowed="a longer history, or shorter horizons",
            )
        # Half a row less, so that rounding the rest down gives exactly the rows before the cut.
        return (held_out - 0.5) / int(usable.sum())

    def _columns(self) -> tuple[FeatureSet, tuple[str, ...]]:
        most = LONGEST_WARMUP * len(self.bars)
        slow = [c.name for c in self.whole_set.columns if c.warmup > most]
        return self.whole_set.without(slow), tuple(slow)

    def _cut(self, shares: tuple[float, ...]) -> tuple[Span, Span, Span]:
        first = self.columns.warmup + self.sequence_length - 1
        n = len(self.bars) - first
        if n < FEWEST:
            raise DataError(
                f"{len(self.bars)} bars leave {max(n, 0)} rows with a window of known features",
                where="data module",
                allowed=f"{first + FEWEST} bars or more",
            )
        marks = [first + round(n * sum(shares[:k])) for k in range(4)]
        return Span(*marks[:2]), Span(*marks[1:3]), Span(*marks[2:])

    def _leave_out_the_unknown(self) -> None:
        """Leave out what the training rows never know; later rows are not looked at."""
        span = Span(self.parts[0].start - self.sequence_length + 1, self.parts[0].stop)
        values = self.table.of(*self.columns.names)[span.start : span.stop]
        silent = np.flatnonzero(np.isnan(values).all(axis=0))
        names = [self.columns.names[place] for place in silent]
        self.columns = self.columns.without(names)
        self.left_out += tuple(names)

    def _known(self, names: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Return, for each row of the table, whether its whole window knows the columns."""
        known = rows.known(self.table.of(*names, "ewma_vol"))
        steps = self.sequence_length
        starts = np.arange(len(known) - steps + 1)
        late = known_windows(known, starts, steps)
        return np.concatenate((np.zeros(steps - 1, dtype=np.bool_), late))

    def _check_rows(self) -> None:
        found = len(self.part("train"))
        if found < FEWEST:
            raise DataError(
                f"{found} rows of train know their features and labels",
                where="data module",
                allowed=f"{FEWEST} or more: a longer history, or shorter horizons",
            )
        self.holdout(self.columns.names)


def _check_shares(train: float, val: float, test: float) -> None:
    shares = (train, val, test)
    if not all(0.0 < share < 1.0 for share in shares) or sum(shares) > 1.0 + 1e-9:
        raise UsageError(
            f"train, val and test are {shares}",
            where="data module",
            allowed="each above 0, together 1 at most",
        )
    if val >= train:
        raise UsageError(
            f"val_size {val} is not below train_size {train}",
            where="data module",
            allowed="less validation than training",
        )
