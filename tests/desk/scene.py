"""A committee's minutes over a random walk: what the desk's tests and benchmark replay."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from folkmoot.committee.minutes import Minutes
from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import Timeframe
from folkmoot.desk import Desk, Journal, ReplayVoice
from folkmoot.execution import Costs, Limits, SimBroker
from folkmoot.strategies import build
from folkmoot.training.ballots import Ballots

NAMES = ("logistic", "lightgbm", "lorentzian")
SYMBOL = "WORLD/B"
SCENE_KEY = ("half_kelly", SYMBOL, "1h")
_LEVELS = np.array([-1.645, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.645])


@dataclass(frozen=True)
class Scene:
    """Bars, and what was said about them."""

    bars: Bars
    minutes: Minutes
    ballots: Ballots

    def voice(self) -> ReplayVoice:
        return ReplayVoice(self.minutes, self.ballots, SYMBOL)


def scene(n: int, seed: int = 3, life: float = 50.0) -> Scene:
    """Return `n` bars whose next sign follows a slow sign with probability 0.55."""
    rng = np.random.default_rng(seed)
    flips = rng.random(n) < 0.01
    sign = np.where(np.cumsum(flips) % 2 == 0, 1.0, -1.0)
    step = np.abs(0.006 * rng.standard_normal(n)) * np.where(rng.random(n) < 0.55, 1.0, -1.0)
    step[1:] *= sign[:-1]
    close = 100.0 * np.exp(np.cumsum(step))
    open_ = np.concatenate(([100.0], close[:-1]))
    times = 3_600_000 * np.arange(450_000, 450_000 + n, dtype=np.int64)
    high, low = np.maximum(open_, close) * 1.001, np.minimum(open_, close) * 0.999
    lots = rng.lognormal(3.0, 0.5, n)
    bars = Bars(SYMBOL, Timeframe.of("1h"), times, open_, high, low, close, lots)
    noise = 0.01 * rng.standard_normal((n, len(NAMES)))
    p_up = 0.5 + 0.04 * sign[:, None] + noise
    scale = 0.006 * np.exp(0.2 * rng.standard_normal(n))
    quantiles = np.repeat((scale[:, None] * _LEVELS)[:, None, :], len(NAMES), axis=1)
    return Scene(bars, _minutes(p_up, quantiles[:, 0], life), _forecasts(bars, p_up, quantiles))


def _minutes(p_up: Any, quantiles: Any, life: float) -> Minutes:
    n = len(p_up)
    pooled = p_up.mean(axis=1)
    side = np.maximum(pooled, 1.0 - pooled)
    status = np.zeros(n, dtype=np.int8)
    status[: n // 20] = 1
    return Minutes(
        names=NAMES,
        calibrated=p_up,
        weights=np.full((n, len(NAMES)), 1.0 / len(NAMES)),
        quantile_weights=np.full((n, len(NAMES)), 1.0 / len(NAMES)),
        p_up=pooled,
        quantiles=quantiles,
        confidence=side,
        interval=np.column_stack((side - 0.02, side + 0.02)),
        n_evidence=np.arange(n, dtype=np.int64),
        life=np.full(n, life),
        agreement=np.ones(n),
        effective=np.ones(n),
        aleatoric=np.ones(n),
        epistemic=np.zeros(n),
        status=status,
    )


def _forecasts(bars: Bars, p_up: Any, quantiles: Any) -> Ballots:
    n = len(bars)
    unknown = np.full(n, np.iinfo(np.int64).max)
    block = np.zeros(n, dtype=np.int8)
    facts: tuple[Any, ...] = ([], [], 0, 0, {})
    return Ballots(NAMES, p_up, quantiles, np.zeros(n), unknown, bars.close_time, block, *facts)


def seat(played: Scene, journal: Journal, name: str | None = None, **options: Any) -> Desk:
    """Return a desk at which this scene is heard; `options` go to the simulated broker."""
    broker = SimBroker(Costs(), 10_000.0, **options)
    facts = {"data": played.bars.hash(), "code": "test"}
    strategy = build("half_kelly")
    voice, frame = played.voice(), played.bars.timeframe
    return Desk(SYMBOL, frame, voice, strategy, Limits(), broker, journal, facts, name=name)
