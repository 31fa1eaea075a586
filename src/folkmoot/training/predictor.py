"""Several fitted models asked about the latest bars at once: document 004's `NeuralPredictor`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import DataError, Untrained, UsageError
from folkmoot.core.forecast import LEVELS
from folkmoot.features import FeatureSet, Table, feature_set, windows
from folkmoot.training import claims
from folkmoot.training.artefacts import Loaded, load_model
from folkmoot.training.dataset import read_bars
from folkmoot.training.trainer_validation import through

MEDIAN = LEVELS.index(0.5)


@dataclass(frozen=True, slots=True)
class Seat:
    """A loaded model with the ratio that its user gave.

    `columns` are computed for it, of which it reads `reads`; `bars_needed` is how many bars it
    takes until where they start no longer matters to the answer.
    """

    loaded: Loaded
    weight: float
    columns: FeatureSet
    reads: tuple[str, ...]
    bars_needed: int

    def earned(self, horizon: int) -> bool:
        """Return whether its card records skill beyond the baselines at this horizon."""
        row = self.loaded.card["validation"].get("horizons", {}).get(str(horizon), {})
        return bool(row.get("earned"))

    def calibrated(self, horizons: Sequence[int], p_up: Floats) -> Floats:
        """Return P(up) `[horizons]` through the lines that the card's held-out rows gave."""
        lines = self.loaded.card.get("calibration", {})
        each = [
            through(tuple(lines.get(str(h), (1.0, 0.0))), p)
            for h, p in zip(horizons, p_up, strict=True)
        ]
        return np.array(each, dtype=np.float64)


class NeuralPredictor:
    """Ask models that were loaded from files, and join their answers.

    A weight is a ratio among the models that have earned one: a model whose recorded validation
    shows no skill at a horizon counts for nothing there, and the answer says so.
    """

    def __init__(self) -> None:
        self._seats: dict[str, Seat] = {}

    @property
    def models(self) -> tuple[str, ...]:
        """The names given to the loaded models."""
        return tuple(self._seats)

    def load_model(self, name: str, path: str | Path, weight: float = 1.0) -> None:
        """Load a model file, whatever its name ends in, under a name of yours.

        Raises `DataError` for a file that folkmoot did not write (a pickle, say) or whose features
        are defined otherwise by now, `Untrained` for a model without a passed validation,
        `UsageError` for a weight that is not above zero or a model of another timeframe; the models
        loaded before stay as they were.
        """
        if not 0.0 < weight < np.inf:
            raise UsageError(f"the weight is {weight}", where=name, allowed="above zero, finite")
        loaded = load_model(path)
        claims.check_asked(loaded.card)
        for other in self._seats.values():
            theirs, ours = other.loaded.card["timeframe"], loaded.card["timeframe"]
            if theirs != ours:
                raise UsageError(f"{name} decides on {ours} bars", where=name, allowed=theirs)
        columns, reads = _columns(loaded)
        needed = columns.stable + int(loaded.member.lookback)
        self._seats[name] = Seat(loaded, weight, columns, reads, needed)

    def predict(self, data: Any, return_uncertainty: bool = True) -> dict[str, Any]:
        """Answer for the last closed bar of `data`: `Bars`, or a frame of any common naming.

        Returns, with one number for each of the `horizons` that all models share:
        `ensemble_prediction` the median log return; `p_up`; `uncertainty` the entropy of P(up) in
        bits from 0 (certain) to 1 (a coin, or nobody has earned a weight); `agreement` the share
        of the weight on the answer's side of one half, from 0 to 1, NaN where the answer is one
        half or nobody has earned a weight, as a committee has it; `models` with each one's `p_up`,
        `prediction` and `weight`; `note` where nobody has earned a weight.

        Raises `Untrained` if no model is loaded, `DataError` if the bars are too few or end in what
        no model can answer.
        """
        if not self._seats:
            raise Untrained("no model is loaded", where="NeuralPredictor", allowed="load_model")
        bars = self._bars(data)
        horizons = self._horizons()
        tables: dict[FeatureSet, Table] = {}
        answers = {
            name: self._ask(seat, bars, horizons, tables) for name, seat in self._seats.items()
        }
        shares = self._shares(horizons)
        joined = _join(answers, shares)
        if not return_uncertainty:
            joined.pop("uncertainty")
        return {"known_at": int(bars.close_time[-1]), "horizons": horizons, **joined}

    async def predict_async(self, data: Any, return_uncertainty: bool = True) -> dict[str, Any]:
        """Answer as `predict` does, from another thread, so that an event loop goes on."""
        return await asyncio.to_thread(self.predict, data, return_uncertainty)

    def _bars(self, data: Any) -> Bars:
        """Return as many of the last bars as any model needs."""
        card = next(iter(self._seats.values())).loaded.card
        bars = read_bars(data, card.get("symbol", "market"), card["timeframe"])
        needed = max(seat.bars_needed for seat in self._seats.values())
        return bars.rows(max(0, len(bars) - needed), len(bars))

    def _horizons(self) -> tuple[int, ...]:
        each = [set(seat.loaded.member.horizons) for seat in self._seats.values()]
        shared = tuple(sorted(set.intersection(*each)))
        if not shared:
            raise UsageError(
                "the models share no horizon",
                where="NeuralPredictor",
                allowed=[f"{name}: {s.loaded.member.horizons}" for name, s in self._seats.items()],
            )
        return shared

    def _ask(
        self, seat: Seat, bars: Bars, horizons: Sequence[int], tables: dict[FeatureSet, Table]
    ) -> tuple[Floats, Floats]:
        """Return (P(up), median log return), each `[horizons]`; NaN where it cannot answer.

        `tables` holds what has been computed for the models asked before.
        """
        member = seat.loaded.member
        if len(bars) < seat.bars_needed:
            raise DataError(
                f"{len(bars)} bars are too few for {seat.loaded.id}",
                where="predict",
                allowed=f"{seat.bars_needed} or more",
            )
        if seat.columns not in tables:
            tables[seat.columns] = seat.columns.matrix(bars)
        table = tables[seat.columns]
        tail = slice(len(table) - member.lookback, len(table))
        last = Table(table.values[tail], table.names, table.known_at[tail])
        if not (member.handles_missing or np.isfinite(last.of(*seat.reads)).all()):
            return np.full(len(horizons), np.nan), np.full(len(horizons), np.nan)
        forecast = member.predict(windows(last, member.lookback))
        places = [member.horizons.index(horizon) for horizon in horizons]
        p_up = seat.calibrated(horizons, forecast.p_up[-1, places])
        return p_up, forecast.quantiles[-1, places, MEDIAN]

    def _shares(self, horizons: Sequence[int]) -> Floats:
        """Return `[models, horizons]`: the given ratio where it was earned, else zero."""
        given = np.array([seat.weight for seat in self._seats.values()])[:, None]
        earned = np.array([[s.earned(h) for h in horizons] for s in self._seats.values()])
        return np.asarray(given * earned, dtype=np.float64)


