"""Which rows a member may learn from, and which it can answer.

Every member does the same with what it is given: it checks the shapes, takes its columns, leaves
out the rows it cannot learn from, and answers NaN where something it needs is unknown.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.core.forecast import Features, Forecast
from folkmoot.features import BARS_SET
from folkmoot.models import scaling, spread

Rows = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]

FEWEST = 30
"""A fit on fewer known labels is refused."""


class Member(Protocol):
    """What the shared parts need of a model."""

    horizons: tuple[int, ...]
    levels: tuple[float, ...]
    needs: tuple[str, ...]
    handles_missing: bool
    learnt: dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What one direction is learnt from: `up[rows]` 1.0 or 0.0, `weights[rows]` of mean 1."""

    values: Floats
    up: Floats
    weights: Floats

    @property
    def rate(self) -> float:
        """The weighted share of rows that went up, each side credited with one half of a row."""
        return float(((self.up * self.weights).sum() + 0.5) / (self.weights.sum() + 1.0))


def check_horizons(horizons: Any) -> tuple[int, ...]:
    """Return the horizons as a tuple, or raise `UsageError`.

    >>> check_horizons([1, 5])
    (1, 5)
    """
    found = tuple(int(h) for h in horizons)
    if not found or min(found) < 1 or sorted(set(found)) != list(found):
        raise UsageError(
            f"horizons are {list(horizons)}", where="horizons", allowed="rising, each 1 or more"
        )
    return found


def columns(x: Features, needs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns to learn from: those needed, or all but the unscaled set `bars`."""
    found = needs or tuple(name for name in x.names if name not in BARS_SET)
    if not found:
        raise DataError("there is no column to learn from", where="fit", allowed="a feature set")
    return found


def take(x: Features, names: tuple[str, ...]) -> Floats:
    """Return `[rows, len(names)]` of the decision bar, contiguous, or name what is missing."""
    missing = [name for name in names if name not in x.names]
    if missing:
        raise DataError(f"columns {missing} are missing", where="features", allowed=list(x.names))
    if names == x.names[: len(names)]:
        return np.ascontiguousarray(x.values[:, -1, : len(names)])
    return np.ascontiguousarray(x.of(*names))


def known(values: Floats) -> Rows:
    """Return `[rows]`: whether every column of the row is finite."""
    return np.asarray(np.isfinite(values).all(axis=1), dtype=np.bool_)


def last_return(x: Features) -> Floats:
    """Return the log return of the decision bar, close to close; needs a lookback of 2."""
    closes = x.values[:, -2:, x.names.index("log_close")]
    return closes[:, 1] - closes[:, 0]


def check_shapes(member: Member, x: Features, y: Floats, weights: Floats) -> None:
    """Raise `UsageError` unless `y` is [rows, horizons], `weights` [rows], finite and >= 0."""
    wanted = (len(x), len(member.horizons))
    if y.shape != wanted or weights.shape != wanted[:1]:
        raise UsageError(
            f"y has shape {y.shape} and weights {weights.shape}", where="fit", allowed=f"y {wanted}"
        )
    if not (np.isfinite(weights) & (weights >= 0.0)).all():
        raise UsageError(
            "a weight is below zero, infinite or unknown", where="fit", allowed="finite, >= 0"
        )


def sample(values: Floats, y: Floats, weights: Floats, usable: Rows) -> Sample:
    """Return the rows that say which way one horizon went.

    Left out are rows with an unknown label or feature (`usable` is false), without weight, and
    those whose return is exactly zero, which is neither up nor down. The weights are told in units
    of their mean: on what scale they were given does not matter.

    Raises `DataError` if fewer than 30 rows are left or all of them went the same way.
    """
    rows = usable & np.isfinite(y) & (y != 0.0) & (weights > 0.0)
    if rows.sum() < FEWEST:
        raise DataError(
            f"{int(rows.sum())} rows have a known label and known features",
            where="fit",
            allowed=f"{FEWEST} or more",
        )
    up = (y[rows] > 0.0).astype(np.float64)
    if up.min() == up.max():
        side = "up" if up[0] else "down"
        raise DataError(f"all {len(up)} labels are {side}", where="fit", allowed="both directions")
    return Sample(values[rows], up, scaling.even(weights[rows]))


def samples(
    member: Member, values: Floats, y: Floats, weights: Floats, usable: Rows
) -> list[Sample]:
    """Return the sample of each horizon; see `sample`."""
    return [sample(values, y[:, k], weights, usable) for k in range(len(member.horizons))]


def learnt(member: Member) -> dict[str, npt.NDArray[Any]]:
    """Return what the member has learnt, or raise `Untrained`."""
    if not member.learnt:
        raise Untrained(
            "this model has not been fitted", where=type(member).__name__, allowed="fit it first"
        )
    return member.learnt


def answer(member: Member, x: Features, p_up: Floats, spans: Floats | None = None) -> Forecast:
    """Return the forecast with probabilities `p_up[rows, horizons]` and the member's quantiles.

    These are the member's shape times `spans[rows, horizons]`: its own, or the volatility's. A row
    with an unknown span or probability is unknown as a whole, unless the member declares
    `handles_missing`: then only the quantiles are.
    """
    spans = spread.scale(x, member.horizons) if spans is None else spans
    quantiles = spread.stretch(learnt(member)["shape"], spans)
    if not member.handles_missing:
        unknown = np.isnan(p_up) | np.isnan(quantiles[:, :, 0])
        p_up = np.where(unknown, np.nan, p_up)
        quantiles = np.where(unknown[:, :, None], np.nan, quantiles)
    return Forecast(p_up, quantiles, member.horizons, member.levels)
