"""The prequential stream, one row after the other: history and live run these same lines.

At each row: 1. use the labels that are known by now; 2. at row numbers that are multiples of
`REFIT_EVERY`, refit calibrators, weights and the consensus' calibrator on what has matured;
3. at a new block, measure the life of opinions in the blocks before it; 4. calibrate the members;
5. speak. Nothing else may write to the state.
"""

import math

import numpy as np
from numba import njit

from folkmoot.committee.calibration import (
    ISOTONIC_ROWS,
    MIN_MOVES,
    extend_order,
    isotonic_at,
    isotonic_wins,
    platt_line,
    pool_violators,
)
from folkmoot.committee.conformal import adapted, margin, remember, score
from folkmoot.committee.consensus import Z80, expected_life, posterior_line, spread_at
from folkmoot.committee.scale import logit, loss, sigmoid
from folkmoot.committee.state import (
    BEHIND,
    BLOCK,
    BLOCK_LENGTH,
    BLOCK_START,
    CROWD,
    HORIZON,
    ISOTONIC,
    NO_MAP,
    PLATT,
    QUEUED,
    ROW,
    SCORES,
    TAKEN,
    Crowd,
    Maps,
    Merits,
    Rows,
    State,
)
from folkmoot.committee.weights import (
    EARNING_ROWS,
    add_gain,
    earned,
    log_pool,
    mean_and_z,
    newey_west_lags,
    share,
)
from folkmoot.core.bars import Floats, Times

REFIT_EVERY = 250
CALIBRATION_ROWS = 500
RECHOOSE = 1.1
OK, WARMING, NO_EARNED_WEIGHT, UNKNOWN_FEATURES, STALE = range(5)


@njit(cache=True)
def advance(state: State, known_at: Times, block: Times, p_up: Floats, quantiles: Floats) -> None:
    """Take in rows `p_up[k, m]`, `quantiles[k, m, 7]`, and say what the committee says of each."""
    clock = state.crowd.clock
    for i in range(len(known_at)):
        t = clock[ROW]
        state.rows.known_at[t], state.rows.block[t] = known_at[i], block[i]
        while clock[TAKEN] < clock[QUEUED] and (state.rows.queue_at[clock[TAKEN]] <= known_at[i]):
            _mature(state, state.rows.queue_row[clock[TAKEN]])
            clock[TAKEN] += 1
        if t % REFIT_EVERY == 0:
            _refit(state)
        if block[i] != clock[BLOCK]:
            _turn_block(state.rows, state.crowd, t, block[i])
        _calibrate_row(state, t, p_up[i])
        _speak(state, t, quantiles[i])
        clock[ROW] = t + 1


@njit(cache=True)
def _mature(state: State, row: int) -> None:
    """Use the label of `row`, which is known now."""
    rows, crowd = state.rows, state.crowd
    rows.matured[row] = True
    y = rows.y[row]
    if not math.isnan(rows.raw_band[row, 0]):
        low, high = rows.raw_band[row, 0], rows.raw_band[row, 1]
        missed = y < rows.quantiles[row, 0] or y > rows.quantiles[row, -1]
        crowd.alpha[0] = adapted(crowd.alpha[0], missed)
        remember(crowd.ring, crowd.ordered, crowd.clock[SCORES], score(y, low, high))
        crowd.clock[SCORES] += 1
    if y == 0.0:
        return
    up = 1.0 if y > 0.0 else 0.0
    for m in range(len(state.maps.n)):
        if not math.isnan(rows.logit[row, m]):
            _add_matured(state.maps, m, rows.logit[row, m], up)
    _add_gains(rows, state.merits, row, up)
    if not math.isnan(rows.pooled[row]):
        x = rows.pooled[row]
        crowd.x[crowd.clock[CROWD]] = x
        crowd.clock[CROWD] += 1
        crowd.sums[0] += up
        crowd.sums[1] += up * x


