"""Logistic regression on every column of the set: robust scores, an L2 penalty.

`solver="newton"` finds the optimum over all training rows (`newton`); `solver="ftrl"` passes over
them in time order and can go on learning, a row at a time (`logistic_stream`).
"""

from typing import Any, Self

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import logistic_stream, memory, newton, rows, scaling, spread

SOLVERS = ("newton", "ftrl")
PRESETS: dict[str, dict[str, Any]] = {"logistic": {}, "logistic_ftrl": {"solver": "ftrl"}}


class Logistic:
    """Answer a logistic function of the winsorised standard scores of all columns.

    `horizons`: bars ahead, rising; `c`: inverse strength of the L2 penalty on the slopes, as in
    scikit-learn; the default is the prior that one standard deviation of one column moves the log
    odds by about 0.05, 1.3 points of probability; `bound`: scores are held within +-bound;
    `solver`: "newton" or "ftrl", of which `rate` is the first step, `sparsity` the L1 penalty and
    `passes` the number of times that the training rows are gone through.
    """

    levels = LEVELS
    lookback = 1
    needs: tuple[str, ...] = ()
    handles_missing = False

    def __init__(
        self,
        horizons: tuple[int, ...] = (1,),
        c: float = 0.0025,
        bound: float = 5.0,
        solver: str = "newton",
        rate: float = 0.005,
        sparsity: float = 0.0,
        passes: int = 1,
    ) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.c = c
        self.bound = bound
        self.solver, self.rate = solver, rate
        self.sparsity, self.passes = sparsity, passes
        self.columns: tuple[str, ...] = ()
        self.learnt: memory.Arrays = {}
        if solver not in SOLVERS:
            raise UsageError(f"solver {solver!r}", where="logistic", allowed=list(SOLVERS))
        if not (all(v > 0.0 for v in (c, bound, rate)) and sparsity >= 0.0 and passes >= 1):
            raise UsageError("an option is out of range", where="logistic", allowed="above zero")

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Scale and solve; raises `DataError` on fewer than 30 rows with all columns known."""
        rows.check_shapes(self, x, y, weights)
        columns = rows.columns(x, self.needs)
        values = rows.take(x, columns)
        known = rows.known(values)
        used = known & np.isfinite(y).any(axis=1) & (weights > 0.0)
        # Asks for enough rows before their quantiles are taken.
        rows.samples(self, values[:, :0], y, weights, known)
        values, labels, weight = values[used], y[used], weights[used]
        centre, gain = scaling.fit_scaling(values)
        z = scaling.score(values, centre, gain, self.bound)
        found = rows.samples(self, z, labels, weight, np.ones(len(z), dtype=np.bool_))
        solved = self._pass_over(found) if self.solver == "ftrl" else self._solve(found)
        shape = spread.fit_shape(x, y, weights, self.horizons)
        self.columns = columns
        self.learnt = {"centre": centre, "gain": gain, **solved, "shape": shape}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        learnt = rows.learnt(self)
        values = rows.take(x, self.columns)
        z = scaling.score(values, learnt["centre"], learnt["gain"], self.bound)
        p_up = np.column_stack([newton.probability(z, beta) for beta in learnt["beta"]])
        return rows.answer(self, x, p_up)

    def stream(self, fresh: bool = False) -> "Stream":
        """Return a learner that goes on from the fit, or anew with the fit's scaling if `fresh`.

        Raises `UsageError` for another solver than "ftrl", `Untrained` before a fit.
        """
        learnt = rows.learnt(self)
        if self.solver != "ftrl":
            raise UsageError(f"a stream by {self.solver}", where="logistic", allowed=["ftrl"])
        state = np.zeros_like(learnt["state"]) if fresh else learnt["state"].copy()
        return Stream(self, state)

    def penalties(self) -> tuple[float, float, float]:
        """Return the rate, the L2 penalty and the L1 penalty of the streaming form."""
        return self.rate, 1.0 / self.c, self.sparsity

    def form(self) -> memory.Forms:
        """Return what each array that a fit leaves must be."""
        columns, horizons = len(self.columns), len(self.horizons)
        forms = {
            "centre": memory.Form((columns,)),
            "gain": memory.Form((columns,), 0.0),
            "beta": memory.Form((horizons, columns + 1)),
            "shape": memory.quantiles(horizons),
        }
        if self.solver == "ftrl":
            forms["state"] = memory.Form((horizons, 2, columns + 1))
        return forms

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what was learnt, as arrays and as JSON facts."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Rebuild a fitted model from its state."""
        return memory.load(cls, arrays, facts)

    def _solve(self, found: list[rows.Sample]) -> memory.Arrays:
        beta = [newton.fit_logistic(s.values, s.up, s.weights, self.c) for s in found]
        return {"beta": np.array(beta)}

    def _pass_over(self, found: list[rows.Sample]) -> memory.Arrays:
        states = np.zeros((len(found), 2, found[0].values.shape[1] + 1))
        for state, s in zip(states, found, strict=True):
            for _ in range(self.passes):
                logistic_stream.learn(s.values, s.up, s.weights, state, *self.penalties())
        beta = [logistic_stream.coefficients(state, *self.penalties()) for state in states]
        return {"beta": np.array(beta), "state": states}


class Stream:
    """The streaming form of a fitted `logistic_ftrl`: answer a row, learn a row, both at once.

    `state[horizons, 2, columns + 1]` is all that it has learnt.
    """

    def __init__(self, model: Logistic, state: Floats) -> None:
        self.state = state
        self._model = model

    def push(self, row: Floats) -> Floats:
        """Return P(up) `[horizons]` for the values `row[columns]`; NaN where one is unknown."""
        z = self._score(row)
        beta = (
            logistic_stream.coefficients(state, *self._model.penalties()) for state in self.state
        )
        return np.array([newton.probability(z, b)[0] for b in beta])

    def learn(self, row: Floats, y: Floats, weight: float = 1.0) -> None:
        """Learn what followed a row: `y[horizons]` log returns, NaN where one is not known yet.

        A return of exactly zero, an unknown one, and a row with an unknown value teach nothing.
        Raises `UsageError` for a weight that is not finite and 0 or more.
        """
        if not 0.0 <= weight < np.inf:
            raise UsageError(f"a weight of {weight}", where="logistic", allowed="finite, >= 0")
        z = self._score(row)
        if not np.isfinite(z).all() or weight == 0.0:
            return
        once = np.array([weight])
        for state, moved in zip(self.state, y, strict=True):
            if np.isfinite(moved) and moved != 0.0:
                up = np.array([float(moved > 0.0)])
                logistic_stream.learn(z, up, once, state, *self._model.penalties())

    def _score(self, row: Floats) -> Floats:
        learnt = self._model.learnt
        values = np.ascontiguousarray(row, dtype=np.float64)[None, :]
        if values.shape[1] != len(learnt["centre"]):
            raise DataError(
                f"a row of {values.shape[1]}",
                where="logistic",
                allowed=f"{len(learnt['centre'])} columns",
            )
        z: Floats = scaling.score(values, learnt["centre"], learnt["gain"], self._model.bound)
        return z


PLUGIN = Logistic