def _columns(loaded: Loaded) -> tuple[FeatureSet, tuple[str, ...]]:
    """Return what a model needs computed and the names it reads, or raise if the set has changed.

    The set `bars` is always computed; only what the model reads has to be known.
    """
    card, member = loaded.card, loaded.member
    name, known = card["features"]["name"], card["features"]["hash"]
    timeframe = card["timeframe"]
    wanted = feature_set(name, timeframe)
    if wanted.hash() != known:
        raise DataError(
            f"the set {wanted.name!r} is not the one that {loaded.id} was fitted on",
            where=str(loaded.path),
            allowed=f"hash {known[:12]}, or train it again",
        )
    own = (*getattr(member, "columns", ()), *member.needs, *getattr(member, "raw", ()))
    reads = own or wanted.names
    complete = wanted.only([column for column in wanted.names if column in reads])
    return complete.plus(feature_set("bars", timeframe)), (*reads, "ewma_vol")


def _join(answers: dict[str, tuple[Floats, Floats]], shares: Floats) -> dict[str, Any]:
    p = np.stack([answer[0] for answer in answers.values()])
    middle = np.stack([answer[1] for answer in answers.values()])
    known = np.isfinite(p) & np.isfinite(middle)
    if not known.any(axis=0).all():
        raise DataError(
            "the last bar has an unknown feature", where="predict", allowed="bars without holes"
        )
    weights = np.where(known, shares, 0.0)
    spoken = weights.sum(axis=0) > 0.0
    # Where nobody has earned a word, the plain mean is shown and the note says what it is worth.
    used = np.where(spoken, weights, np.where(known, 1.0, 0.0))
    used = used / used.sum(axis=0)
    logit = np.where(known, np.log(np.where(known, p, 0.5) / (1.0 - np.where(known, p, 0.5))), 0.0)
    p_up = 1.0 / (1.0 + np.exp(-(used * logit).sum(axis=0)))
    told = {
        name: {"p_up": p[k], "prediction": middle[k], "weight": weights[k]}
        for k, name in enumerate(answers)
    }
    joined: dict[str, Any] = {
        "ensemble_prediction": (used * np.where(known, middle, 0.0)).sum(axis=0),
        "p_up": p_up,
        "uncertainty": np.where(spoken, _entropy(p_up), 1.0),
        "agreement": _agreement(weights, p, p_up),
        "models": told,
    }
    if not spoken.all():
        joined["note"] = "no model has earned a weight at some horizon: treat it as unknown"
    return joined


def _agreement(weights: Floats, p: Floats, p_up: Floats) -> Floats:
    """Return the share of `weights[models, horizons]` on the side of `p_up[horizons]`.

    NaN without a side or a weight: the rule of `committee.figures.agreement`.
    """
    total = weights.sum(axis=0)
    along = np.where((p - 0.5) * (p_up - 0.5) > 0.0, weights, 0.0).sum(axis=0)
    sided = (total > 0.0) & (p_up != 0.5)
    share: Floats = np.divide(along, total, out=np.full_like(total, np.nan), where=sided)
    return share


def _entropy(p: Floats) -> Floats:
    """Return the binary entropy in bits, from 0 to 1."""
    bounded = np.clip(p, 1e-12, 1.0 - 1e-12)
    found: Floats = -(bounded * np.log2(bounded) + (1.0 - bounded) * np.log2(1.0 - bounded))
    return found