@njit(cache=True)
def _add_matured(maps: Maps, m: int, x: float, up: float) -> None:
    n = maps.n[m]
    if n > 0 and maps.x[m, n - 1] != x:
        maps.moves[m] += 1
    maps.x[m, n], maps.up[m, n] = x, up
    maps.n[m] = n + 1
    maps.sums[m, 0] += x
    maps.sums[m, 1] += x * x
    maps.sums[m, 2] += x * up
    maps.sums[m, 3] += up


@njit(cache=True)
def _add_gains(rows: Rows, merits: Merits, row: int, up: float) -> None:
    """Keep each voter's gain over each reference, where all of them spoke calibrated."""
    for r in range(len(merits.references)):
        if not rows.fitted[row, merits.references[r]]:
            return
    for r in range(len(merits.references)):
        merits.losses[r] += loss(rows.calibrated[row, merits.references[r]], up)
    for v in range(len(merits.voters)):
        if not rows.fitted[row, merits.voters[v]]:
            continue
        own = loss(rows.calibrated[row, merits.voters[v]], up)
        for r in range(len(merits.references)):
            gain = loss(rows.calibrated[row, merits.references[r]], up) - own
            add_gain(merits.gains[v, r], merits.n[v], merits.products[v, r], gain)
            merits.totals[v, r] += gain
        merits.n[v] += 1


@njit(cache=True)
def _refit(state: State) -> None:
    for m in range(len(state.maps.n)):
        if state.maps.n[m] >= CALIBRATION_ROWS:
            _refit_map(state.maps, m)
    _reweigh(state.merits, state.crowd.clock[HORIZON])
    crowd = state.crowd
    n = crowd.clock[CROWD]
    ups, ups_x = crowd.sums[0], crowd.sums[1]
    posterior_line(crowd.x, n, ups, ups_x, crowd.clock[HORIZON], crowd.line, crowd.covariance)
    crowd.clock[BEHIND] = n


@njit(cache=True)
def _refit_map(maps: Maps, m: int) -> None:
    n, x, up = maps.n[m], maps.x[m], maps.up[m]
    sloped = maps.moves[m] >= MIN_MOVES
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
def _reweigh(merits: Merits, horizon: int) -> None:
    for v in range(len(merits.voters)):
        n = merits.n[v]
        if n < EARNING_ROWS:
            continue
        merits.mean[v] = math.inf
        for r in range(len(merits.references)):
            mean, z = mean_and_z(
                merits.gains[v, r],
                n,
                merits.totals[v, r],
                merits.products[v, r],
                newey_west_lags(n, horizon),
            )
            if mean < merits.mean[v]:
                merits.mean[v], merits.z[v] = mean, z
        merits.weight[v] = earned(merits.mean[v], merits.z[v], n)
    share(merits.weight, merits.ratios)


@njit(cache=True)
def _turn_block(rows: Rows, crowd: Crowd, t: int, block: int) -> None:
    clock = crowd.clock
    if clock[BLOCK] >= 0:
        clock[BLOCK_LENGTH] = t - clock[BLOCK_START]
    clock[BLOCK], clock[BLOCK_START] = block, t
    crowd.life[0] = expected_life(rows.spoken, rows.matured, t)


@njit(cache=True)
def _calibrate_row(state: State, t: int, p_up: Floats) -> None:
    rows, maps = state.rows, state.maps
    climate = state.merits.references[0]
    _calibrate_one(rows, maps, t, climate, p_up[climate], p_up[climate])
    for m in range(len(p_up)):
        if m != climate:
            _calibrate_one(rows, maps, t, m, p_up[m], rows.calibrated[t, climate])


@njit(cache=True)
def _calibrate_one(rows: Rows, maps: Maps, t: int, m: int, p: float, before: float) -> None:
    """Calibrate member `m`, which says `before` until its calibrator has been fitted."""
    if math.isnan(p):
        return
    x = logit(p)
    rows.logit[t, m] = x
    rows.fitted[t, m] = maps.kind[m] != NO_MAP
    if maps.kind[m] == NO_MAP:
        rows.calibrated[t, m] = before
    elif maps.kind[m] == PLATT:
        rows.calibrated[t, m] = sigmoid(maps.line[m, 0] * x + maps.line[m, 1])
    else:
        rows.calibrated[t, m] = isotonic_at(x, maps.knot_x[m], maps.knot_v[m], maps.knots[m])


