"""A cross-section compares what was known at one instant, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.core.errors import UsageError
from folkmoot.features import Table
from folkmoot.features.panel import CrossSection, How, cross_section

HOUR = 3_600_000


def panel(symbols: int = 7, n: int = 120, seed: int = 1) -> dict[str, Table]:
    """Make tables of three columns with unknown values, ties and missing rows."""
    rng = np.random.default_rng(seed)
    made = {}
    for number in range(symbols):
        rows = np.flatnonzero(rng.random(n) < 0.8)
        values = np.round(rng.standard_normal((len(rows), 3)), 1)
        values[rng.random(values.shape) < 0.2] = np.nan
        made[f"S{(number * 5) % symbols}"] = Table(values, ("a", "b", "c"), HOUR * rows)
    return made


def at_once(tables: dict[str, Table], time: int) -> dict[str, np.ndarray]:
    """Return the rows that became known at an instant."""
    return {
        name: table.values[row]
        for name, table in tables.items()
        for row in np.flatnonzero(table.known_at == time)
    }


def by_hand(x: float, others: list[float], how: str) -> float:
    known = [y for y in others if not np.isnan(y)]
    if len(known) < 3 or np.isnan(x):
        return np.nan
    if how == "rank":
        return sum((y < x) + 0.5 * (y == x) for y in known) / len(known)
    return (x - np.mean(known)) / np.std(known) if len(set(known)) > 1 else np.nan


@pytest.mark.parametrize("how", ["rank", "z"])
def test_a_cross_section_is_what_a_hand_would_compute(how: How) -> None:
    tables = panel()
    made = cross_section(tables, how)
    for name, table in tables.items():
        for row, time in enumerate(table.known_at.tolist()):
            seen = at_once(tables, time)
            told = [by_hand(seen[name][c], [r[c] for r in seen.values()], how) for c in range(3)]
            np.testing.assert_allclose(made[name].values[row], told, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("how", ["rank", "z"])
@pytest.mark.parametrize("symbols", [3, 8, 40])
def test_instant_by_instant_gives_the_bits_of_the_batch(how: How, symbols: int) -> None:
    tables = panel(symbols)
    made, step = cross_section(tables, how), CrossSection(how)
    for time in range(0, 120 * HOUR, HOUR):
        seen, told = step.push(at_once(tables, time)), at_once(made, time)
        assert seen.keys() == told.keys()
        for name, row in told.items():
            np.testing.assert_array_equal(seen[name], row)


@pytest.mark.parametrize("how", ["rank", "z"])
@pytest.mark.parametrize("cut", [1, 50, 119])
def test_no_later_row_changes_an_earlier_one(how: How, cut: int) -> None:
    tables = panel()
    early = {
        name: Table(t.values[t.known_at < cut * HOUR], t.names, t.known_at[t.known_at < cut * HOUR])
        for name, t in tables.items()
    }
    whole, part = cross_section(tables, how), cross_section(early, how)
    for name, table in part.items():
        np.testing.assert_array_equal(table.values, whole[name].values[: len(table)])


def test_a_stale_row_does_not_stand_in_for_a_missing_one() -> None:
    times = np.array([0, HOUR])
    full = {name: Table(np.ones((2, 1)) * k, ("x",), times) for k, name in enumerate("abc")}
    late = {**full, "c": Table(np.ones((1, 1)), ("x",), times[:1])}
    assert cross_section(full)["a"].values.ravel().tolist() == pytest.approx([1 / 6, 1 / 6])
    assert np.isnan(cross_section(late)["a"].values.ravel()).tolist() == [False, True]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=12), st.sampled_from(["rank", "z"]))
def test_places_lie_where_they_should(values: list[float], how: How) -> None:
    rows = {f"S{k:02}": np.array([value]) for k, value in enumerate(values)}
    made = np.array([float(row[0]) for row in cross_section(rows, how).values()])
    if how == "rank":
        assert ((made > 0.0) & (made < 1.0)).all()
        assert made.mean() == pytest.approx(0.5)
    elif not np.isnan(made).any():
        assert made.mean() == pytest.approx(0.0, abs=1e-5)
        assert made.std() == pytest.approx(1.0, rel=1e-6)


def test_the_order_of_the_symbols_does_not_matter() -> None:
    tables = panel()
    turned = dict(reversed(tables.items()))
    for how in ("rank", "z"):
        one, other = cross_section(tables, how), cross_section(turned, how)
        assert list(one) == list(tables)
        for name in tables:
            np.testing.assert_array_equal(one[name].values, other[name].values)


def test_panels_that_cannot_be_compared_are_refused() -> None:
    table = Table(np.ones((1, 1)), ("x",), np.array([0]))
    with pytest.raises(UsageError, match="how is 'mode'"):
        cross_section({"a": table}, "mode")
    with pytest.raises(UsageError, match="b has"):
        cross_section({"a": table, "b": Table(np.ones((1, 1)), ("y",), np.array([0]))})
    with pytest.raises(UsageError, match="mixes"):
        cross_section({"a": table, "b": np.ones(1)})
    with pytest.raises(UsageError, match="b has"):
        CrossSection().push({"a": np.ones(1), "b": np.ones(2)})
    assert cross_section({}) == CrossSection().push({}) == {}


def test_an_infinite_value_is_unknown_to_the_score_and_last_in_the_rank() -> None:
    rows = {name: np.array([x]) for name, x in zip("abcd", (1.0, 5.0, 3.0, np.inf), strict=True)}
    made = {name: float(row[0]) for name, row in cross_section(rows, "z").items()}
    assert (made["a"], made["b"], made["c"]) == pytest.approx((-(1.5**0.5), 1.5**0.5, 0.0))
    assert np.isnan(made["d"])
    few = cross_section({**rows, "c": np.array([-np.inf])}, "z")
    assert np.isnan(np.concatenate(list(few.values()))).all()
    ranked = {name: float(row[0]) for name, row in cross_section(rows, "rank").items()}
    assert ranked == {"a": 0.125, "b": 0.625, "c": 0.375, "d": 0.875}
