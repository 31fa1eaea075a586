"""What a fitted member loses where a column tells nothing any more (Breiman, 2001), out of fold.

1. Of each block a sample of rows, evenly spaced, is asked again of the member that was fitted
   before the block; no row was taught.
2. A column's values change places: chunks of neighbouring rows go round in a cycle, so that the
   column keeps its own past and loses its row. Of a window the whole series goes along.
3. The increase of a row's loss, averaged over the repeats, is a series through time; its mean has
   the interval of a mean of dependent rows, and a one-sided p that the loss does not grow.
4. Columns whose ranks correlate beyond 0.9 stand in for one another, so that each alone seems
   worth nothing; they are also taken together, as a cluster. So are a window's unscaled prices.

Of more columns than `top`, those that moved the loss most on other rows are kept (on some of the
same rows where a block has no others).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS, Features
from folkmoot.features import BARS_SET, FeatureSet, feature_set, labels, windows
from folkmoot.features.screening import clusters
from folkmoot.proof.statistics import diebold_mariano, holm, log_losses, mean_interval
from folkmoot.training import Ballots, TaskStore, artefact

LOSSES = ("log_loss", "pinball")
FEWEST_ROWS = 40
SCREENED = 128
"""Rows of a block on which columns beyond `top` are left out."""

Index = npt.NDArray[np.int64]
Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Importance:
    """How much a member's loss grows without what one column, or a cluster of columns, tells.

    `increase` of the mean loss with its 95 % interval; `p` one-sided, `p_adjusted` by Holm over the
    member's rows of this table; `loss` as it was; `n` rows.
    """

    member: str
    columns: tuple[str, ...]
    increase: float
    low: float
    high: float
    p: float
    p_adjusted: float
    loss: float
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A member and the sampled rows of one block, in the order of time."""

    member: Any
    x: Features
    y: Floats
    place: int
    loss: str

    def losses(self, x: Features) -> Floats:
        told = self.member.predict(x)
        if self.loss == "log_loss":
            return log_losses(told.p_up[:, self.place], (self.y > 0.0).astype(np.float64))
        error = self.y[:, None] - told.quantiles[:, self.place]
        levels = np.asarray(LEVELS)
        made: Floats = np.maximum(levels * error, (levels - 1.0) * error).mean(axis=1)
        return made


