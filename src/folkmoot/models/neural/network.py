"""What every neural member does; a family adds its settings and its network.

1. Columns are chosen (at most `select`), scored robustly and clipped, all on the training rows.
2. The last share of the training rows is held out for early stopping, purged by the label's life.
3. `seeds` networks are fitted by the one loop; their raw numbers are averaged.
4. A forecast decodes raw numbers around the uninformed one; see `targets`.

A family may also give:

- `raw`: unscaled `bars` columns, a further argument of forward `[rows, lookback, len(raw)]`, whose
  log prices are told relative to the decision bar's close;
- `inputs(x)`: any other arguments, built from `x` and what `prepare` learnt;
- `prepare(x, y, rows)`: what has to be learnt before a network is built, as arrays;
- `extras(x, y, rows)`: further arrays `[rows, ...]` for the network's own part of the loss.

A network may offer `learn(inputs, extras) -> (raw, loss to add)`, `groups()` (parameter groups with
`lr_factor` and `weight_decay`) and `explain(*inputs) -> dict` of what the forward pass used.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, EnvironmentProblem, UsageError
from folkmoot.core.extras import get_extra
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import held_out as held
from folkmoot.models import memory, rows, scaling, spread
from folkmoot.models.neural import chosen, serving, targets
from folkmoot.models.neural import weights as stored
from folkmoot.models.neural.inputs import (
    Anchored,
    Inputs,
    Part,
    Windowed,
    bars_of,
    check_windows,
    known_windows,
    scored,
)
from folkmoot.models.neural.plan import Plan
from folkmoot.models.neural.room import room

if TYPE_CHECKING:
    from torch import nn

LOG_PRICES = ("log_open", "log_high", "log_low", "log_close")
CLIP = 5.0
EXPLAINED = 256
REFERENCE = (64, 3)
"""Features and outputs of the shape in which networks are counted and compared."""

Tell = Callable[[dict[str, Any]], None]


class Network:
    """The common part of neural members; a family is a dataclass that derives from it."""

    levels = LEVELS
    handles_missing = False
    needs: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()
    learns_direction = True
    small: ClassVar[dict[str, Any]] = {}
    """Options of a quick variant, for trials and laws."""

    horizons: tuple[int, ...]
    lookback: int
    select: int
    training: dict[str, Any]

    def __post_init__(self) -> None:
        self.horizons = rows.check_horizons(self.horizons)
        self.training = dict(self.training)
        self.plan = Plan.of(self.training)
        self.columns: tuple[str, ...] = ()
        self.learnt: memory.Arrays = {}
        self.history: list[list[dict[str, Any]]] = []
        self.selection: dict[str, Any] = {}
        self.progress: Tell | None = None
        self.keep: Path | None = None
        self.before: memory.Arrays = {}
        self.served: dict[str, Any] = {}
        self.warm: list[str] = []
        self._networks: list[Any] = []
        self._sessions: list[Any] = []
        if self.lookback < 1 or self.select < 1:
            raise UsageError(
                f"lookback is {self.lookback} and select {self.select}",
                where=type(self).__name__,
                allowed="1 or more",
            )
        self.check()

    def check(self) -> None:
        """Refuse options that do not fit together; raises `UsageError`."""

    def network(self, features: int, out: int) -> "nn.Module":
        """Return an unfitted network for `features` columns that answers `out` raw numbers."""
        raise NotImplementedError

    def prepare(self, x: Features, y: Floats, usable: rows.Rows) -> memory.Arrays:
        """Return what must be learnt before the network is built, from the `usable` rows."""
        del x, y, usable
        return {}

    def extras(self, x: Features, y: Floats, usable: rows.Rows) -> tuple[Floats, ...]:
        """Return further arrays `[rows, ...]` for the network's own part of the loss."""
        del x, y, usable
        return ()

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Learn; raises `DataError` for too few rows or a loss that is no number.

        `keep`, if set, names a file (its stem is extended by the seed) for the state after each
        epoch: a fit that finds its own goes on from it. `progress`, if set, is told each epoch. A
        fit that fails or is interrupted leaves the member as it was.
        """
        rows.check_shapes(self, x, y, weights)
        check_windows(x, self.lookback)
        with stored.whole(self), room("training"):
            self._learn(x, y, weights)
        return self

    def _learn(self, x: Features, y: Floats, weights: Floats) -> None:
        self._learn_scaling(x, y, weights)
        shown = self.inputs(x)
        volatile = np.isfinite(spread.scale(x, self.horizons)[:, 0])
        usable = shown.known & volatile & np.isfinite(y).any(axis=1) & (weights > 0.0)
        taught = targets.targets(self, x, y, weights, usable)
        taught = taught.alike() if self.plan.balance else taught
        self.learnt |= {"shape": taught.shape, "base": taught.base}
        self._fit_networks(x, y, shown, taught, np.flatnonzero(usable))

    def _learn_scaling(self, x: Features, y: Floats, weights: Floats) -> None:
        names = rows.columns(x, ()) if not self.needs else stored.of_the_set(self.needs)
        values = rows.take(x, names) if names else np.empty((len(x), 0))
        known = rows.known(values) & np.isfinite(y).any(axis=1) & (weights > 0.0)
        # Asks for enough rows before their quantiles are taken.
        rows.samples(self, values[:, :0], y, weights, known)
        centre, gain = scaling.fit_scaling(values[known]) if names else (np.empty(0), np.empty(0))
        scores = scaling.score(values[known], centre, gain, CLIP)
        z = chosen.standardised(y, spread.scale(x, self.horizons))[known]
        kept, self.selection = chosen.choose(scores, z, names, self.select)
        kept = stored.as_before(kept, names, self.before) if self.plan.warm else kept
        self.columns = tuple(names[place] for place in kept)
        self._networks, self._sessions = [], []
        self.history, self.served, self.warm = [], {}, []
        self.learnt = {"centre": centre[kept], "gain": gain[kept]}
        self.learnt |= {f"own.{k}": a for k, a in self.prepare(x, y, known).items()}

    def inputs(self, x: Features) -> Inputs:
        """Return what the network is shown of `x`; `DataError` for windows of another length."""
        check_windows(x, self.lookback)
        parts: list[Part] = []
        good = np.ones(len(x), dtype=np.bool_)
        if self.columns:
            centre, gain = self.learnt["centre"], self.learnt["gain"]
            shown, known, starts = scored(x, self.columns, centre, gain, CLIP)
            parts.append(Windowed(shown, starts, self.lookback))
            good = known_windows(known, starts, self.lookback)
        if self.raw:
            part, known_raw = self.raw_part(x)
            parts.append(part)
            good &= known_raw
        return Inputs(tuple(parts), good)

    def raw_part(self, x: Features) -> tuple[Part, rows.Rows]:
        """Return the windows of the unscaled columns `raw`, and which rows know all of them."""
        order = [n for n in self.raw if n in LOG_PRICES] + [
            n for n in self.raw if n not in LOG_PRICES
        ]
        if tuple(order) != self.raw:
            raise UsageError("log prices come first", where="raw", allowed=order)
        check_windows(x, self.lookback)
        table, starts = bars_of(x, self.raw)
        known = rows.known(table)
        relative = sum(name in LOG_PRICES for name in self.raw)
        anchor = self.raw.index("log_close") if relative else 0
        table = np.where(known[:, None], table, 0.0)
        part = Anchored(table, starts, self.lookback, relative, anchor)
        return part, known_windows(known, starts, self.lookback)

    def _fit_networks(
        self,
        x: Features,
        y: Floats,
        shown: Inputs,
        taught: targets.Targets,
        usable: rows.Index,
    ) -> None:
        torch = self._torch()
        from folkmoot.models.networks import batches, criterion, loop
        from folkmoot.models.networks.head import recompute

        cut = self._cut(x, usable)
        extras = self.extras(x, y, np.isin(np.arange(len(x)), usable))
        for place in range(self.plan.seeds):
            plan = replace(self.plan, seed=self.plan.seed + place)
            material = batches.Material(shown, taught, *cut, plan, extras)
            with torch.random.fork_rng():
                torch.manual_seed(plan.seed)
                network = self.network(len(self.columns), targets.WIDTH * len(self.horizons))
            if self.plan.warm and self.before:
                now = self.columns, self.learnt
                self.warm.append(stored.start_from(network, self.before, place, *now))
            if plan.recompute:
                recompute(network)
            rate = taught.rate if plan.balance else None
            loss = criterion.Criterion(taught.base, taught.shape, plan.loss, rate)
            keep = self.keep and self.keep.with_name(f"{self.keep.name}.{place}")
            own = stored.options(self) if keep else {}
            fitted = loop.fit(network, loss, material, keep, self.progress, own)
            self.history.append(fitted.history)
            self._networks.append(fitted.network)
            for name, tensor in fitted.network.state_dict().items():
                self.learnt[f"net{place}.{name}"] = tensor.numpy().copy()

    def _cut(self, x: Features, usable: rows.Index) -> tuple[rows.Index, rows.Index]:
        """Return (taught, held out) rows: no taught label is known after the first held-out bar."""
        life = max(self.horizons) + 1
        taught, held_out = held.split(x, usable, self.plan.holdout, life)
        if not len(held_out):
            return taught, held_out
        if len(taught) < rows.FEWEST:
            raise DataError(
                f"{len(taught)} rows are left to learn from before the held-out ones",
                where=type(self).__name__,
                allowed=f"{rows.FEWEST} or more, or holdout = 0",
            )
        step = max(1, len(held_out) // self.plan.holdout_windows)
        return taught, held_out[::step]

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        rows.learnt(self)
        check_windows(x, self.lookback)
        return self.answer(x, self.inputs(x))

    def answer(self, x: Features, shown: Inputs) -> Forecast:
        """Forecast every row of `x` from what the network is shown of it, as `inputs` returns."""
        raws, learnt = self._raws(shown), self.learnt
        raw = raws[0] if len(raws) == 1 else raws.mean(axis=0)
        p_up, levels = targets.decode(raw, learnt["base"], learnt["shape"])
        span = spread.scale(x, self.horizons)
        if len(raw) < len(x):
            p_up, levels = _on_rows(shown.known, p_up), _on_rows(shown.known, levels)
        unknown = ~np.isfinite(span)
        if unknown.any():
            p_up = np.where(unknown, np.nan, p_up)
            levels = np.where(unknown[:, :, None], np.nan, levels)
        return Forecast(p_up, levels * span[:, :, None], self.horizons, self.levels)

    def raw_answers(self, x: Features) -> tuple[Floats, rows.Rows]:
        """Return (`raw[seeds, known rows, horizons x 8]`, `known[rows]`)."""
        rows.learnt(self)
        shown = self.inputs(x)
        return self._raws(shown), shown.known

    def _raws(self, shown: Inputs) -> Floats:
        index = np.flatnonzero(shown.known)
        if not len(index):
            return np.zeros((self.plan.seeds, 0, targets.WIDTH * len(self.horizons)))
        if self._asks_graphs():
            answers = [serving.answers(graph, shown, index) for graph in self._graphs()]
        else:
            self._torch()
            from folkmoot.models.networks import loop

            answers = [loop.forward(network, shown, index) for network in self.networks()]
        return answers[0][None] if len(answers) == 1 else np.stack(answers)

    def freeze(self, x: Features) -> dict[str, Any]:
        """Add the ONNX form of each network, checked on rows of `x`; return how fast each form is.

        From then on whichever is faster for one row answers; the figures stay in the state. Raises
        `DataError` if a graph answers otherwise than its network, or no row of `x` is known.
        """
        rows.learnt(self)
        self._torch()
        from folkmoot.models.networks import export

        shown = self.inputs(x)
        index = np.flatnonzero(shown.known)[-8:]
        if len(index) < 2:
            raise DataError("fewer than two rows are known", where="freeze", allowed="2 or more")
        sample = shown.take(index)
        times = []
        for place, network in enumerate(self.networks()):
            body = export.export(network, sample)
            self.learnt[f"onnx{place}"] = np.frombuffer(body, dtype=np.uint8)
            times.append(export.latency(network, body, sample))
        eager, graph = (float(total) for total in np.sum(times, axis=0))
        self.served = {"by": "onnx" if graph < eager else "torch", "torch": eager, "onnx": graph}
        return self.served

    def _graphs(self) -> list[Any]:
        """Return the running ONNX forms, one a seed."""
        if not self._sessions:
            names = [f"onnx{place}" for place in range(self.plan.seeds)]
            self._sessions = [serving.session(self.learnt[name].tobytes()) for name in names]
        return self._sessions

    def _asks_graphs(self) -> bool:
        """Return whether the ONNX form answers: it is there, and faster or all that can."""
        if "onnx0" not in self.learnt or not serving.available():
            return False
        return self.served.get("by") == "onnx" or not stored.has_torch()

    def spread(self, x: Features) -> Floats:
        """Return `[rows, horizons]`: the standard deviation of P(up) over the seeds."""
        raws, known = self.raw_answers(x)
        each = [targets.decode(raw, self.learnt["base"], self.learnt["shape"])[0] for raw in raws]
        found = np.full((len(x), len(self.horizons)), np.nan)
        found[known] = np.std(each, axis=0)
        return found

    def explain(self, x: Features) -> dict[str, Floats]:
        """Return what the first network's forward pass used, for the last 256 known rows of `x`.

        Attention weights, variable importances, memory hits: whatever the family has; `rows` are
        the positions it is about.
        """
        import torch

        rows.learnt(self)
        shown = self.inputs(x)
        index = np.flatnonzero(shown.known)[-EXPLAINED:]
        network = self.networks()[0]
        tell = getattr(network, "explain", None)
        if tell is None or not len(index):
            return {}
        with torch.inference_mode():
            told = tell(*(torch.from_numpy(part) for part in shown.take(index)))
        return {"rows": index, **{name: tensor.numpy() for name, tensor in told.items()}}

    def networks(self) -> "list[nn.Module]":
        """Return the fitted networks, one a seed, in evaluation mode on the processor."""
        if not self._networks:
            for place in range(self.plan.seeds):
                network = self.network(len(self.columns), targets.WIDTH * len(self.horizons))
                stored.load(network, self.learnt, place)
                self._networks.append(network.eval())
        return self._networks

    def reference(self) -> "nn.Module":
        """Return an unfitted network of the reference shape: 64 features, 3 answers."""
        self._torch()
        return self.network(*REFERENCE)

    def parameters_in_use(self) -> int:
        """Return how many numbers the fitted networks have learnt, or raise `Untrained`."""
        rows.learnt(self)
        self._torch()
        from folkmoot.models.networks.head import count

        return sum(count(network) for network in self.networks())

    def _torch(self) -> Any:
        try:
            import torch
        except ImportError as problem:
            raise EnvironmentProblem(
                "torch is not installed", where=type(self).__name__, allowed=get_extra("neural")
            ) from problem
        return torch

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        arrays, facts = memory.save(self)
        own = {"history": self.history, "selection": self.selection, "served": self.served}
        return arrays, {**facts, **own, **({"warm": self.warm} if self.warm else {})}

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state."""
        model = memory.load(cls, arrays, facts)
        model.history, model.selection = facts["history"], facts["selection"]
        model.served, model.warm = facts["served"], facts.get("warm", [])
        stored.check_lengths(model)
        if model._asks_graphs():
            model._graphs()
        else:
            model.networks()
        return model


def _on_rows(known: rows.Rows, values: Floats) -> Floats:
    """Return `[len(known), ...]`: the values on the rows that are known, NaN on the others."""
    spaced = np.full((len(known), *values.shape[1:]), np.nan)
    spaced[known] = values
    return spaced
