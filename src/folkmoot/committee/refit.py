"""What is refitted on matured rows: the members' calibrators, the weights, the consensus' own."""

import math

from numba import njit

from folkmoot.committee.calibration import (
    ISOTONIC_ROWS,
    MIN_MOVES,
    MIN_SPREAD,
    extend_order,
    isotonic_wins,
    platt_line,
    pool_violators,
)
from folkmoot.committee.consensus import posterior_line
from folkmoot.committee.figures import correlate
from folkmoot.committee.state import (
    BEHIND,
    CROWD,
    HORIZON,
    ISOTONIC,
    NO_MAP,
    PLATT,
    Earnings,
    Maps,
    Merits,
    State,
)
from folkmoot.committee.weights import EARNING_ROWS, earned, mean_and_z, newey_west_lags, share
from folkmoot.core.bars import Floats

CALIBRATION_ROWS = 500
RECHOOSE = 1.1


def refit(state: State) -> None:
    """Refit everything on the labels used so far."""
    for m in range(len(state.maps.n)):
        if state.maps.n[m] >= CALIBRATION_ROWS:
            refit_map(state.maps, m)
    crowd, clock = state.crowd, state.crowd.clock
    reweigh(state.merits, clock[HORIZON])
    posterior_line(crowd.x, clock[CROWD], crowd.sums, clock[HORIZON], crowd.line, crowd.covariance)
    clock[BEHIND] = clock[CROWD]


@njit(cache=True)
def refit_map(maps: Maps, m: int) -> None:
    """Refit the calibrator of member `m`, and now and then choose its kind anew."""
    n, x, up = maps.n[m], maps.x[m], maps.up[m]
    total, square = maps.sums[m, 0], maps.sums[m, 1]
    sloped = maps.moves[m] >= MIN_MOVES and square - total * total / n >= MIN_SPREAD
    a, b = platt_line(x, n, maps.sums[m], sloped, maps.line[m, 0], maps.line[m, 1])
    maps.line[m, 0], maps.line[m, 1] = a, b
    choose = sloped and n >= ISOTONIC_ROWS and n >= RECHOOSE * maps.chosen_at[m]
    if maps.kind[m] == NO_MAP:
        maps.kind[m] = PLATT
    if not choose and maps.kind[m] == PLATT:
        return
    extend_order(x, maps.order[m], maps.ordered[m], n)
    maps.ordered[m] = n
    if choose:
        wins = isotonic_wins(x, up, maps.order[m], n, (a, b), maps.knot_x[m], maps.knot_v[m])
        maps.kind[m] = ISOTONIC if wins else PLATT
        maps.chosen_at[m] = n
    if maps.kind[m] == ISOTONIC:
        maps.knots[m] = pool_violators(x, up, maps.order[m], n, n, maps.knot_x[m], maps.knot_v[m])


@njit(cache=True)
def reweigh(merits: Merits, horizon: int) -> None:
    """Set the voters' gains in direction and in quantiles, and the weights earned by them."""
    _weigh(merits.direction, merits.ratios, horizon)
    _weigh(merits.quantiles, merits.ratios, horizon)
    correlate(merits.errors)


@njit(cache=True)
def _weigh(earnings: Earnings, ratios: Floats, horizon: int) -> None:
    for v in range(len(ratios)):
        n = earnings.n[v]
        if n < EARNING_ROWS:
            continue
        earnings.mean[v] = math.inf
        lags = newey_west_lags(n, horizon)
        for r in range(earnings.totals.shape[1]):
            mean, z = mean_and_z(earnings, v, r, lags)
            if mean < earnings.mean[v]:
                earnings.mean[v], earnings.z[v] = mean, z
        earnings.weight[v] = earned(earnings.mean[v], earnings.z[v], n)
    share(earnings.weight, ratios)
