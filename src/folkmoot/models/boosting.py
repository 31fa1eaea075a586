"""What the three boosting members share: which trees they grow, and how they answer with them.

1. For each horizon one forest answers P(up), and one how much further than usual the market moves:
   it is grown on log(|y| / (ewma_vol x sqrt(h))), held at a floor so that a return of almost
   nothing cannot rule, and multiplies the scale.
2. The quantiles' shape is taken over ratios y / scale where the scale was foretold by trees that
   had not seen the row: each half of the training rows by trees grown on the other, with a gap of
   the longest horizon and one row between them.
3. With `stopping`, trees are added until the last 15 % of the market's training rows, behind the
   same gap, have not gained for so many rounds; then as many are grown again on all training rows.

A prediction walks our own copy of the trees (`forest`): no boosting library is imported.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import forest, held_out, memory, newton, rows, scaling, spread

UP, SCALE = "up", "scale"
FLOOR = 0.1
"""Moves below this share of the usual one count as this share."""

CHECKED = 0.15
SMALLEST_HALF = 200


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What one forest is grown on: `values[rows, columns]`, `target[rows]`, `weights[rows]`.

    `part` is "up" (target 1.0 or 0.0) or "scale" (target the logarithm of a ratio); `at[rows]` are
    the places of its rows among all training rows.
    """

    part: str
    values: Floats
    target: Floats
    weights: Floats
    at: held_out.Index

    def rows(self, index: slice | held_out.Index) -> "Lesson":
        """Return the lesson of these rows."""
        values, target, weights = self.values[index], self.target[index], self.weights[index]
        return Lesson(self.part, values, target, weights, self.at[index])

    def among(self, places: held_out.Index) -> "Lesson":
        """Return the lesson of the rows that lie at these places, all of which are its own."""
        return self.rows(np.searchsorted(self.at, places))


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """What a library made: its own text, gain of each column, and the best number of trees."""

    text: bytes
    gain: Floats
    trees: int


@contextmanager
def refusals(library: str, *kinds: type[Exception]) -> Iterator[None]:
    """Say as a `DataError` that a library cannot grow trees on its rows, and why."""
    try:
        yield
    except kinds as problem:
        raise DataError(
            f"{library} grows no trees on these rows", where="fit", allowed=str(problem)[:200]
        ) from problem


