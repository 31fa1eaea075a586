"""Laws of every output of every indicator over another market, whose prices are unknown at times.

Seen from our bars the other market has holes: single bars and runs of bars that it lacks. What
counts our own bars, `at` and `gap`, has no meaning there and is left out.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.laws.conftest import MONDAY, booked, thin, wander
from tests.laws.test_causal_columns import AWAITING, CHUNKS, CUTS, awaits, differing, differs

from folkmoot import join
from folkmoot.causal import Expr, Program, compile, of
from folkmoot.causal.expr import walk
from folkmoot.causal.program import run_stages
from folkmoot.causal.table import NEVER, OPERATORS
from folkmoot.core.bars import COLUMNS, PRICES, Bars, Floats
from folkmoot.indicators import expressions

HOLES = np.r_[0:17, 64, 260, 262, 400:403, 480, 520, 672, 700:731, 900:905]
"""Bars of ours, the first of a day and of a week among them, that the other market lacks."""
OURS = {name: expr for name, expr in expressions().items() if not awaits(expr, {"at", "gap"})}
THEIRS = {name: of("E", expr) for name, expr in OURS.items()}
UNDER_EVENTS = {"hold", "valuewhen", "where"}
"""What may be known though one of its inputs is not: it is the first that decides."""

BY_THE_BAR = {"starts", "true_range", "volume_profile"}
SKIPPING = {op.name for op in OPERATORS.values() if not op.windowed} - BY_THE_BAR
"""Operators on whose state an unknown bar leaves no trace, as if it were not there."""


def holed(bars: Bars) -> Bars:
    """Return the bars of the other market: `bars` less those of the holes."""
    at = (bars.open_time - MONDAY) // bars.timeframe.ms
    kept = np.flatnonzero(~np.isin(at, HOLES))
    times, columns = bars.open_time[kept], [bars.column(name)[kept] for name in COLUMNS]
    extra = {name: values[kept] for name, values in bars.extra.items()}
    return Bars("E", bars.timeframe, times, *columns, extra=extra)


@pytest.fixture(scope="module")
def program() -> Program:
    return compile(THEIRS, "1h")


@pytest.fixture(scope="module", params=[lambda: wander(seed=21), thin], ids=["walk", "thin"])
def other(request: pytest.FixtureRequest) -> Bars:
    return booked(request.param())


@pytest.fixture(scope="module")
def joined(other: Bars) -> Bars:
    return join(wander(), holed(other))


@pytest.fixture(scope="module")
def whole(program: Program, joined: Bars) -> Floats:
    return program.matrix(joined)


def unknown_with(expr: Expr, *lost: str) -> bool:
    """Say whether a bar on which the columns `lost` are unknown makes `expr` unknown there."""
    found: dict[Expr, bool] = {}
    for node in walk(expr):
        read = [found[argument] for argument in node.args]
        if node.op == "input":
            found[node] = node.params[0] in lost
        elif node.op in UNDER_EVENTS:
            found[node] = read[0] or (node.op == "where" and all(read[1:]))
        elif node.op == "otherwise":
            found[node] = all(read)
        elif node.op == "true_range":
            found[node] = any(read[:2])  # of the close it reads the one before
        else:
            found[node] = node.op != "lag" and any(read)
    return found[expr]


def test_streaming_gives_the_bits_of_the_batch(
    program: Program, joined: Bars, whole: Floats
) -> None:
    stream = program.stream()
    seen = np.array([stream.push_row(bar).copy() for bar in joined])
    assert differing(program, seen, whole) == []


@pytest.mark.parametrize("chunk", CHUNKS)
def test_chunks_give_the_bits_of_the_batch(
    program: Program, joined: Bars, whole: Floats, chunk: int
) -> None:
    stream, stop = program.stream(), 1_000
    parts = [stream.advance(joined.rows(k, min(k + chunk, stop))) for k in range(0, stop, chunk)]
    assert differing(program, np.vstack(parts), whole[:stop]) == []


@pytest.mark.parametrize("width", [6, 14, 128, 516])
def test_the_size_of_a_tile_does_not_change_a_bit(
    joined: Bars, program: Program, whole: Floats, width: int
) -> None:
    names = [name for name in program.names if not awaits(THEIRS[name], {"ta"})]
    ours = compile({name: THEIRS[name] for name in names}, "1h")
    seen = np.empty((len(joined), len(names)))
    run_stages(ours.stages, ours.columns(joined), seen, width)
    columns = [program.names.index(name) for name in names]
    assert differing(ours, seen, whole[:, columns]) == []


@pytest.mark.parametrize("cut", [*CUTS, 401, 720])
def test_the_future_does_not_change_the_past(
    program: Program, joined: Bars, whole: Floats, cut: int
) -> None:
    later = {name: np.r_[x[:cut], x[: cut - 1 : -1]] for name, x in joined.extra.items()}
    for bars in (joined.until(cut), replace(joined, extra=later)):
        assert differing(program, program.matrix(bars)[:cut], whole[:cut]) == []


def test_on_a_bar_that_is_missing_what_reads_it_is_unknown(
    program: Program, joined: Bars, whole: Floats
) -> None:
    reading = [name for name in program.names if unknown_with(THEIRS[name], *joined.extra)]
    missing = np.isnan(joined.column("E.close"))
    known = ~np.isnan(whole[missing])
    assert missing.sum() >= len(HOLES)
    told = [name for name in reading if known[:, program.names.index(name)].any()]
    assert told == []
    assert len(reading) >= 0.9 * len(program.names)


def test_what_has_no_window_goes_on_as_if_no_bar_were_missing(joined: Bars, other: Bars) -> None:
    names = [name for name in THEIRS if not {node.op for node in walk(OURS[name])} - SKIPPING]
    assert len(names) >= 30
    met = ~np.isnan(joined.column("E.close"))
    alone = compile({name: OURS[name] for name in names}, "1h").matrix(holed(other))
    assert met.sum() == len(alone)
    program = compile({name: THEIRS[name] for name in names}, "1h")
    assert differing(program, program.matrix(joined)[met], alone) == []


def begun(apart: NDArray[np.bool_]) -> int:
    """Return how often two columns part again after the first row on which they agree."""
    since = apart[apart.argmin() :].astype(np.int64)
    return int(np.count_nonzero(np.diff(since) > 0))


def forgets(expr: Expr, before: Floats, after: Floats) -> bool:
    """Say whether the same column of two pasts agrees, from where it is stable on."""
    apart = differs(after, before, 1e-5 * np.nanmax(np.abs(before), initial=0.0))
    if not awaits(expr, AWAITING):
        return not apart.any()
    # Until the event has come the values differ; an event on the edge of its threshold, such as
    # two tops of a stochastic that are equal but for rounding, may fall to either side even later.
    return bool(apart.argmin() <= 500 and begun(apart) <= len(apart) // 500)


def unforgetting(program: Program, full: Floats, seen: Floats, last: int) -> list[str]:
    """Return the columns in which a past that differed until `last` shows once they are stable."""
    told = []
    for column, name in enumerate(program.names):
        rows = slice(last + 1 + program.stable[name], None)
        before, after = full[rows, column], seen[rows, column]
        if program.stable[name] >= NEVER:
            continue
        assert len(after) > 1_500, name
        if not forgets(program.exprs[name], before, after):
            told.append(name)
    return told


@pytest.fixture(scope="module")
def endless() -> Bars:
    return join(wander(6_000), replace(booked(wander(6_000, seed=21)), symbol="E"))


def test_a_hole_is_forgotten_once_stable(program: Program, endless: Bars) -> None:
    full = program.matrix(endless)
    seen = program.matrix(join(wander(6_000), holed(booked(wander(6_000, seed=21)))))
    assert unforgetting(program, full, seen, int(HOLES[-1])) == []


@pytest.mark.parametrize("price", PRICES)
def test_one_unknown_price_is_unknown_and_then_forgotten(
    program: Program, endless: Bars, price: str
) -> None:
    lost, hole = f"E.{price}", np.r_[700:703, 710]
    values = endless.column(lost).copy()
    values[hole] = np.nan
    patchy = replace(endless, extra={**endless.extra, lost: values})
    full, seen = program.matrix(endless), program.matrix(patchy)
    blind = [k for k, name in enumerate(program.names) if lost not in THEIRS[name].inputs]
    assert differing(program, seen[:700], full[:700]) == []
    np.testing.assert_array_equal(seen[:, blind], full[:, blind])
    reading = [k for k, name in enumerate(program.names) if unknown_with(THEIRS[name], lost)]
    assert [program.names[k] for k in reading if not np.isnan(seen[hole, k]).all()] == []
    assert unforgetting(program, full, seen, 710) == []
    stream = program.stream()
    rows = np.array([stream.push_row(bar).copy() for bar in patchy.until(1_000)])
    assert differing(program, rows, seen[:1_000]) == []
