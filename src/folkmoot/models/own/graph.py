"""A graph of yours, in ONNX form, as a member of the committee.

It was fitted elsewhere and does not learn here: a fit takes the training rows' quantiles, checks
the graph on rows, and stores its bytes. What it was fitted on nobody here knows: rows from before
its making prove nothing about it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import memory, rows, spread
from folkmoot.models.neural import targets
from folkmoot.models.neural.inputs import Inputs, Windowed, bars_of, check_windows, known_windows
from folkmoot.models.own import checked

SUREST = 1e-4


@dataclass(eq=False)
class OnnxMember:
    """Ask a graph of yours for P(up), or for the raw numbers of `models.neural.targets`.

    A class of yours derives from this one and says `path`, where the graph is, and `inputs`: the
    columns of each of its arguments, [rows, columns] if `lookback` is 1, else [rows, lookback,
    columns], as the feature set has them. The graph's one output, or the one called `output`, is
    [rows, horizons] of P(up), [rows, 2] of the classes down and up at one horizon, or [rows, 8 x
    horizons] raw. Quantiles of the first two are the training rows' own (`spread`).

    `seal` is the SHA-256 of the graph, found when it is empty, so that another graph is another
    member. Raises `DataError` for a file that cannot be read.
    """

    horizons: tuple[int, ...] = (1,)
    seal: str = ""

    levels = LEVELS
    handles_missing = False
    learns_direction = False
    lookback: ClassVar[int] = 1
    path: ClassVar[str | Path] = ""
    inputs: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    output: ClassVar[str] = ""

    def __post_init__(self) -> None:
        self.horizons = rows.check_horizons(self.horizons)
        self.needs = tuple(dict.fromkeys(n for names in self.inputs.values() for n in names))
        self.learnt: memory.Arrays = {}
        if not self.needs:
            raise UsageError(
                "inputs is empty", where=type(self).__name__, allowed='{"x": ("rsi_14",)}'
            )
        if not self.seal:
            self.seal = hashlib.sha256(self._read()).hexdigest()

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Take the quantiles and check the graph on the last rows.

        Raises `DataError` for a graph that is refused (`checked`), or that changed since this
        member was made.
        """
        rows.check_shapes(self, x, y, weights)
        shown = self._shown(x)
        found = rows.samples(self, np.empty((len(x), 0)), y, weights, shown.known)
        rate = np.array([sample.rate for sample in found])
        body = self._read()
        if hashlib.sha256(body).hexdigest() != self.seal:
            raise DataError("the graph has changed", where=str(self.path), allowed="a new member")
        graph = self._graph(body)
        checked.on_rows(graph, shown, np.flatnonzero(shown.known)[-checked.PROBES :])
        self.learnt = {
            "graph": np.frombuffer(body, dtype=np.uint8),
            "shape": spread.fit_shape(x, y, weights, self.horizons),
            "base": np.log(rate / (1.0 - rate)),
        }
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        learnt = rows.learnt(self)
        shown = self._shown(x)
        index = np.flatnonzero(shown.known)
        told = self._graph(learnt["graph"].tobytes()).answers(shown, index)
        p_up = np.full((len(x), len(self.horizons)), np.nan)
        if told.shape[1] != targets.WIDTH * len(self.horizons):
            p_up[index] = np.clip(told[:, -len(self.horizons) :], SUREST, 1.0 - SUREST)
            return rows.answer(self, x, p_up)
        levels = np.full((*p_up.shape, len(LEVELS)), np.nan)
        p_up[index], levels[index] = targets.decode(told, learnt["base"], learnt["shape"])
        span = spread.scale(x, self.horizons)
        p_up[~np.isfinite(span)] = np.nan
        return Forecast(p_up, levels * span[:, :, None], self.horizons, self.levels)

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return the graph and the quantiles, as arrays, and the options."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state; the file at `path` is not asked for."""
        if not facts["options"].get("seal"):
            raise DataError("no seal", where=cls.__name__, allowed="as saved")
        model = memory.load(cls, arrays, facts)
        body = arrays["graph"].tobytes() if "graph" in arrays else b""
        if hashlib.sha256(body).hexdigest() != model.seal:
            raise DataError("this is not the graph it says", where=cls.__name__, allowed="as saved")
        wanted = {"base": (len(model.horizons),), "shape": (len(model.horizons), len(LEVELS))}
        found = {name: arrays[name].shape for name in wanted if name in arrays}
        if found != wanted:
            raise DataError(f"arrays {found}", where=cls.__name__, allowed=str(wanted))
        model._graph(body)
        return model

    def _read(self) -> bytes:
        try:
            return Path(self.path).read_bytes()
        except OSError as problem:
            raise DataError(
                "the graph cannot be read",
                where=str(self.path),
                allowed=problem.strerror or "an ONNX file",
            ) from problem

    def _graph(self, body: bytes) -> "checked.Graph":
        sizes = {name: len(columns) for name, columns in self.inputs.items()}
        return checked.graph(body, sizes, self.lookback, len(self.horizons), self.output)

    def _shown(self, x: Features) -> Inputs:
        """Return the graph's arguments, and which rows know all of them.

        Raises `DataError` unless the windows are `lookback` bars long.
        """
        check_windows(x, self.lookback)
        parts, good = [], np.ones(len(x), dtype=np.bool_)
        for names in self.inputs.values():
            table, starts = bars_of(x, names)
            known = rows.known(table)
            parts.append(Windowed(np.where(known[:, None], table, 0.0), starts, self.lookback))
            good &= known_windows(known, starts, self.lookback)
        return Inputs(tuple(parts), good)
