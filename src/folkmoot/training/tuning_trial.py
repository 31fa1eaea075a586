"""One trial: fit a member on what comes before each inner block, ask it, and judge the answers.

Everything happens inside the training part, whose end the caller has cut off. The blocks are those
of an expanding walk: a row teaches only if its label is known before the block's first row.

1. Log loss over the rows whose label is known and not zero; a row without an answer is a coin's.
2. The Sharpe ratio of staking 2p - 1 at the next open for the horizon, in as many overlapping
   parts, net of a cost for each unit of turnover; each block begins and ends without a position.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from threadpoolctl import ThreadpoolController

from folkmoot import models
from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import Features
from folkmoot.core.hashing import content_hash
from folkmoot.features import BARS_SET, Table, windows
from folkmoot.training.keys import task_key
from folkmoot.training.material import Material
from folkmoot.training.splits import ExpandingWalkForward, Index
from folkmoot.training.store import Results, TaskStore
from folkmoot.training.tasks import FEWEST

YEAR_MS = 365.25 * 86_400_000.0
LEAST, MOST = 1e-4, 1.0 - 1e-4
"""Probabilities are held within these before their logarithm is taken."""
REFUSALS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
"""What a library raises in a fit over options that it cannot work with."""


@dataclass(frozen=True, slots=True)
class Question:
    """What every trial of one tuning is asked: the member, the data's hash, and the judge's terms.

    `cost` of one unit of turnover as a fraction; `folds` inner blocks; rows before `start` still
    feel where the history begins.
    """

    model: str
    data: str
    features: str
    horizon: int
    folds: int
    cost: float

    def as_dict(self) -> dict[str, Any]:
        """Return the question as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a trial: figures of the inner blocks, or why there are none.

    `steps` maps "fold.network.epoch" to the loss on the rows held out for early stopping; `pruned`
    names the step at which the trial was given up; `refused` says what the member refused.
    """

    log_loss: float = math.nan
    sharpe: float = math.nan
    turnover: float = math.nan
    accuracy: float = math.nan
    rows: int = 0
    answered: int = 0
    steps: dict[str, float] = field(default_factory=dict)
    pruned: str | None = None
    refused: str | None = None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Rebuild a verdict from its JSON values, in which an unknown number is null."""
        figures = ("log_loss", "sharpe", "turnover", "accuracy")
        unknown = {name: math.nan for name in figures if fields.get(name) is None}
        return cls(**{**fields, **unknown})

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON values."""
        return asdict(self)


class Outclassed(Exception):
    """Raised out of a fit whose held-out loss is worse than most trials' was at that step."""


@dataclass(slots=True)
class Watch:
    """Listens to the fits of one trial and ends the one whose held-out loss is beyond its limit."""

    limits: Mapping[str, float]
    steps: dict[str, float] = field(default_factory=dict)

    def listen(self, model: Any, fold: int) -> None:
        """Hear of every epoch of the fit of `model`, if it tells."""
        if hasattr(model, "progress"):
            # Its networks that are done are in its history, also those of an earlier sitting.
            model.progress = lambda row: self.take(_steps(fold, len(model.history), [row]))

    def take(self, steps: Mapping[str, float]) -> None:
        """Keep the losses of some steps, in their order; raises `Outclassed`."""
        for step in sorted(steps, key=lambda name: [int(part) for part in name.split(".")]):
            self.steps[step] = steps[step]
            if steps[step] > self.limits.get(step, math.inf):
                raise Outclassed(step)


