"""The regime state against a plain loop over its definition."""

import numpy as np
import pytest
from scipy.stats import rankdata

from folkmoot.causal import compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.indicators import efficiency_ratio, ewma_vol, regime, variance_ratio
from folkmoot.indicators.regime import REGIMES

MEASURES = {"vol": ewma_vol(), "er": efficiency_ratio(n=20), "vr": variance_ratio(q=4, n=60)}


def share(values: Floats) -> float:
    """The share of a window at or below its newest value, a tie counting half."""
    return (float(rankdata(values)[-1]) - 0.5) / len(values)


def defined(bars: Bars, n: int) -> list[str | None]:
    """Name the state of every bar before it is held, or None."""
    lines = compile(MEASURES).batch(bars)
    names: list[str | None] = []
    for t in range(len(bars)):
        windows = {k: v[max(t - n + 1, 0) : t + 1] for k, v in lines.items()}
        if t < n - 1 or any(np.isnan(w).any() for w in windows.values()):
            names.append(None)
            continue
        place = {k: share(w) for k, w in windows.items()}
        calm = "mean_reverting" if place["vr"] < 0.25 else "quiet"
        moving = "trending" if place["er"] > 0.75 else calm
        names.append("volatile" if place["vol"] > 0.75 else moving)
    return names


def held(names: list[str | None], least: int) -> list[str | None]:
    """Keep every state for at least `least` bars once it has changed."""
    out: list[str | None] = []
    for name in names:
        age = next((k for k, past in enumerate(reversed(out)) if past != out[-1]), len(out))
        waiting = bool(out) and out[-1] is not None and age < least
        out.append(out[-1] if waiting else name)
    return out


@pytest.mark.parametrize("n", [500, 120])
def test_the_state_is_the_one_defined(n: int, walk: Bars) -> None:
    seen = compile({"state": regime(ranked_over=n)}).batch(walk)["state"]
    expected = held(defined(walk, n), 5)
    names = [None if np.isnan(code) else REGIMES[int(code)] for code in seen]
    assert names == expected
    assert set(names) == {None, *REGIMES}


def test_nothing_is_known_before_500_bars(walk: Bars) -> None:
    seen = compile({"state": regime()}).batch(walk)["state"]
    assert np.isnan(seen[:562]).all()
    assert not np.isnan(seen[562:]).any()


def test_a_state_stands_for_at_least_five_bars(walk: Bars) -> None:
    seen = compile({"state": regime()}).batch(walk)["state"][562:]
    changes = np.flatnonzero(np.diff(seen) != 0.0)
    assert len(changes) > 20
    assert np.diff(changes).min() >= 5
