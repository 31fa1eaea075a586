"""Scales fitted on the rows they are given: z-score, min-max, robust, rank.

Every scaler is fitted once, column by column, on known values; what is unknown or infinite stays
NaN. A column without a known value is NaN for ever, and one of a single value has no scale: see
each class. A fitted scaler is a dictionary that JSON can hold.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError

QUARTILES_TO_SD = 1.3489795003921634
"""The distance between the quartiles of a standard normal variable."""


class Scaler:
    """What the four have in common; rows are time, columns are features.

    Frames and series of pandas come back as such, with their index and names; all else is
    float64, `[n]` or `[n, columns]`.
    """

    kind: ClassVar[str] = ""

    def __init__(self) -> None:
        self._numbers: dict[str, Floats] = {}
        self._names: list[str] | None = None

    @property
    def fitted(self) -> bool:
        """Whether it has been fitted."""
        return bool(self._numbers)

    def fit(self, values: Any) -> Self:
        """Learn the scale of every column and return the scaler.

        Raises `UsageError` if it is fitted already (its rows are its past; make another), or for
        data of another shape, `DataError` for what is not numeric.
        """
        if self.fitted:
            raise UsageError(f"the {self.kind} scaler is fitted already", where="scaling")
        matrix = _matrix(values)
        if not len(matrix):
            raise DataError("no rows to fit on", where="scaling")
        self._names = _names(values)
        self._numbers = _by_column(self._learn, matrix)
        return self

    def transform(self, values: Any) -> Any:
        """Return scaled values; raises `UsageError` before `fit` or for other columns."""
        if not self.fitted:
            raise UsageError(f"the {self.kind} scaler is not fitted", where="scaling")
        matrix, names = _matrix(values), _names(values)
        columns = len(next(iter(self._numbers.values())))
        if matrix.shape[1] != columns or (names and self._names and names != self._names):
            raise UsageError(
                f"columns {names or matrix.shape[1]}",
                where="scaling",
                allowed=self._names or f"{columns} columns",
            )
        known = np.isfinite(matrix)
        scaled = self._apply(np.where(known, matrix, 0.0))
        scaled[~known] = np.nan
        return _like(values, scaled)

    def fit_transform(self, values: Any) -> Any:
        """Fit on the values and return them scaled."""
        return self.fit(values).transform(values)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as JSON can hold it (NaN as None)."""
        numbers = {name: _plain(array) for name, array in self._numbers.items()}
        return {"kind": self.kind, "names": self._names, "numbers": numbers}

    def _learn(self, column: Floats) -> dict[str, Floats]:
        """Return the numbers of one column from its known values, of which there is one or more."""
        raise NotImplementedError

    def _apply(self, matrix: Floats) -> Floats:
        raise NotImplementedError


class _Linear(Scaler):
    """(x - centre) / spread; a column without a spread becomes its `still` value."""

    still: ClassVar[float] = 0.0

    def _apply(self, matrix: Floats) -> Floats:
        spread = self._numbers["spread"]
        moved = spread != 0.0
        scaled: Floats = (matrix - self._numbers["centre"]) / np.where(moved, spread, 1.0)
        return np.where(moved, scaled, self.still)


class ZScoreScaler(_Linear):
    """Distance from the mean in standard deviations (divided by n); a constant column becomes 0."""

    kind = "z_score"

    def _learn(self, column: Floats) -> dict[str, Floats]:
        return _line(column, column.mean(), column.std())


class RobustScaler(_Linear):
    """Distance from the median in quartile distances / 1.349, which a normal law makes standard.

    A column that rests on one value on more than half of the rows (an event) is scaled by its
    mean and standard deviation, a constant one becomes 0.
    """

    kind = "robust"

    def _learn(self, column: Floats) -> dict[str, Floats]:
        low, centre, high = np.quantile(column, (0.25, 0.5, 0.75))
        if high > low:
            return _line(column, centre, (high - low) / QUARTILES_TO_SD)
        return _line(column, column.mean(), column.std())


class MinMaxScaler(_Linear):
    """From 0 at the smallest value fitted to 1 at the largest; a constant column becomes 0.5.

    Later values may lie outside: they are not clipped.
    """

    kind = "min_max"
    still = 0.5

    def _learn(self, column: Floats) -> dict[str, Floats]:
        return _line(column, column.min(), column.max() - column.min())