def importance(
    bars: Bars,
    columns: FeatureSet,
    ballots: Ballots,
    store: TaskStore,
    *,
    horizon: int = 1,
    loss: str = "log_loss",
    rows: int = 1_500,
    top: int = 32,
    repeats: int = 2,
    seed: int = 0,
    members: Sequence[str] | None = None,
) -> list[Importance]:
    """Return, member by member, its columns and clusters, the largest increase first.

    `bars`, `columns`, `ballots`, `store`: what was walked, what came of it, and where the fitted
    members are. At most about `rows` rows in all are asked, each `repeats` times for each of `top`
    columns and for each cluster. `loss`: "log_loss" of the raw probabilities, or "pinball" of
    the quantiles. A column that a fold did not use adds an increase of 0 there.

    Raises `UsageError` for an option that does not exist, `DataError` where too few rows are known.
    """
    if loss not in LOSSES or min(rows, top, repeats) < 1:
        raise UsageError(
            f"loss {loss!r}, rows {rows}, top {top}, repeats {repeats}",
            where="importance",
            allowed=f"{list(LOSSES)}, and 1 or more",
        )
    told = _Walk(bars, columns, ballots, store, horizon, loss, max(rows // 6, FEWEST_ROWS))
    wanted = tuple(members if members is not None else ballots.members)
    missing = [name for name in wanted if name not in ballots.members]
    if missing:
        raise UsageError(f"no member {missing}", where="importance", allowed=list(ballots.members))
    return [row for name in wanted for row in told.of(name, top, repeats, seed)]


class _Walk:
    """The table, the labels and the fitted members of one walk."""

    def __init__(
        self,
        bars: Bars,
        columns: FeatureSet,
        ballots: Ballots,
        store: TaskStore,
        horizon: int,
        loss: str,
        most: int,
    ) -> None:
        complete = columns.plus(feature_set("bars", columns.timeframe))
        self.table = complete.matrix(bars)
        self.y = labels(bars, horizon).y
        self.ballots, self.store = ballots, store
        self.horizon, self.loss, self.most = horizon, loss, most

    def of(self, name: str, top: int, repeats: int, seed: int) -> list[Importance]:
        """Return the rows of one member."""
        blocks = sorted(block for block, member in self.ballots.artefacts if member == name)
        fitted = {b: artefact(self.store, self.ballots.artefacts[b, name]) for b in blocks}
        groups = self._groups(list(fitted.values()))
        if len(groups) > top:
            strength = self._losses(fitted, groups, 1, seed, other=True)[1]
            mean = np.abs(strength.mean(axis=1))
            kept = sorted(np.argsort(-mean, kind="stable")[:top].tolist())
            groups = [groups[place] for place in kept]
        groups += self._clusters(groups, min(fitted))
        base, increases = self._losses(fitted, groups, repeats, seed, other=False)
        apart = max(1, math.ceil(self.horizon / self._stride(min(fitted))))
        found = [
            _row(name, group, base, grown, apart)
            for group, grown in zip(groups, increases, strict=True)
        ]
        adjusted = holm([row.p for row in found])
        held = [replace(row, p_adjusted=p) for row, p in zip(found, adjusted, strict=True)]
        return sorted(held, key=lambda row: -row.increase)

    def _groups(self, fitted: list[Any]) -> list[Group]:
        """Return what is permuted by itself: each scaled column, and the unscaled ones together."""
        used: dict[str, None] = {}
        for member in fitted:
            used |= dict.fromkeys(getattr(member, "columns", ()) or member.needs)
            used |= dict.fromkeys(getattr(member, "raw", ()))
        own = [(name,) for name in used if name not in BARS_SET]
        # The volatility stays: it is the unit in which every quantile is told.
        prices = tuple(name for name in used if name in BARS_SET and name != "ewma_vol")
        return own + ([prices] if prices else [])

    def _clusters(self, groups: list[Group], block: int) -> list[Group]:
        """Return the clusters of two columns and more among those that stand alone."""
        names = [group[0] for group in groups if len(group) == 1]
        if len(names) < 2:
            return []
        first = int(np.flatnonzero(self.ballots.block == block)[0])
        number = clusters(self.table.of(*names)[first:])
        sets = [tuple(np.asarray(names)[number == k].tolist()) for k in np.unique(number)]
        return [tuple(group) for group in sets if len(group) > 1]

    def _losses(
        self, fitted: dict[int, Any], groups: list[Group], repeats: int, seed: int, other: bool
    ) -> tuple[Floats, Floats]:
        """Return (`loss[rows]`, `increase[groups, rows]`) through all blocks."""
        base, grown = [], []
        for block, member in fitted.items():
            asked = self._asked(block, member, other)
            if asked is None:
                continue
            before = asked.losses(asked.x)
            base.append(before)
            orders = [_order(len(before), (seed, block, k)) for k in range(repeats)]
            used = {*(getattr(member, "columns", ()) or member.needs), *getattr(member, "raw", ())}
            grown.append(
                np.stack([_increase(asked, group, used, orders, before) for group in groups])
                if groups
                else np.empty((0, len(before)))
            )
        if not base:
            raise DataError(
                "no block has enough known rows",
                where="importance",
                allowed=f"{FEWEST_ROWS} or more in one",
            )
        return np.concatenate(base), np.concatenate(grown, axis=1)

    def _stride(self, block: int) -> int:
        return -(-int((self.ballots.block == block).sum()) // self.most)

    def _asked(self, block: int, member: Any, other: bool) -> _Asked | None:
        """Return a sample of the block's known rows, or of the rows between them."""
        bars_of_block = np.flatnonzero(self.ballots.block == block)
        stride = self._stride(block)
        chosen = bars_of_block[stride // 2 if other else 0 :: stride]
        chosen = chosen[:: -(-len(chosen) // SCREENED)] if other else chosen
        place = list(member.horizons).index(self.horizon)
        x = windows(self.table, member.lookback).rows(chosen - (member.lookback - 1))
        y = self.y[chosen]
        told = member.predict(x)
        known = np.isfinite(y) & np.isfinite(told.p_up[:, place])
        known &= np.isfinite(told.quantiles[:, place]).all(axis=1)
        known &= (y != 0.0) | (self.loss == "pinball")
        if known.sum() < FEWEST_ROWS:
            return None
        return _Asked(member, x.rows(known), y[known], place, self.loss)


def _order(n: int, entropy: tuple[int, ...]) -> Index:
    """Return which row each row's values come from: chunks of sqrt(n) rows go round in a cycle."""
    length = max(1, math.isqrt(n))
    parts = [np.arange(i, min(i + length, n)) for i in range(0, n, length)]
    cycle = np.random.default_rng(np.random.SeedSequence(entropy)).permutation(len(parts))
    after = dict(zip(cycle.tolist(), np.roll(cycle, -1).tolist(), strict=True))
    # Chunks of unequal length make the same rows, a few places on.
    moved = np.concatenate([parts[after[k]] for k in range(len(parts))])
    return np.asarray(moved, dtype=np.int64)


def _increase(
    asked: _Asked, group: Group, used: set[str], orders: list[Index], before: Floats
) -> Floats:
    """Return `[rows]`: how much each row's loss grows, averaged over the orders."""
    if not used.intersection(group):
        return np.zeros(len(before))
    places = [asked.x.names.index(name) for name in group]
    grown = np.zeros(len(before))
    for order in orders:
        values = asked.x.values.copy()
        values[:, :, places] = asked.x.values[order][:, :, places]
        after = asked.losses(Features(values, asked.x.names, asked.x.known_at))
        # A row whose permuted value is unknown has no answer; it says nothing of the increase.
        grown += np.where(np.isfinite(after), after - before, 0.0)
    return grown / len(orders)


def _row(name: str, group: Group, base: Floats, grown: Floats, apart: int) -> Importance:
    mean, low, high = mean_interval(grown, apart)
    p = diebold_mariano(base, base + grown, apart).p
    return Importance(name, group, mean, low, high, p, p, float(base.mean()), len(base))
