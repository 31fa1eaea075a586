"""The market-token Engram as a network, as a member, and bar by bar."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from tests.models.engram.test_tokens import bars
from tests.models.networks.exported import answers, program

torch = pytest.importorskip("torch", reason="needs the extra neural")

from folkmoot.core.errors import DataError, UsageError  # noqa: E402
from folkmoot.core.forecast import Features  # noqa: E402
from folkmoot.features import BARS_SET, Table, windows  # noqa: E402
from folkmoot.models.engram import Codebook, Engram, MarketEngram, ngram_world  # noqa: E402
from folkmoot.models.networks.head import count  # noqa: E402

BOOK = Codebook(191)
QUICK = {
    "width": 16,
    "hidden": 16,
    "row": 16,
    "lookback": 60,
    "training": {"epochs": 1, "windows": 512, "batch": 128},
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(**options: object) -> MarketEngram:
    torch.manual_seed(3)
    parts = [[k % 8, k % 4, k % 4, k % 4] for k in range(191)]
    made = MarketEngram(BOOK, 36, 8, parts=parts, width=16, hidden=16, row=16, **options)
    torch.nn.init.normal_(made.head[-1].weight, std=2.0)
    for memory in made.memories.values():
        torch.nn.init.normal_(memory.conv.weight, std=0.3)
        for table in memory.tables.tables:
            torch.nn.init.normal_(table.weight)
    return made.eval()


def codes(rows: int, seed: int = 0) -> torch.Tensor:
    tokens = np.random.default_rng(seed).integers(0, 191, (rows, 40))
    return torch.from_numpy(np.stack([BOOK.codes(row)[4:] for row in tokens]))


def shown(table: np.ndarray, lookback: int, names: tuple[str, ...] = BARS_SET) -> Features:
    times = np.arange(len(table), dtype=np.int64) * 3_600_000
    return windows(Table(np.ascontiguousarray(table), names, times), lookback)


@cache
def fitted(column: bool = False) -> Engram:
    member = Engram(**QUICK, column="token" if column else "")
    world = ngram_world(1500)
    table = world.values if column else bars(1500)
    x = shown(table, member.lookback, world.names if column else BARS_SET)
    closes = table[member.lookback - 1 :, -4]
    y = np.append(np.diff(closes), np.nan)[:, None]
    return member.fit(x, y, np.ones(len(x)))


@pytest.mark.parametrize("streams", [1, 2])
def test_the_future_changes_no_past_token(streams: int) -> None:
    made = network(streams=streams)
    before, after = codes(2), codes(2)
    after[:, 20:] = codes(2, seed=1)[:, 20:]
    with torch.inference_mode():
        first, second = made.next_tokens(before), made.next_tokens(after)
    assert torch.equal(first[:, :20], second[:, :20])
    assert not torch.equal(first[:, 20:], second[:, 20:])


def test_a_row_alone_is_a_row_of_a_batch() -> None:
    made, x = network(), codes(9)
    with torch.inference_mode():
        whole = made(x)
        alone = torch.cat([made(x[k : k + 1]) for k in range(9)])
    torch.testing.assert_close(alone, whole, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("streams", [1, 2])
def test_steps_with_caches_answer_what_the_window_answers(streams: int) -> None:
    made = network(streams=streams)
    assert made.receptive <= made.steps
    tokens = np.random.default_rng(4).integers(0, 191, 200)
    every = torch.from_numpy(BOOK.codes(tokens))
    caches = made.caches()
    with torch.inference_mode():
        steps = torch.cat([made.step(every[None, t : t + 1], caches) for t in range(200)])
        windowed = made(torch.stack([every[t - 35 : t + 1] for t in range(100, 200)]))
    torch.testing.assert_close(steps[100:], windowed, rtol=0.0, atol=1e-5)


def test_memory_off_is_the_same_transformer_and_wide_is_as_large() -> None:
    on, off, wide = (Engram(memory=kind).network(0, 8) for kind in ("on", "off", "wide"))
    assert off.span == on.span
    kept = {name for name, _ in on.named_parameters() if "memories" not in name}
    assert {name for name, _ in off.named_parameters()} == kept
    assert abs(count(wide) / count(on) - 1.0) < 0.05


def test_tables_learn_faster_and_do_not_decay() -> None:
    made = network()
    (group,) = made.groups()
    assert (group["lr_factor"], group["weight_decay"]) == (5.0, 0.0)
    assert len(group["params"]) == 6
    assert network(memory=False).groups() == []


def test_the_network_exports_with_codes_as_its_input() -> None:
    made, x = network(), codes(5)
    exported = program(made, x)
    with torch.inference_mode():
        wanted = made(x).numpy()
    np.testing.assert_allclose(answers(exported, x), wanted, rtol=0.0, atol=1e-5)


def test_a_forecast_knows_nothing_of_later_bars() -> None:
    member, table = fitted(), bars(1500)
    other = table.copy()
    other[1200:] = bars(1500, seed=5)[1200:]
    first, second = (
        member.predict(shown(t[1000:1400], member.lookback).rows(slice(0, 141)))
        for t in (table, other)
    )
    np.testing.assert_array_equal(first.p_up, second.p_up)
    np.testing.assert_array_equal(first.quantiles, second.quantiles)


def test_a_bar_by_bar_answer_is_that_of_the_window() -> None:
    member, table = fitted(), bars(1500, seed=2)[:300]
    table[150, 4] = np.nan
    stream = member.stream()
    pushed = np.stack([stream.push(bar) for bar in table])
    raws, known = member.raw_answers(shown(table, member.lookback))
    rows = np.flatnonzero(known) + member.lookback - 1
    assert np.isfinite(pushed).all(axis=1).sum() == len(rows)
    np.testing.assert_allclose(pushed[rows], raws[0], rtol=0.0, atol=1e-5)


def test_a_restored_member_answers_the_same() -> None:
    member, x = fitted(), shown(bars(300, seed=2), 60)
    arrays, facts = member.state()
    again = Engram.restore(arrays, facts).predict(x)
    np.testing.assert_array_equal(again.p_up, member.predict(x).p_up)


def test_what_the_memory_said_is_told() -> None:
    told = fitted().explain(shown(bars(200, seed=2), 60))
    rows = len(told["rows"])
    assert told["attention"].shape == (rows, 36)
    np.testing.assert_allclose(told["attention"].sum(axis=1), 1.0, atol=1e-5)
    assert told["gate"].shape == (rows, 2)
    assert ((told["gate"] > 0.0) & (told["gate"] < 1.0)).all()
    assert told["memory"].shape == (rows, 2, 3)


def test_a_column_of_tokens_takes_the_place_of_the_bars_own() -> None:
    member, world = fitted(column=True), ngram_world(300, seed=8)
    x = shown(world.values, member.lookback, world.names)
    assert len(member.learnt["own.parts"]) == 34
    assert np.isfinite(member.predict(x).p_up).all()
    broken = world.values
    broken[100, 0] = 0.5
    with pytest.raises(DataError, match="whole number"):
        member.predict(shown(broken, member.lookback, world.names))


@pytest.mark.parametrize(
    "wrong",
    [
        {"orders": (3, 2)},
        {"orders": (5,)},
        {"memory": "sometimes"},
        {"memory_layers": (2,)},
        {"row": 30},
        {"width": 30},
        {"lookback": 30},
    ],
)
def test_options_that_do_not_fit_together_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Engram(**wrong)
