"""Any scikit-learn estimator with `predict_proba` as a member of the committee.

A fitted estimator has no safe form of its own: its file is a pickle, and a pickle runs what it
says. What is kept instead is what it was taught, as arrays, and `restore` teaches a new one. That
takes the time of a fit, on one thread, and needs the same versions; the answers to some of the
training rows are kept too, and an estimator that no longer gives them is refused.
"""

from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.forecast import LEVELS, Features, Forecast
from folkmoot.models import memory, rows, scaling, spread

SUREST = 1e-4
"""No probability is nearer to 0 or 1, however many neighbours agree."""

PROBES = 32
SAME = 1e-9


@dataclass(eq=False)
class SklearnMember:
    """Fit the estimator that `make` returns once a horizon, on the columns of the decision bar.

    A class of yours derives from this one and gives `make`; `needs` names the columns, all of the
    feature set if it is empty; fields of yours are options and must be JSON values. The columns are
    given as they are: put a scaler into a pipeline. Quantiles are those of the training rows'
    returns over their volatility (`spread`). Every `random_state` that is None becomes `seed`.

    An estimator's own sums may depend on how many rows it is asked about at once; they are then
    the same within rounding, not bit for bit. A row with an unknown column has no answer.
    """

    horizons: tuple[int, ...] = (1,)
    seed: int = 0

    levels = LEVELS
    lookback = 1
    needs = cast("tuple[str, ...]", ())
    handles_missing = False

    def __post_init__(self) -> None:
        self.horizons = rows.check_horizons(self.horizons)
        self.columns: tuple[str, ...] = ()
        self.learnt: memory.Arrays = {}
        self._fitted: list[Any] = []

    def make(self) -> Any:
        """Return an unfitted estimator: `fit(X, y)`, y of 0.0 and 1.0, and `predict_proba`."""
        raise NotImplementedError

    def fit(self, x: Features, y: Floats, weights: Floats) -> Self:
        """Fit; raises `DataError` on fewer than 30 rows with all columns known."""
        rows.check_shapes(self, x, y, weights)
        columns = rows.columns(x, self.needs)
        values = rows.take(x, columns)
        known = rows.known(values)
        rows.samples(self, values[:, :0], y, weights, known)
        shape = spread.fit_shape(x, y, weights, self.horizons)
        used = known & np.isfinite(y).any(axis=1) & (weights > 0.0)
        up = np.where(np.isfinite(y) & (y != 0.0), y > 0.0, -1).astype(np.int8)
        self.columns = columns
        self.learnt = {
            "values": values[used],
            "up": up[used],
            "weights": scaling.even(weights[used]),
        }
        self._teach()
        self.learnt |= {"shape": shape, "told": self._answers(self._probes())}
        return self

    def predict(self, x: Features) -> Forecast:
        """Forecast every row of `x`; raises `Untrained` before a fit."""
        rows.learnt(self)
        values = rows.take(x, self.columns)
        known = rows.known(values)
        p_up = np.full((len(x), len(self.horizons)), np.nan)
        if known.any():
            p_up[known] = self._answers(values[known])
        return rows.answer(self, x, p_up)

    def form(self) -> memory.Forms:
        """Return what each array that a fit leaves must be."""
        columns, horizons = len(self.columns), len(self.horizons)
        return {
            "values": memory.Form(("rows", columns)),
            "up": memory.Form(("rows", horizons), -1, 1, kind="int8"),
            "weights": memory.Form(("rows",), 0.0),
            "told": memory.Form(("probes", horizons)),
            "shape": memory.quantiles(horizons),
        }

    def state(self) -> tuple[memory.Arrays, dict[str, Any]]:
        """Return what it was taught and how it answered, as arrays, and its options."""
        return memory.save(self)

    @classmethod
    def restore(cls, arrays: memory.Arrays, facts: dict[str, Any]) -> Self:
        """Teach a new estimator what the saved one was taught.

        Raises `DataError` if it answers otherwise: other versions, or chance that has no seed.
        """
        model = memory.load(cls, arrays, facts)
        model._teach()
        found = model._answers(model._probes())
        told = arrays["told"]
        if found.shape != told.shape or not np.allclose(found, told, rtol=0.0, atol=SAME):
            raise DataError(
                "taught the same, it answers otherwise than when it was saved",
                where=cls.__name__,
                allowed="the versions it was saved with, a random_state, the same make()",
            )
        return model

    def _probes(self) -> Floats:
        return self.learnt["values"][-PROBES:]

    def _teach(self) -> None:
        values, weights = self.learnt["values"], self.learnt["weights"]
        self._fitted = []
        # On one thread sums have one order.
        with threadpool_limits(1):
            for up in self.learnt["up"].T:
                mine = up >= 0
                estimator = _seeded(self.make(), self.seed, type(self).__name__)
                given = _weighted(estimator, weights[mine])
                self._fitted.append(estimator.fit(values[mine], up[mine].astype(float), **given))

    def _answers(self, values: Floats) -> Floats:
        with threadpool_limits(1):
            told = [estimator.predict_proba(values)[:, 1] for estimator in self._fitted]
        return np.clip(np.column_stack(told).astype(np.float64), SUREST, 1.0 - SUREST)


def _seeded(given: Any, seed: int, where: str) -> Any:
    """Return the estimator, unfitted, every chance in it seeded."""
    from sklearn.base import clone

    if not hasattr(given, "predict_proba") or not hasattr(given, "get_params"):
        raise UsageError(
            f"{type(given).__name__} has no predict_proba",
            where=where,
            allowed="a classifier of scikit-learn that tells probabilities",
        )
    estimator = clone(given)
    chance = {
        name: seed
        for name, value in estimator.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return estimator.set_params(**chance)


def _weighted(estimator: Any, weights: npt.NDArray[np.float64]) -> dict[str, Floats]:
    """Return what tells `fit` the weights, nothing where all are equal."""
    from sklearn.utils.validation import has_fit_parameter

    if (weights == weights[0]).all():
        return {}
    steps = getattr(estimator, "steps", None)
    last, name = (steps[-1][1], f"{steps[-1][0]}__") if steps else (estimator, "")
    if not has_fit_parameter(last, "sample_weight"):
        raise UsageError(
            f"{type(last).__name__} takes no weights", where="fit", allowed="equal weights"
        )
    return {f"{name}sample_weight": weights}
