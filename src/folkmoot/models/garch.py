"""The volatility baseline GARCH(1,1), fitted on the training rows' own returns (`garch_fit`)."""

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Features
from folkmoot.models import ewma_scale, garch_fit, memory, rows


class GARCH(ewma_scale.ScaleMember):
    """Answer the base rate and quantiles of GARCH(1,1) volatility x empirical shape.

    `horizons`: bars ahead, rising; the variance is summed over them; `lookback`: bars that the
    recursion runs over before the answer.
    """

    needs: tuple[str, ...] = ("log_close", "ewma_vol")

    def __init__(self, horizons: tuple[int, ...] = (1,), lookback: int = 250) -> None:
        self.horizons = rows.check_horizons(horizons)
        self.lookback = lookback
        self.learnt: memory.Arrays = {}
        if lookback < 2:
            raise UsageError(f"lookback is {lookback}", where="garch", allowed=">= 2")

    def fit_scale(self, x: Features, y: Floats, weights: Floats) -> memory.Arrays:
        """Fit to the last return of every row, in their order."""
        last = rows.last_return(x)
        return {"terms": garch_fit.fit_garch(last[np.isfinite(last) & (weights > 0.0)])}

    def scale_form(self) -> memory.Forms:
        """Return what the arrays that `fit_scale` leaves must be."""
        return {"terms": memory.Form((3,), 0.0)}

    def scale(self, x: Features, learnt: memory.Arrays) -> Floats:
        """Return `[rows, horizons]`: the root of the variance over the bars ahead."""
        steps = np.asarray(self.horizons, dtype=np.float64)
        found: Floats = garch_fit.scales(ewma_scale.closes(x), learnt["terms"], steps)
        return found


PLUGIN = GARCH