@njit(cache=True)
def _speak(state: State, t: int, quantiles: Floats) -> None:
    rows, merits, crowd = state.rows, state.merits, state.crowd
    climate = rows.calibrated[t, merits.references[0]]
    status = _status(state, t)
    rows.status[t], rows.life[t] = status, crowd.life[0]
    if status == UNKNOWN_FEATURES or math.isnan(climate):
        return
    if status == OK:
        _pool(rows, merits, t)
        _judge(rows, crowd, t)
    else:
        rows.p_up[t] = climate
    _interval(rows, merits, crowd, t, quantiles)


@njit(cache=True)
def _status(state: State, t: int) -> int:
    rows, merits, clock = state.rows, state.merits, state.crowd.clock
    if clock[BLOCK] < 0:
        return WARMING
    known, heard, weight = False, False, 0.0
    for v in range(len(merits.voters)):
        here = not math.isnan(rows.calibrated[t, merits.voters[v]])
        known = known or here
        heard = heard or (here and merits.weight[v] > 0.0)
        weight += merits.weight[v]
    if not known or math.isnan(rows.calibrated[t, merits.references[0]]):
        return UNKNOWN_FEATURES
    if clock[BLOCK_LENGTH] > 0 and t - clock[BLOCK_START] >= 2 * clock[BLOCK_LENGTH]:
        return STALE
    if weight > 0.0:
        return OK if heard else UNKNOWN_FEATURES
    return NO_EARNED_WEIGHT if np.max(merits.n) >= EARNING_ROWS else WARMING


@njit(cache=True)
def _pool(rows: Rows, merits: Merits, t: int) -> None:
    voters = merits.voters
    x = np.empty(len(voters))
    total = 0.0
    for v in range(len(voters)):
        p = rows.calibrated[t, voters[v]]
        x[v] = math.nan if math.isnan(p) else logit(p)
        total += 0.0 if math.isnan(p) else merits.weight[v]
    for v in range(len(voters)):
        if not math.isnan(x[v]):
            rows.weights[t, voters[v]] = merits.weight[v] / total
    rows.pooled[t] = log_pool(x, merits.weight)


@njit(cache=True)
def _judge(rows: Rows, crowd: Crowd, t: int) -> None:
    """Map the pool to the probability of a rise; the side's own probability is the confidence."""
    x = rows.pooled[t]
    spoken = crowd.line[0] * x + crowd.line[1]
    error = spread_at(x, crowd.covariance)
    rows.spoken[t] = spoken
    rows.p_up[t] = sigmoid(spoken)
    rows.confidence[t] = sigmoid(abs(spoken))
    rows.interval[t, 0] = sigmoid(abs(spoken) - Z80 * error)
    rows.interval[t, 1] = sigmoid(abs(spoken) + Z80 * error)
    rows.n_evidence[t] = crowd.clock[BEHIND]


@njit(cache=True)
def _interval(rows: Rows, merits: Merits, crowd: Crowd, t: int, quantiles: Floats) -> None:
    """Average the weighted members' quantiles, or take the best reference's; widen the ends."""
    out = rows.quantiles[t]
    total = 0.0
    for v in range(len(merits.voters)):
        m = merits.voters[v]
        if rows.weights[t, m] > 0.0 and not math.isnan(quantiles[m, 0]):
            for q in range(len(out)):
                out[q] = rows.weights[t, m] * quantiles[m, q] + (out[q] if total > 0.0 else 0.0)
            total += rows.weights[t, m]
    if total > 0.0:
        for q in range(len(out)):
            out[q] /= total
    else:
        best = merits.references[np.argmin(merits.losses)]
        for q in range(len(out)):
            out[q] = quantiles[best, q]
    low, high = out[0], out[-1]
    if math.isnan(low) or math.isnan(high):
        return
    rows.raw_band[t, 0], rows.raw_band[t, 1] = low, high
    wider = margin(crowd.ordered, crowd.clock[SCORES], crowd.alpha[0]) * (high - low)
    out[0], out[-1] = min(low - wider, out[1]), max(high + wider, out[-2])
