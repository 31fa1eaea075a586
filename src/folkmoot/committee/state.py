"""What the prequential stream holds: arrays in named tuples, which compiled code can walk.

`c` is the room for rows, doubled when it is full; m members, v voters, r references. Quantiles are
kept for `RING` + 2 x horizon rows.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from folkmoot.committee.calibration import knot_room
from folkmoot.committee.conformal import MISS_RATE, window
from folkmoot.core.bars import Floats, Times
from folkmoot.core.forecast import LEVELS

Flags = npt.NDArray[np.bool_]

NO_MAP, PLATT, ISOTONIC = 0, 1, 2
UNSETTLED = np.iinfo(np.int64).max
LAGS = 64
RING = 256


class Rows(NamedTuple):
    """One entry a row: what was said, and what is known of it since."""

    y: Floats  # [c] log return, written when its label arrives
    matured: Flags  # [c] label used
    logit: Floats  # [c, m] members' raw logits
    calibrated: Floats  # [c, m]
    fitted: Flags  # [c, m] said by a fitted calibrator
    weights: Floats  # [c, m]
    quantile_weights: Floats  # [c, m]
    pooled: Floats  # [c] log pool before the consensus' calibrator; NaN without earned weight
    spoken: Floats  # [c] logit of p_up where weight had been earned
    raw_band: Floats  # [c, 2] 5 % and 95 % before the conformal margin
    p_up: Floats  # [c]
    quantiles: Floats  # [c, 7]
    confidence: Floats  # [c]
    interval: Floats  # [c, 2]
    n_evidence: Times  # [c]
    life: Floats  # [c]
    agreement: Floats  # [c] these four are those of `figures`
    effective: Floats  # [c]
    aleatoric: Floats  # [c]
    epistemic: Floats  # [c]
    status: npt.NDArray[np.int8]  # [c]
    queue_row: Times  # [c] rows in the order in which their labels become known
    queue_at: Times  # [c] when


class Maps(NamedTuple):
    """One entry a member: its matured rows and the calibrator fitted on them."""

    x: Floats  # [m, c] logits
    up: Floats  # [m, c] 1 or 0
    n: Times  # [m]
    sums: Floats  # [m, 4] x, x x, x of the rises, rises
    moves: Times  # [m] how often x differed from the one before
    kind: Times  # [m] NO_MAP, PLATT or ISOTONIC
    line: Floats  # [m, 2] Platt's a and b
    order: Times  # [m, c] sorts x
    ordered: Times  # [m] how much of it
    knot_x: Floats  # [m, k]
    knot_v: Floats  # [m, k]
    knots: Times  # [m]
    chosen_at: Times  # [m] rows when Platt or isotonic was last chosen


class Earnings(NamedTuple):
    """One entry a voter: its gains over g rivals, as far as they are kept, and what they earned."""

    n: Times  # [v]
    totals: Floats  # [v, g]
    products: Floats  # [v, g, lags] sums of products with the gain so many before
    first: Floats  # [v, g, lags]
    latest: Floats  # [v, g, 2 lags] a ring, twice, latest first
    mean: Floats  # [v] mean gain over the best rival
    z: Floats  # [v]
    weight: Floats  # [v]


class Errors(NamedTuple):
    """Pair by pair, over the rows on which both had one: the voters' losses beyond climatology's.

    `sums[v, u]` and `squares[v, u]` are v's own, on the rows that it has in common with u.
    """

    now: Floats  # [v] of the row at hand; NaN without a forecast
    n: Times  # [v, v]
    sums: Floats  # [v, v]
    squares: Floats  # [v, v]
    products: Floats  # [v, v]
    correlation: Floats  # [v, v] as of the last refit


class Merits(NamedTuple):
    """What the voters have shown, in direction against r references and in quantiles against one.

    The ring holds every column's quantiles at the latest k rows, for the time when their outcomes
    are known.
    """

    voters: Times  # [v] member numbers
    references: Times  # [r] member numbers; the first is climatology
    ratios: Floats  # [v] the user's, NaN where none was given
    direction: Earnings
    quantiles: Earnings
    errors: Errors
    ring: Floats  # [k, m, 7]
    ring_row: Times  # [k] whose quantiles they are, -1 at first


class Crowd(NamedTuple):
    """The consensus: its matured rows, its calibrator, its conformal state, the clock."""

    x: Floats  # [c]
    sums: Floats  # [2] rises, x of the rises
    line: Floats  # [2]
    covariance: Floats  # [3]
    alpha: Floats  # [1]
    ring: Floats  # [w] the latest scores, 500 at a horizon of one bar
    ordered: Floats  # [w]
    life: Floats  # [1]
    clock: Times  # see below


ROW, QUEUED, TAKEN, CROWD, BEHIND, SCORES, BLOCK, BLOCK_START, BLOCK_LENGTH, HORIZON = range(10)
"""Entries of `Crowd.clock`: rows so far, labels queued, labels used, matured consensus rows, those
behind the calibrator, conformal scores, current block, its first row, a block's length, horizon."""