class RankScaler(Scaler):
    """The share of fitted values below, from 0 to 1, ties counting half.

    It is read off 1,001 quantiles with straight lines between them; the only value of a constant
    column is 0.5, what lies below it 0 and above it 1.
    """

    kind = "rank"
    KNOTS: ClassVar[int] = 1001

    def _learn(self, column: Floats) -> dict[str, Floats]:
        return {"knots": np.quantile(column, np.linspace(0.0, 1.0, self.KNOTS))}

    def _apply(self, matrix: Floats) -> Floats:
        scaled = np.full(matrix.shape, np.nan)
        for j, knots in enumerate(self._numbers["knots"]):
            if not np.isnan(knots[0]):
                scaled[:, j] = _shares_below(matrix[:, j], knots)
        return scaled


SCALERS: dict[str, type[Scaler]] = {
    made.kind: made for made in (ZScoreScaler, MinMaxScaler, RobustScaler, RankScaler)
}


def scaler_named(kind: str) -> Scaler:
    """Return a scaler that is not fitted, or raise `UsageError` that lists the kinds.

    >>> scaler_named("z_score").fit_transform([1.0, 3.0, float("nan")])
    array([-1.,  1., nan])
    """
    if kind not in SCALERS:
        raise UsageError(f"no scaler {kind!r}", where="scaling", allowed=list(SCALERS))
    return SCALERS[kind]()


def scaler_of(state: Mapping[str, Any]) -> Scaler:
    """Return the scaler whose `state()` this is."""
    made = scaler_named(str(state["kind"]))
    made._names = state["names"]
    made._numbers = {
        name: np.array(array, dtype=np.float64) for name, array in state["numbers"].items()
    }
    return made


def _by_column(learn: Any, matrix: Floats) -> dict[str, Floats]:
    learned: list[dict[str, Floats] | None] = []
    for column in matrix.T:
        known = column[np.isfinite(column)]
        learned.append(learn(known) if len(known) else None)
    # The columns that nothing is known of take their shape from one that teaches nothing.
    shape = learn(np.zeros(1))
    unknown = {name: np.full_like(array, np.nan) for name, array in shape.items()}
    return {name: np.array([(one or unknown)[name] for one in learned]) for name in shape}


def _line(column: Floats, centre: float, spread: float) -> dict[str, Floats]:
    """Return the numbers of a linear scale; a constant column has no spread, despite rounding."""
    constant = column.max() == column.min()
    return {"centre": np.array(centre), "spread": np.array(0.0 if constant else spread)}


def _shares_below(x: Floats, knots: Floats) -> Floats:
    """Return the share of the fitted values below each x, that of equal ones halved.

    A value that holds several quantiles spans their levels; between two values the share runs
    from the last level of the lower one to the first of the upper one.
    """
    values, first = np.unique(knots, return_index=True)
    last = np.append(first[1:], len(knots)) - 1
    top = len(knots) - 1
    places = np.searchsorted(values, x, side="right") - 1
    left = np.clip(places, 0, len(values) - 1)
    right = np.minimum(left + 1, len(values) - 1)
    across = np.where(right > left, values[right] - values[left], 1.0)
    between = last[left] + (first[right] - last[left]) * (x - values[left]) / across
    shares = np.where(x == values[left], 0.5 * (first[left] + last[left]), between)
    shares = np.where(x > values[-1], top, np.where(x < values[0], 0, shares))
    return np.asarray(shares / top, dtype=np.float64)


def _matrix(values: Any) -> Floats:
    try:
        if hasattr(values, "to_numpy"):
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"not numeric: {error}", where="scaling") from error
    if matrix.ndim not in (1, 2):
        raise UsageError(f"shape {matrix.shape}", where="scaling", allowed="[n] or [n, columns]")
    return matrix if matrix.ndim == 2 else matrix[:, None]


def _names(values: Any) -> list[str] | None:
    columns = getattr(values, "columns", None)
    return None if columns is None else [str(name) for name in columns]


def _like(values: Any, scaled: Floats) -> Any:
    if getattr(values, "columns", None) is not None:
        return type(values)(scaled, index=values.index, columns=values.columns)
    flat = scaled if np.ndim(values) == 2 else scaled[:, 0]
    if hasattr(values, "index") and hasattr(values, "to_numpy"):
        return type(values)(flat, index=values.index, name=values.name)
    return flat


def _plain(array: Floats) -> Any:
    if array.ndim > 1:
        return [_plain(row) for row in array]
    return [None if math.isnan(value) else value for value in array.tolist()]
