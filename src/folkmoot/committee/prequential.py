"""The prequential stream from outside: all of history at once, then bar by bar."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from folkmoot.committee.minutes import Hearing, Minutes, Row, Standing
from folkmoot.committee.refit import refit
from folkmoot.committee.state import HORIZON, QUEUED, ROW, UNSETTLED, State, fresh, grown
from folkmoot.committee.stream import hear
from folkmoot.core.bars import Floats, Times
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS
from folkmoot.training.ballots import Ballots

_KINDS = ("none", "platt", "isotonic")
_ROOM = 4096
CLIMATOLOGY = "base_rate"


class Prequential:
    """Calibrate, weigh and pool members with nothing but labels known at each row.

    `names` are the columns of the ballots, `references` those that skill is measured against
    (among them `base_rate`, the climatology), `members` those that may earn a weight. `ratios`
    gives a user's proportions among the members that have earned one, in direction or in quantiles.

    Refits happen at row numbers that are multiples of 250, counted from the first row ever fed.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        references: Sequence[str],
        members: Sequence[str],
        horizon: int = 1,
        ratios: Mapping[str, float] | None = None,
    ) -> None:
        self.names = tuple(names)
        self.members = tuple(members)
        _check_names(self.names, references, members, ratios)
        ordered = [CLIMATOLOGY, *(name for name in references if name != CLIMATOLOGY)]
        self.references = tuple(ordered)
        given = [ratios[name] if ratios else np.nan for name in members]
        self._now = np.iinfo(np.int64).min // 2
        self._state: State = fresh(
            len(self.names), self._columns(members), self._columns(ordered),
            np.array(given, np.float64), horizon, _ROOM,
        )  # fmt: skip

    def __len__(self) -> int:
        return int(self._state.crowd.clock[ROW])

    @property
    def horizon(self) -> int:
        """The horizon in bars, which is also how many labels overlap."""
        return int(self._state.crowd.clock[HORIZON])

    def run(self, ballots: Ballots) -> Minutes:
        """Hear all rows of `ballots` from the origin; `feed` continues from there.

        Labels known only after the last row wait until a fed row is late enough. Raises
        `UsageError` if rows have been heard before.
        """
        if len(self) or ballots.members != self.names:
            raise UsageError(
                f"{len(self)} rows of {self.names} were heard, got {ballots.members}",
                where="prequential.run",
                allowed="a fresh stream and ballots of the same members",
            )
        n = len(ballots.known_at)
        self._ensure(n + 1)
        known = np.isfinite(ballots.y) & (ballots.label_known_at < UNSETTLED)
        rows = np.flatnonzero(known)
        rows = rows[np.argsort(ballots.label_known_at[rows], kind="stable")]
        self._enqueue(rows, ballots.y[rows], ballots.label_known_at[rows])
        self._advance(
            ballots.known_at, ballots.block.astype(np.int64), ballots.p_up, ballots.quantiles
        )
        return self._minutes(slice(0, n))

    def feed(self, row: Row) -> Hearing:
        """Hear one more bar and the labels that came with it.

        A label that is already known is passed over if equal. Raises `DataError` for a label that
        contradicts a known one, or one whose row was never heard.
        """
        self._ensure(len(self) + 1)
        for index, y, known_at in row.labels:
            self._settle(index, y, known_at)
        t = len(self)
        self._advance(
            np.array([row.known_at], np.int64),
            np.array([row.block], np.int64),
            row.p_up[None],
            row.quantiles[None],
        )
        return self._minutes(slice(t, t + 1)).at(0)

    def standing(self) -> dict[str, Standing]:
        """Return how each column stands after the last row; references have no weight."""
        maps, merits = self._state.maps, self._state.merits
        found = {}
        for m, name in enumerate(self.names):
            kind = _KINDS[maps.kind[m]]
            found[name] = Standing(int(maps.n[m]), np.nan, np.nan, 0.0, kind)
        for v, name in enumerate(self.members):
            found[name] = Standing(
                n=int(merits.direction.n[v]),
                gain=float(merits.direction.mean[v]),
                z=float(merits.direction.z[v]),
                weight=float(merits.direction.weight[v]),
                calibrator=found[name].calibrator,
                quantile_n=int(merits.quantiles.n[v]),
                quantile_gain=float(merits.quantiles.mean[v]),
                quantile_z=float(merits.quantiles.z[v]),
                quantile_weight=float(merits.quantiles.weight[v]),
            )
        return found

    def _columns(self, names: Sequence[str]) -> Times:
        return np.array([self.names.index(name) for name in names], np.int64)

    def _ensure(self, rows: int) -> None:
        room = len(self._state.rows.y)
        if rows > room:
            self._state = grown(self._state, max(rows + rows // 8, 2 * room))

    def _advance(self, known_at: Times, block: Times, p_up: Floats, quantiles: Floats) -> None:
        m = len(self.names)
        if p_up.shape[1:] != (m,) or quantiles.shape[1:] != (m, len(LEVELS)):
            raise DataError(
                f"p_up {p_up.shape} and quantiles {quantiles.shape} do not fit {m} members",
                where="prequential",
                allowed=f"(rows, {m}) and (rows, {m}, {len(LEVELS)})",
            )
        if (np.diff(known_at, prepend=self._now) <= 0).any():
            raise DataError(
                f"row {len(self)} or later is not known after the row before it",
                where="prequential",
                allowed="strictly increasing known_at",
            )
        known_at = np.ascontiguousarray(known_at, np.int64)
        block = np.ascontiguousarray(block, np.int64)
        p_up = np.ascontiguousarray(p_up, np.float64)
        quantiles = np.ascontiguousarray(quantiles, np.float64)
        start, refitted = 0, False
        while start < len(known_at):
            rest = slice(start, None)
            start += hear(
                self._state, known_at[rest], block[rest], p_up[rest], quantiles[rest], refitted
            )
            refitted = start < len(known_at)
            if refitted:
                refit(self._state)
        self._now = int(known_at[-1]) if len(known_at) else self._now

    def _enqueue(self, index: Times, y: Floats, known_at: Times) -> None:
        rows, clock = self._state.rows, self._state.crowd.clock
        start = int(clock[QUEUED])
        rows.queue_row[start : start + len(index)] = index
        rows.queue_at[start : start + len(index)] = known_at
        rows.y[index] = y
        clock[QUEUED] = start + len(index)

    def _settle(self, index: int, y: float, known_at: int) -> None:
        rows, queued = self._state.rows, int(self._state.crowd.clock[QUEUED])
        known = float(rows.y[index]) if 0 <= index < len(self) else np.inf
        if known == y:
            return
        late = queued > 0 and known_at < rows.queue_at[queued - 1]
        if not np.isnan(known) or not np.isfinite(y) or late:
            raise DataError(
                f"label {y} of row {index}, known at {known_at}, where {len(self)} rows were heard"
                f" and the label on file is {known}",
                where="prequential.feed",
                allowed="a finite log return of a row that was heard, in order of known_at",
            )
        self._enqueue(np.array([index]), np.array([y]), np.array([known_at]))

    def _minutes(self, span: slice) -> Minutes:
        fields = {field.name for field in dataclasses.fields(Minutes)} - {"names"}
        said = {name: getattr(self._state.rows, name)[span].copy() for name in fields}
        return Minutes(names=self.names, **said)


def deliberate(
    ballots: Ballots,
    *,
    references: Sequence[str],
    members: Sequence[str],
    horizon: int = 1,
    ratios: Mapping[str, float] | None = None,
) -> Minutes:
    """Return what the committee would have said at every row of `ballots`, as `Prequential` does.

    Assumes that a decision at row t sees exactly the labels with label_known_at <= known_at[t].
    """
    stream = Prequential(
        ballots.members, references=references, members=members, horizon=horizon, ratios=ratios
    )
    return stream.run(ballots)


def _check_names(
    names: tuple[str, ...],
    references: Sequence[str],
    members: Sequence[str],
    ratios: Mapping[str, float] | None,
) -> None:
    allowed = list(names)
    for name in (*references, *members, *(ratios or ())):
        if name not in names:
            raise UsageError(f"no ballots of {name!r}", where="committee", allowed=allowed)
    if CLIMATOLOGY not in references:
        raise UsageError(
            f"references {tuple(references)} lack the climatology",
            where="committee",
            allowed=f"{CLIMATOLOGY!r} and any other columns",
        )
    if not members or set(members) & set(references):
        raise UsageError(
            f"members {tuple(members)} with references {tuple(references)}",
            where="committee",
            allowed="at least one member, none of them a reference",
        )
    if ratios is not None and set(ratios) != set(members):
        raise UsageError(
            f"ratios for {sorted(ratios)}", where="committee.weights", allowed=list(members)
        )
