"""The prequential stream, one row after the other: history and live run these same lines.

At each row: 1. use the labels that are known by now; 2. at row numbers that are multiples of
`REFIT_EVERY`, refit (the caller does, between calls); 3. at a new block, measure the life of
opinions in the blocks before it; 4. calibrate the members; 5. speak.
"""

import math

import numpy as np
from numba import njit

from folkmoot.committee.calibration import isotonic_at
from folkmoot.committee.conformal import adapted, margin, remember, score
from folkmoot.committee.consensus import Z80, expected_life, spread_at
from folkmoot.committee.earning import complete, earn_direction, earn_quantiles, keep_quantiles
from folkmoot.committee.figures import agreement, effective_number, entropies
from folkmoot.committee.scale import logit, sigmoid
from folkmoot.committee.state import (
    BEHIND,
    BLOCK,
    BLOCK_LENGTH,
    BLOCK_START,
    CROWD,
    HORIZON,
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
from folkmoot.committee.weights import EARNING_ROWS, log_pool
from folkmoot.core.bars import Floats, Times

REFIT_EVERY = 250
OK, WARMING, NO_EARNED_WEIGHT, UNKNOWN_FEATURES, STALE = range(5)


@njit(cache=True)
def hear(
    state: State, known_at: Times, block: Times, p_up: Floats, quantiles: Floats, refitted: bool
) -> int:
    """Take in rows `p_up[k, m]`, `quantiles[k, m, 7]`, and say what the committee says of each.

    Stops before a row that asks for a refit, its labels taken, and returns how many rows were
    heard; call again with the rest and `refitted`.
    """
    clock, rows = state.crowd.clock, state.rows
    for i in range(len(known_at)):
        while clock[TAKEN] < clock[QUEUED] and rows.queue_at[clock[TAKEN]] <= known_at[i]:
            _mature(state, rows.queue_row[clock[TAKEN]])
            clock[TAKEN] += 1
        t = clock[ROW]
        if t % REFIT_EVERY == 0 and not (refitted and i == 0):
            return i
        if block[i] != clock[BLOCK]:
            _turn_block(rows, state.crowd, t, block[i])
        keep_quantiles(state.merits, t, quantiles[i])
        _calibrate_row(state, t, p_up[i])
        _speak(state, t, quantiles[i])
        clock[ROW] = t + 1
    return len(known_at)


@njit(cache=True)
def _mature(state: State, row: int) -> None:
    """Use the label of `row`, which is known now."""
    rows, crowd = state.rows, state.crowd
    rows.matured[row] = True
    y = rows.y[row]
    earn_quantiles(state.merits, row, y)
    if not math.isnan(rows.raw_band[row, 0]):
        low, high = rows.raw_band[row, 0], rows.raw_band[row, 1]
        missed = y < rows.quantiles[row, 0] or y > rows.quantiles[row, -1]
        crowd.alpha[0] = adapted(crowd.alpha[0], missed, crowd.clock[HORIZON])
        remember(crowd.ring, crowd.ordered, crowd.clock[SCORES], score(y, low, high))
        crowd.clock[SCORES] += 1
    if y == 0.0:
        return
    up = 1.0 if y > 0.0 else 0.0
    for m in range(len(state.maps.n)):
        if not math.isnan(rows.logit[row, m]):
            _add_matured(state.maps, m, rows.logit[row, m], up)
    earn_direction(rows, state.merits, row, up)
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
        _figure(rows, merits, t)
    else:
        rows.p_up[t] = climate
    _interval(rows, merits, crowd, t, quantiles)


@njit(cache=True)
def _status(state: State, t: int) -> int:
    rows, merits, clock = state.rows, state.merits, state.crowd.clock
    if clock[BLOCK] < 0:
        return WARMING
    known, heard, weight, most = False, False, 0.0, 0
    earned = merits.direction.weight
    for v in range(len(merits.voters)):
        here = not math.isnan(rows.calibrated[t, merits.voters[v]])
        known = known or here
        heard = heard or (here and earned[v] > 0.0)
        weight += earned[v]
        most = max(most, merits.direction.n[v])
    if not known or math.isnan(rows.calibrated[t, merits.references[0]]):
        return UNKNOWN_FEATURES
    if clock[BLOCK_LENGTH] > 0 and t - clock[BLOCK_START] >= 2 * clock[BLOCK_LENGTH]:
        return STALE
    if weight > 0.0:
        return OK if heard else UNKNOWN_FEATURES
    return NO_EARNED_WEIGHT if most >= EARNING_ROWS else WARMING


@njit(cache=True)
def _pool(rows: Rows, merits: Merits, t: int) -> None:
    voters, earned = merits.voters, merits.direction.weight
    x = np.empty(len(voters))
    total = 0.0
    for v in range(len(voters)):
        p = rows.calibrated[t, voters[v]]
        x[v] = math.nan if math.isnan(p) else logit(p)
        total += 0.0 if math.isnan(p) else earned[v]
    for v in range(len(voters)):
        if not math.isnan(x[v]):
            rows.weights[t, voters[v]] = earned[v] / total
    rows.pooled[t] = log_pool(x, earned)


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
def _figure(rows: Rows, merits: Merits, t: int) -> None:
    """Say how far the weighted members are of one mind."""
    weights, p_up = rows.weights[t], rows.calibrated[t]
    rows.agreement[t] = agreement(weights, p_up, rows.p_up[t])
    rows.effective[t] = effective_number(weights, merits.voters, merits.errors.correlation)
    rows.aleatoric[t], rows.epistemic[t] = entropies(weights, p_up)


@njit(cache=True)
def _interval(rows: Rows, merits: Merits, crowd: Crowd, t: int, quantiles: Floats) -> None:
    """Average the quantiles of the members that earned a weight for them, or take climatology's.

    The ends move by the conformal margin; where they move inwards, the others stay between them.
    """
    out = rows.quantiles[t]
    if rows.status[t] == STALE or not _average(rows, merits, t, quantiles, out):
        for q in range(len(out)):
            out[q] = quantiles[merits.references[0], q]
    low, high = out[0], out[-1]
    if math.isnan(low) or math.isnan(high):
        return
    rows.raw_band[t, 0], rows.raw_band[t, 1] = low, high
    wider = margin(crowd.ordered, crowd.clock[SCORES], crowd.alpha[0]) * (high - low)
    low, high = min(low - wider, out[3]), max(high + wider, out[3])
    for q in range(len(out)):
        out[q] = min(max(out[q], low), high)
    out[0], out[-1] = low, high


@njit(cache=True)
def _average(rows: Rows, merits: Merits, t: int, quantiles: Floats, out: Floats) -> bool:
    """Write the weighted mean of the known quantiles; return whether there was any."""
    voters, earned = merits.voters, merits.quantiles.weight
    total = 0.0
    for v in range(len(voters)):
        if earned[v] > 0.0 and complete(quantiles[voters[v]]):
            total += earned[v]
    if total <= 0.0:
        return False
    out[:] = 0.0
    for v in range(len(voters)):
        if earned[v] > 0.0 and complete(quantiles[voters[v]]):
            weight = earned[v] / total
            rows.quantile_weights[t, voters[v]] = weight
            for q in range(len(out)):
                out[q] += weight * quantiles[voters[v], q]
    return True