def _steps(fold: int, network: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    held = [row for row in rows if "validation_loss" in row]
    return {f"{fold}.{network}.{row['epoch']}": float(row["validation_loss"]) for row in held}


def try_out(
    question: Question,
    options: Mapping[str, Any],
    limits: Mapping[str, float],
    material: Material,
    store: Results,
) -> Verdict:
    """Fit and judge one set of options; a fold that is in the store is not fitted again."""
    watch = Watch(limits)
    cuts = inner_blocks(material, question.horizon, question.folds)
    answers = []
    try:
        for fold, (taught, asked) in enumerate(cuts):
            answers.append(_asked(question, options, fold, (taught, asked), material, store, watch))
    except Outclassed as ended:
        return Verdict(steps=watch.steps, pruned=str(ended))
    except (DataError, UsageError) as refusal:
        return Verdict(steps=watch.steps, refused=refusal.message)
    except REFUSALS as refusal:
        return Verdict(steps=watch.steps, refused=f"{type(refusal).__name__}: {refusal}")
    return judged(question, [asked for _, asked in cuts], answers, material, watch.steps)


def try_out_elsewhere(
    question: dict[str, Any],
    options: dict[str, Any],
    limits: dict[str, float],
    material: str,
    store: str,
) -> dict[str, Any]:
    """Do what `try_out` does in a worker process: JSON in, JSON out."""
    found = Material.open(Path(material))
    verdict = try_out(Question(**question), options, limits, found, TaskStore(store))
    return verdict.as_dict()


def inner_blocks(material: Material, horizon: int, folds: int) -> list[tuple[Index, Index]]:
    """Return (rows that teach, rows asked) of each inner block; the first half only teaches.

    Raises `DataError` if a block has fewer than 30 rows that teach or are asked.
    """
    place = material.horizons.index(horizon)
    rows = np.flatnonzero(np.isfinite(material.y[:, place]))
    rows = rows[rows >= material.start]
    length = len(rows) // (2 * folds)
    if length < FEWEST:
        raise DataError(
            f"{len(rows)} labelled rows are left before the first scored block",
            where="tune",
            allowed=f"{2 * FEWEST * folds} or more for {folds} inner blocks; more bars",
        )
    known_at = material.label_known_at[rows, place]
    # A label is known at the close of its last row.
    ends = np.searchsorted(material.table.known_at, known_at)
    scheme = ExpandingWalkForward(first=len(rows) - folds * length, test=length)
    return [(rows[train], rows[test]) for train, test in scheme.split(rows, ends)]


def _asked(
    question: Question,
    options: Mapping[str, Any],
    fold: int,
    cut: tuple[Index, Index],
    material: Material,
    store: Results,
    watch: Watch,
) -> Floats:
    """Return P(up) of the rows asked, NaN where the member has none."""
    key = _key(question, options, fold)
    kept = store.get(key)
    if kept is not None:
        watch.take(kept.facts["steps"])
        return kept.arrays["p_up"]
    model = models.build(question.model, horizons=(question.horizon,), **options)
    keep = store.root / "fits" / key if isinstance(store, TaskStore) else None
    watch.listen(model, fold)
    try:
        p_up = _fitted(model, cut, material, question, keep)
    except Outclassed:
        _clear(keep)
        raise
    steps: dict[str, float] = {}
    for network, history in enumerate(getattr(model, "history", ())):
        steps |= _steps(fold, network, history)
    watch.steps |= steps
    store.put(key, {"p_up": p_up}, {"steps": steps})
    _clear(keep)
    return p_up


def _key(question: Question, options: Mapping[str, Any], fold: int) -> str:
    config = {
        "inner": [fold, question.folds],
        "horizon": question.horizon,
        "features": question.features,
        "code": own_code(),
    }
    return task_key(data=question.data, config=config, model=question.model, options=dict(options))


@lru_cache(maxsize=1)
def own_code() -> str:
    """Return the hash of what decides a trial beside the member: this file and its splits."""
    here = Path(__file__)
    return content_hash(*(path.read_bytes() for path in (here, here.with_name("splits.py"))))


def _clear(keep: Path | None) -> None:
    if keep is not None and keep.parent.is_dir():
        for state in keep.parent.glob(f"{keep.name}*"):
            state.unlink(missing_ok=True)


def _fitted(
    model: Any,
    cut: tuple[Index, Index],
    material: Material,
    question: Question,
    keep: Path | None,
) -> Floats:
    taught, asked = cut
    x, first = _features(material, model, int(asked[0]), int(asked[-1]) + 1)
    taught = taught[taught >= first]
    y = np.full((int(asked[0]) - first, 1), np.nan)
    y[taught - first] = material.y[taught][:, [material.horizons.index(question.horizon)]]
    if len(taught) < FEWEST:
        raise DataError(f"{len(taught)} known labels", where="tune", allowed=f"{FEWEST} or more")
    if hasattr(model, "keep"):
        model.keep = keep
        if keep is not None:
            keep.parent.mkdir(parents=True, exist_ok=True)
    with ThreadpoolController().limit(limits=1):
        model.fit(x.rows(slice(0, len(y))), y, np.ones(len(y)))
        whole: Floats = model.predict(x.rows(slice(int(asked[0]) - first, None))).p_up[:, 0]
    found: Floats = whole[asked - asked[0]]
    return found


def _features(material: Material, model: Any, start: int, stop: int) -> tuple[Features, int]:
    """Return rows up to `stop`, less the columns never known before `start`, and the first row."""
    table, first = material.table, max(material.start, model.lookback - 1)
    begin = first - model.lookback + 1
    if first >= start:
        raise DataError(
            f"a lookback of {model.lookback} leaves no row to learn from",
            where="tune",
            allowed=f"{start - 1} at most",
        )
    before = Table(table.values[begin:start], table.names, table.known_at[begin:start])
    unknown = [name for name in before.unknown() if name not in BARS_SET]
    kept = tuple(name for name in table.names if name not in unknown)
    span = Table(table.values[begin:stop], table.names, table.known_at[begin:stop])
    return windows(span, model.lookback, kept), first


def judged(
    question: Question,
    asked: Sequence[Index],
    answers: Sequence[Floats],
    material: Material,
    steps: dict[str, float],
) -> Verdict:
    """Return the figures of the answers `P(up)` to the rows asked, block by block."""
    place = material.horizons.index(question.horizon)
    rows, p_up = np.concatenate(asked), np.concatenate(answers)
    y, known_at = material.y[rows, place], material.table.known_at
    told = y != 0.0
    up, p = y[told] > 0.0, np.where(np.isfinite(p_up[told]), p_up[told], 0.5)
    p = np.clip(p, LEAST, MOST)
    loss = -np.log(np.where(up, p, 1.0 - p))
    sided = p != 0.5
    earned, moved = zip(
        *(_earned(question, r, a, material) for r, a in zip(asked, answers, strict=True)),
        strict=True,
    )
    gains, turned = np.concatenate(earned), np.concatenate(moved)
    years = float(known_at[rows[-1]] - known_at[rows[0]]) / YEAR_MS
    return Verdict(
        log_loss=float(loss.mean()),
        sharpe=_sharpe(gains, len(rows) / years),
        turnover=float(turned.mean()),
        accuracy=float(np.mean((p[sided] > 0.5) == up[sided])) if sided.any() else math.nan,
        rows=int(told.sum()),
        answered=int(np.isfinite(p_up[told]).sum()),
        steps=steps,
    )


def _earned(
    question: Question, rows: Index, p_up: Floats, material: Material
) -> tuple[Floats, Floats]:
    """Return each bar's gain, net, and turnover over one block, unknown bars left out.

    The stake of a row is held from the next open for the horizon, so the position of a bar is the
    mean of the last stakes; after the block it runs out.
    """
    span = np.arange(rows[0], rows[-1] + 1)
    stakes = np.zeros(len(span) + question.horizon)
    stakes[rows - rows[0]] = np.where(np.isfinite(p_up), 2.0 * p_up - 1.0, 0.0)
    weights = np.full(question.horizon, 1.0 / question.horizon)
    position = np.convolve(stakes, weights)[: len(stakes)]
    turned = np.abs(np.diff(position, prepend=0.0))
    last = min(int(span[-1]) + 1 + question.horizon, len(material.y))
    moves = np.full(len(stakes), np.nan)
    moves[: last - int(span[0])] = np.expm1(material.y[span[0] : last, material.horizons.index(1)])
    gains = position * moves - question.cost * turned
    # A position of nothing gains nothing, whatever the bar did.
    gains = np.where(position == 0.0, -question.cost * turned, gains)
    known = np.isfinite(gains)
    return gains[known], turned[known]


def _sharpe(gains: Floats, bars_a_year: float) -> float:
    if len(gains) < 2 or float(np.ptp(gains)) == 0.0:
        return 0.0
    return float(gains.mean() / gains.std(ddof=1)) * math.sqrt(bars_a_year)