class Boosted:
    """The part of a boosting member that does not depend on its library."""

    levels = LEVELS
    lookback = 1
    needs: tuple[str, ...] = ()
    handles_missing = True

    horizons: tuple[int, ...]
    trees: int
    stopping: int

    def grow(self, lesson: Lesson, trees: int, check: Lesson | None) -> Grown:
        """Grow so many trees by the library; with `check`, stop where it no longer gains."""
        raise NotImplementedError

    def read(self, text: bytes) -> forest.Forest:
        """Return the forest that the library's own text holds."""
        raise NotImplementedError

    def prepare(self, horizons: tuple[int, ...]) -> None:
        """Set what every boosting member begins with, and check what all have."""
        self.horizons = rows.check_horizons(horizons)
        if self.trees < 1 or self.stopping < 0:
            raise UsageError(
                f"trees {self.trees}, stopping {self.stopping}",
                where=type(self).__name__,
                allowed="trees >= 1, stopping >= 0",
            )
        self.columns: tuple[str, ...] = ()
        self.learnt: memory.Arrays = {}
        self._forests: dict[str, forest.Forest] = {}

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Grow the trees; raises `DataError` on fewer than 30 known labels."""
        rows.check_shapes(self, x, y, weights)
        columns = rows.columns(x, self.needs)
        values = rows.take(x, columns)
        found = rows.samples(self, values, y, weights, np.ones(len(x), dtype=np.bool_))
        spans = spread.scale(x, self.horizons)
        shape: list[Floats] = []
        learnt: memory.Arrays = {}
        for k, horizon in enumerate(self.horizons):
            told = np.flatnonzero(np.isfinite(y[:, k]) & (y[:, k] != 0.0) & (weights > 0.0))
            up = Lesson(UP, found[k].values, found[k].up, found[k].weights, told)
            learnt |= self._keep(up, horizon, self._rounds(x, up))
            scale, ratio = _scale_lesson(values, y[:, k], spans[:, k], weights)
            rounds = self._rounds(x, scale)
            learnt |= self._keep(scale, horizon, rounds)
            foretold = np.exp(self._foretell(scale, rounds))
            shape.append(spread.shape_of(foretold[:, None], ratio[:, None], scale.weights)[0])
        self.columns = columns
        self.learnt = {"shape": np.array(shape), **learnt}
        self._plant()
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        rows.learnt(self)
        values = rows.take(x, self.columns)
        up, scale = (
            np.column_stack(
                [forest.raw_score(values, self._forests[f"{part}_{h}"]) for h in self.horizons]
            )
            for part in (UP, SCALE)
        )
        p_up = newton.squash(up.ravel()).reshape(up.shape)
        return rows.answer(self, x, p_up, spread.scale(x, self.horizons) * np.exp(scale))

    def importance(self, part: str = UP) -> dict[str, float]:
        """Return each column's share of all gain, largest first, over all horizons.

        `part` is "up" for the direction or "scale" for the size of the move. What a gain is, the
        library says: LightGBM and XGBoost sum what splits on a column gained, CatBoost says how
        far answers move with the column.
        """
        learnt = rows.learnt(self)
        if part not in (UP, SCALE):
            raise UsageError(f"part is {part!r}", where="importance", allowed=[UP, SCALE])
        gain = np.sum([learnt[f"gain_{part}_{h}"] for h in self.horizons], axis=0)
        share = gain / gain.sum() if gain.sum() > 0.0 else gain
        order = np.argsort(-share, kind="stable")
        return {self.columns[j]: float(share[j]) for j in order}

    def explain(self, x: Features) -> dict[str, Floats]:
        """Return `importance[columns]`, in the order of `columns`: one for all rows of `x`."""
        share = self.importance()
        return {"importance": np.array([share[name] for name in self.columns])}

    def native(self) -> dict[str, bytes]:
        """Return the library's own text of each forest: "up_1", "scale_1", and so on."""
        learnt = rows.learnt(self)
        return {name: learnt[name].tobytes() for name in self._names()}

    def form(self) -> memory.Forms:
        """Return what each array that a fit leaves must be."""
        columns, horizons = len(self.columns), len(self.horizons)
        forms = {"shape": memory.quantiles(horizons)}
        for name in self._names():
            forms[name] = memory.Form((f"bytes of {name}",), kind="uint8")
            forms[f"gain_{name}"] = memory.Form((columns,), 0.0)
        return forms

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt: arrays, the library's texts as bytes among them, and facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state; needs no boosting library."""
        model = memory.load(cls, arrays, facts)
        model._plant()
        widest = max(planted.columns for planted in model._forests.values())
        if widest > len(model.columns):
            raise DataError(
                f"its trees ask {widest} columns",
                where=cls.__name__,
                allowed=f"at most {len(model.columns)}",
            )
        return model

    def _names(self) -> list[str]:
        return [f"{part}_{horizon}" for part in (UP, SCALE) for horizon in self.horizons]

    def _plant(self) -> None:
        self._forests = {name: self.read(text) for name, text in self.native().items()}

    def _keep(self, lesson: Lesson, horizon: int, rounds: int) -> memory.Arrays:
        grown = self.grow(lesson, rounds, None)
        name = f"{lesson.part}_{horizon}"
        text: npt.NDArray[np.uint8] = np.frombuffer(grown.text, dtype=np.uint8)
        return {name: text, f"gain_{name}": grown.gain}

    def _rounds(self, x: Features, lesson: Lesson) -> int:
        """Return how many trees to grow: all, or as many as still gained on the held-out rows."""
        if not self.stopping:
            return self.trees
        cut = held_out.split(x, lesson.at, CHECKED, self._gap)
        taught, check = (lesson.among(part) for part in cut)
        if min(len(check.target), len(taught.target)) < rows.FEWEST:
            return self.trees
        return max(self.grow(taught, self.trees, check).trees, 1)

    @property
    def _gap(self) -> int:
        return max(self.horizons) + 1

    def _foretell(self, lesson: Lesson, rounds: int) -> Floats:
        """Return the log scale of each row, by trees that have not seen it."""
        middle = len(lesson.target) // 2
        first, second = slice(0, middle - self._gap), slice(middle + self._gap, None)
        if middle - self._gap < SMALLEST_HALF:
            grown = self.grow(lesson, rounds, None)
            return forest.raw_score(lesson.values, self.read(grown.text))
        late, early = (
            self.read(self.grow(lesson.rows(half), rounds, None).text) for half in (first, second)
        )
        halves = (lesson.values[:middle], early), (lesson.values[middle:], late)
        return np.concatenate([forest.raw_score(values, trees) for values, trees in halves])


def _scale_lesson(
    values: Floats, y: Floats, span: Floats, weights: Floats
) -> tuple[Lesson, Floats]:
    """Return the lesson of the log scale, zero returns included, and the ratios it is about."""
    used = np.isfinite(y) & (span > 0.0) & (weights > 0.0)
    if not used.any():
        raise DataError("no row has a known label and volatility", where="fit", allowed=">= 1")
    ratio = y[used] / span[used]
    target = np.log(np.maximum(np.abs(ratio), FLOOR))
    even = scaling.even(weights[used])
    return Lesson(SCALE, values[used], target, even, np.flatnonzero(used)), ratio
