"""Do probabilities mean what they say? Equal-mass bins, and the error of luck alone."""

from dataclasses import dataclass

import numpy as np

from folkmoot.core.bars import Floats, Times
from folkmoot.proof.bootstrap import seed_of
from folkmoot.proof.statistics import wilson

BINS = 10
SIMULATIONS = 1_000
EXACT_BELOW = 2_000
FAILED_P = 0.05


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of similar probability: how many, their mean, how many rose, Wilson's 95 % interval."""

    n: int
    p: float
    share: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Expected calibration error, and the 95 % point of its law were the probabilities right.

    `p_value` is the share of simulations with an error at least as large.
    """

    error: float
    null_95: float
    p_value: float
    bins: tuple[Bin, ...]


def reliability(p: Floats, up: Floats, bins: int = BINS) -> tuple[Bin, ...]:
    """Return the reliability table of `p[n]` in bins of equal mass, lowest first."""
    order = np.argsort(p, kind="stable")
    table = []
    for part in np.array_split(order, min(bins, len(p))) if len(p) else ():
        rises = float(up[part].sum())
        n = len(part)
        table.append(Bin(n, float(p[part].mean()), rises / n, wilson(rises, n)))
    return tuple(table)


def calibration(
    p: Floats, up: Floats, digest: str, *, bins: int = BINS, simulations: int = SIMULATIONS
) -> Calibration:
    """Return the calibration error of `p[n]` beside its simulated null; `digest` seeds it.

    A perfect forecaster shows an error above zero, the more so the fewer rows: only the distance
    to the null means anything.
    """
    table = reliability(p, up, bins)
    if not table:
        return Calibration(np.nan, np.nan, np.nan, table)
    edges = np.cumsum([0, *(b.n for b in table)])[:-1]
    null = _null(np.sort(p, kind="stable"), edges, simulations, seed_of(digest))
    error = float(sum(b.n * abs(b.share - b.p) for b in table) / len(p))
    reached = float(np.mean(null >= error - 1e-12))
    return Calibration(error, float(np.quantile(null, 0.95)), reached, table)


def uncalibrated(p_value: float | None) -> str | None:
    """Return the caveat of a calibration that fails its own test at 5 %, or None.

    >>> uncalibrated(0.004)
    'not calibrated on this history (p 0.004)'
    """
    if p_value is None or not p_value < FAILED_P:
        return None
    return f"not calibrated on this history (p {p_value:.3f})"


def _null(p: Floats, edges: Times, simulations: int, seed: int) -> Floats:
    """Return the errors of `simulations` outcomes drawn from sorted `p` itself.

    From `EXACT_BELOW` rows on a bin's count of rises is drawn from its normal limit.
    """
    rng = np.random.default_rng(seed)
    if len(p) >= EXACT_BELOW:
        spread = np.sqrt(np.add.reduceat(p * (1.0 - p), edges))
        luck = np.abs(rng.standard_normal((simulations, len(edges))))
        scattered: Floats = (luck * spread).sum(axis=1) / len(p)
        return scattered
    sums = np.add.reduceat(p, edges)
    rises = (rng.random((simulations, len(p))) < p).astype(np.float64)
    misses: Floats = np.abs(np.add.reduceat(rises, edges, axis=1) - sums).sum(axis=1)
    return misses / float(len(p))