class State(NamedTuple):
    """All of it."""

    rows: Rows
    maps: Maps
    merits: Merits
    crowd: Crowd


D = TypeVar("D", bound=np.generic)


def fresh(
    members: int, voters: Times, references: Times, ratios: Floats, horizon: int, room: int
) -> State:
    """Return the state before the first row."""
    v, k = len(voters), RING + 2 * horizon
    lags = max(LAGS, horizon)
    crowd = Crowd(
        x=_nan(room), sums=np.zeros(2), line=np.array([1.0, 0.0]),
        covariance=np.array([0.25, 0.0, 0.01]), alpha=np.array([MISS_RATE]),
        ring=np.zeros(window(horizon)), ordered=np.zeros(window(horizon)), life=np.ones(1),
        clock=_count(10),
    )  # fmt: skip
    crowd.clock[BLOCK], crowd.clock[HORIZON] = -1, horizon
    merits = Merits(
        voters=voters, references=references, ratios=ratios,
        direction=earnings(v, len(references), lags), quantiles=earnings(v, 1, lags),
        errors=_errors(v),
        ring=_nan(k, members, len(LEVELS)), ring_row=np.full(k, -1, np.int64),
    )  # fmt: skip
    return State(_rows(room, members), _maps(room, members), merits, crowd)


def earnings(v: int, g: int, lags: int) -> Earnings:
    """Return those of `v` voters over `g` rivals before the first row."""
    return Earnings(
        n=_count(v), totals=np.zeros((v, g)), products=np.zeros((v, g, lags)),
        first=np.zeros((v, g, lags)), latest=np.zeros((v, g, 2 * lags)), mean=_nan(v), z=_nan(v),
        weight=np.zeros(v),
    )  # fmt: skip


def _errors(v: int) -> Errors:
    return Errors(
        now=_nan(v), n=_count(v, v), sums=np.zeros((v, v)), squares=np.zeros((v, v)),
        products=np.zeros((v, v)), correlation=_nan(v, v),
    )  # fmt: skip


def _rows(c: int, m: int) -> Rows:
    return Rows(
        y=_nan(c), matured=np.zeros(c, np.bool_),
        logit=_nan(c, m), calibrated=_nan(c, m), fitted=np.zeros((c, m), np.bool_),
        weights=np.zeros((c, m)), quantile_weights=np.zeros((c, m)), pooled=_nan(c),
        spoken=_nan(c), raw_band=_nan(c, 2),
        p_up=_nan(c), quantiles=_nan(c, len(LEVELS)), confidence=_nan(c), interval=_nan(c, 2),
        n_evidence=_count(c), life=np.ones(c), agreement=_nan(c), effective=_nan(c),
        aleatoric=_nan(c), epistemic=_nan(c), status=np.zeros(c, np.int8), queue_row=_count(c),
        queue_at=np.full(c, UNSETTLED, np.int64),
    )  # fmt: skip


def _maps(c: int, m: int) -> Maps:
    k = knot_room(c)
    return Maps(
        x=_nan(m, c), up=_nan(m, c), n=_count(m), sums=np.zeros((m, 4)), moves=_count(m),
        kind=_count(m), line=np.tile([0.0, 0.0], (m, 1)), order=_count(m, c), ordered=_count(m),
        knot_x=_nan(m, k), knot_v=_nan(m, k), knots=_count(m), chosen_at=_count(m),
    )  # fmt: skip


def _nan(*shape: int) -> Floats:
    return np.full(shape, np.nan)


def _count(*shape: int) -> Times:
    return np.zeros(shape, np.int64)


def grown(state: State, room: int) -> State:
    """Return the same state with room for `room` rows."""
    m = len(state.maps.n)
    rows = Rows(*_moved(_rows(room, m), state.rows))
    maps = Maps(*_moved(_maps(room, m), state.maps))
    crowd = state.crowd._replace(x=_into(_nan(room), state.crowd.x))
    return State(rows, maps, state.merits, crowd)


def _moved(new: Iterable[Any], old: Iterable[Any]) -> list[Any]:
    return [_into(a, b) for a, b in zip(new, old, strict=True)]


def _into(new: npt.NDArray[D], old: npt.NDArray[D]) -> npt.NDArray[D]:
    new[tuple(slice(size) for size in old.shape)] = old
    return new
