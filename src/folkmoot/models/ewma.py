"""The volatility baseline: an exponentially weighted average of squared returns, nothing else.

The decay is chosen for each horizon on the training rows, by pinball loss (RiskMetrics, 1996, with
.94; the candidates are .90, .94, .97 and .985).
"""

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Features
from folkmoot.models import ewma_scale, memory, rows, spread

DECAYS = (0.90, 0.94, 0.97, 0.985)


class EWMA(ewma_scale.ScaleMember):
    """Answer the base rate and quantiles of EWMA volatility x empirical shape.

    `horizons`: bars ahead, rising; `decays` to choose from; `lookback`: bars averaged over.
    """

    needs: tuple[str, ...] = ("log_close", "ewma_vol")

    def __init__(
        self,
        horizons: tuple[int, ...] = (1,),
        decays: tuple[float, ...] = DECAYS,
        lookback: int = 250,
    ) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.decays, self.lookback = tuple(decays), lookback
        self.learnt: memory.Arrays = {}
        if lookback < 2 or not decays or not all(0.0 < decay <= 1.0 for decay in decays):
            raise UsageError(f"decays {decays}", where="ewma", allowed="in (0, 1], lookback >= 2")

    def fit_scale(self, x: Features, y: Floats, weights: Floats) -> memory.Arrays:
        """Choose the decay of each horizon."""
        losses = np.empty((len(self.decays), len(self.horizons)))
        for place, decay in enumerate(self.decays):
            spans = self._spans(x, np.full(len(self.horizons), decay))
            answer = spread.stretch(spread.shape_of(spans, y, weights), spans)
            for k in range(len(self.horizons)):
                losses[place, k] = ewma_scale.pinball(y[:, k], answer[:, k], weights)
        return {"decay": np.array(self.decays)[losses.argmin(axis=0)]}

    def scale_form(self) -> memory.Forms:
        """Return what the arrays that `fit_scale` leaves must be."""
        return {"decay": memory.Form((len(self.horizons),), 0.0, 1.0)}

    def scale(self, x: Features, learnt: memory.Arrays) -> Floats:
        """Return `[rows, horizons]`: the volatility x sqrt(h)."""
        return self._spans(x, learnt["decay"])

    def _spans(self, x: Features, decays: Floats) -> Floats:
        closes = ewma_scale.closes(x)
        found = {decay: ewma_scale.decayed(closes, decay) for decay in set(decays.tolist())}
        steps = np.sqrt(np.asarray(self.horizons, dtype=np.float64))
        return np.column_stack([found[decay] for decay in decays.tolist()]) * steps


PLUGIN = EWMA
