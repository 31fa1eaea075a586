"""The torch reading means what the compiled one means, for every operator, indicator and column.

Both run on the same bars. WaveTrend divides by what is left of a mean that converges to the price
of a market standing still, and a rank looks at near-ties: on the market of single ticks those two
are compared where they are more than rounding errors.
"""

import numpy as np
import pytest
from tests.causal import test_laws as laws

from folkmoot.causal import Expr, at, close, compile, decay, ema, rank, std, ta, volume, wilder
from folkmoot.causal.expr import walk
from folkmoot.causal.program import run_stages
from folkmoot.causal.tensor_scans import Weights, smooth
from folkmoot.causal.tensors import READ, read
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.features.sets.core import RANKED_OVER, core
from folkmoot.indicators import adx, atr, bollinger, cci, macd, rsi, stochastic, wavetrend

torch = pytest.importorskip("torch", reason="needs torch, which the extra [neural] brings")

HOUR = Timeframe.of("1h")
INDICATORS: dict[str, Expr] = {
    "rsi": rsi(),
    "cci": cci(),
    "atr": atr(),
    **{f"adx.{name}": line for name, line in adx().items()},
    **{f"wavetrend.{name}": line for name, line in wavetrend().items()},
    **{f"macd.{name}": line for name, line in macd().items()},
    **{f"bollinger.{name}": line for name, line in bollinger().items()},
    **{f"stochastic.{name}": line for name, line in stochastic().items()},
}
CORE = {column.name: column.expr for column in core(HOUR)}
OPERATORS = {
    name: expr
    for name, expr in laws.EXAMPLES.items()
    if {node.op for node in walk(expr)} <= READ
}  # fmt: skip
LOOSE = ("cci", "rank_cci", "wavetrend")
STANDING = 240
"""The ticks stand still for good stretches from here on."""


def tensors(bars: Bars) -> dict[str, "torch.Tensor"]:
    """The columns and times of bars as tensors [n]."""
    names = ("open_time", "close_time", "open", "high", "low", "close", "volume", *bars.extra)
    columns = (getattr(bars, name, bars.extra.get(name)) for name in names)
    return {name: torch.tensor(column) for name, column in zip(names, columns, strict=True)}


def assert_alike(name: str, seen: "torch.Tensor", expected: Floats) -> None:
    bound = 1e-7 if name.startswith(LOOSE) else 1e-9
    values = seen.numpy()
    np.testing.assert_array_equal(np.isnan(values), np.isnan(expected), err_msg=name)
    error = np.abs(values - expected) / np.maximum(1.0, np.abs(expected))
    assert np.nanmax(error, initial=0.0) <= bound, name


def assert_all_alike(exprs: dict[str, Expr], bars: Bars, until: int | None = None) -> None:
    expected = compile(exprs, "1h").batch(bars)
    seen = read(exprs, tensors(bars), "1h")
    for name, values in expected.items():
        assert_alike(name, seen[name][:until], values[:until])


def converging(name: str) -> bool:
    return "wavetrend" in name or name.startswith("rank_")


@pytest.mark.parametrize("series", laws.SERIES)
def test_every_operator_reads_as_the_machine_does(series: str) -> None:
    assert_all_alike(OPERATORS, laws.SERIES[series])


def test_every_operator_that_is_read_has_an_example() -> None:
    assert {node.op for node in walk(*OPERATORS.values())} == READ


@pytest.mark.parametrize("series", ["walk", "golden"])
@pytest.mark.parametrize("exprs", [INDICATORS, CORE], ids=["indicators", "core"])
def test_indicators_and_core_read_as_the_machine_does(exprs: dict[str, Expr], series: str) -> None:
    assert_all_alike(exprs, laws.SERIES[series])


@pytest.mark.parametrize("exprs", [INDICATORS, CORE], ids=["indicators", "core"])
def test_a_market_of_single_ticks_reads_as_the_machine_does(exprs: dict[str, Expr]) -> None:
    bars = laws.SERIES["ticks"]
    assert_all_alike({name: e for name, e in exprs.items() if not converging(name)}, bars)
    waves = {name: e for name, e in exprs.items() if "wavetrend" in name}
    assert_all_alike(waves, bars, until=STANDING)


def test_a_rank_differs_only_where_values_all_but_tie() -> None:
    bars = laws.ticks(1200)
    strength = compile({"rsi": rsi()}).batch(bars)["rsi"]
    seen = read({"rank": rank(rsi(), RANKED_OVER)}, tensors(bars))["rank"][RANKED_OVER - 1 :]
    windows = np.lib.stride_tricks.sliding_window_view(strength, RANKED_OVER)
    newest = windows[:, -1:]
    least = (windows < newest - 1e-9).sum(axis=1) / RANKED_OVER
    most = (windows <= newest + 1e-9).sum(axis=1) / RANKED_OVER
    known = ~np.isnan(windows).any(axis=1)
    np.testing.assert_array_equal(np.isnan(seen.numpy()), ~known)
    assert ((least <= seen.numpy()) & (seen.numpy() <= most))[known].all()


def test_a_flat_market_has_no_oscillator() -> None:
    flat = torch.full((300,), 33.333, dtype=torch.float64)
    seen = read(INDICATORS, dict.fromkeys(("open", "high", "low", "close"), flat))
    known = {name.split(".")[0] for name, values in seen.items() if not values.isnan().all()}
    assert known == {"atr", "macd", "bollinger"}
    assert float(seen["bollinger.middle"][-1]) == 33.333


def holed(bars: Bars, seed: int) -> Floats:
    """The machine's block of columns with unknown prices and a start that is late."""
    block = np.array(compile({**INDICATORS, **OPERATORS}, "1h").columns(bars))
    rng = np.random.default_rng(seed)
    lost = rng.random(len(bars)) < 0.04
    lost[: 20 * seed] = True
    block[2:, lost] = np.nan
    return block


NAMES = ("open_time", "close_time", "open", "high", "low", "close", "volume", "x")
HOLED = {
    **INDICATORS,
    **{n: e for n, e in OPERATORS.items() if not {"at", "true_range"} & {m.op for m in walk(e)}},
}  # fmt: skip


def test_unknown_prices_leave_the_state_alone_as_in_the_machine() -> None:
    block = holed(laws.walk_with_gaps(), 2)
    expected = np.empty((block.shape[1], len(HOLED)))
    run_stages(compile(HOLED).stages, list(block), expected)
    columns = {name: torch.tensor(values) for name, values in zip(NAMES, block, strict=True)}
    seen = read(HOLED, columns)
    for place, name in enumerate(HOLED):
        if "true_range" not in {node.op for node in walk(HOLED[name])}:
            assert_alike(name, seen[name], expected[:, place])


def panel() -> dict[str, "torch.Tensor"]:
    """Four symbols with clocks, holes and first bars of their own."""
    blocks = [holed(laws.walk_with_gaps(seed=seed), seed) for seed in range(3)]
    blocks.append(np.array(compile({**INDICATORS, **OPERATORS}, "1h").columns(laws.golden(700))))
    stacked = torch.tensor(np.array(blocks))
    return {name: stacked[:, place] for place, name in enumerate(NAMES)}


def test_symbols_read_together_are_each_as_alone() -> None:
    columns = panel()
    exprs = {**INDICATORS, **CORE, **OPERATORS}
    together = read(exprs, columns, "1h")
    for row in range(4):
        alone = read(exprs, {name: x[row] for name, x in columns.items()}, "1h")
        for name, values in alone.items():
            assert_alike(name, together[name][row], values.numpy())


def test_a_shared_clock_needs_one_row_only() -> None:
    columns = {name: x[:1].expand(3, -1) for name, x in panel().items()}
    shared = {
        **columns,
        "open_time": columns["open_time"][0],
        "close_time": columns["close_time"][0],
    }
    first, second = read(CORE, columns, "1h"), read(CORE, shared, "1h")
    for name, values in first.items():
        assert values.shape == second[name].shape == (3, 700)
        torch.testing.assert_close(values, second[name], equal_nan=True, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 7, 64, 128, 1000])
def test_the_length_of_a_chunk_does_not_matter(chunk: int) -> None:
    line = panel()["close"]
    weights = [Weights(2.0 / 11.0, 9.0 / 11.0, 10), Weights(0.03, 0.97, 1)]
    for seen, expected in zip(
        smooth([line, line], weights, chunk), smooth([line, line], weights), strict=True
    ):
        torch.testing.assert_close(seen, expected, equal_nan=True, rtol=1e-13, atol=0.0)


def test_twenty_lengths_are_scanned_as_each_alone() -> None:
    columns = panel()
    exprs = {f"{n}": rsi(n=n) for n in range(2, 22)}
    together = read(exprs, columns)
    for name, expr in exprs.items():
        assert_alike(name, together[name], read({"rsi": expr}, columns)["rsi"].numpy())


def test_long_windows_are_opened_in_pieces() -> None:
    bars = laws.walk_with_gaps(6000)
    assert_all_alike({"rank": rank(close, 500), "std": std(close, 700)}, bars)


def test_the_future_does_not_change_the_past() -> None:
    columns = panel()
    before = read({**INDICATORS, **CORE}, {name: x[:, :431] for name, x in columns.items()}, "1h")
    after = read({**INDICATORS, **CORE}, columns, "1h")
    for name, values in before.items():
        assert_alike(name, after[name][:, :431], values.numpy())


def test_gradients_pass_through_unknown_values_and_agree_with_differences() -> None:
    price = torch.rand(2, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 9.0
    price[0, 17] = np.nan

    def averaged(x: "torch.Tensor") -> "torch.Tensor":
        bars = {"close": x, "high": x + 0.5, "low": x - 0.4}
        exprs = {"rsi": rsi(n=4), "cci": cci(n=5), "std": std(close, 6), **adx(4, 3)}
        made = torch.stack(list(read(exprs, bars).values()))
        return made.where(~made.isnan(), 0.0).sum(-1)

    leaf = price.requires_grad_()
    averaged(leaf).sum().backward()
    assert leaf.grad is not None
    assert leaf.grad.isfinite().all()
    whole = price.detach()[1:].clone().requires_grad_()
    assert torch.autograd.gradcheck(averaged, (whole,))


def test_single_precision_carries_its_recursions_in_double() -> None:
    columns = tensors(laws.golden())
    seen = read(INDICATORS, columns, dtype=torch.float32)
    expected = read(INDICATORS, columns)
    for name, values in seen.items():
        assert values.dtype == torch.float32
        torch.testing.assert_close(
            values.double(), expected[name], equal_nan=True, rtol=5e-3, atol=5e-3
        )


def test_what_cannot_be_read_is_refused() -> None:
    columns = tensors(laws.golden())
    for exprs, given, options, said in (
        ({"x": ta("RSI")}, columns, {}, "no torch reading of ta"),
        ({"x": rsi()}, {"open": columns["open"]}, {}, "no column close"),
        ({"x": close + volume}, {**columns, "volume": torch.ones(3)}, {}, "differ in shape"),
        ({"x": close}, columns, {"dtype": torch.int64}, "dtype is torch.int64"),
        ({"x": at("4h", close)}, columns, {}, "needs the decision timeframe"),
        ({"x": at("4h", close)}, {"close": columns["close"]}, {"timeframe": "1h"}, "no times"),
    ):
        with pytest.raises(UsageError, match=said):
            read(exprs, given, **options)


def test_no_bars_give_no_values() -> None:
    seen = read({"a": ema(close, 3), "b": wilder(close, 2)}, {"close": torch.zeros(3, 0)})
    assert {name: tuple(values.shape) for name, values in seen.items()} == {
        "a": (3, 0),
        "b": (3, 0),
    }


def test_fewer_bars_than_a_window_or_a_coarse_bar_are_unknown() -> None:
    few = {name: x[:2] for name, x in tensors(laws.golden()).items()}
    exprs = {"a": std(close, 9), "b": decay(close, 0.5), "c": at("1w", ema(close, 3)), "d": cci()}
    seen = read(exprs, few, "1h")
    assert [bool(seen[name].isnan().all()) for name in exprs] == [True, False, True, True]


def test_a_card_gives_the_processors_values() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    columns = panel()
    exprs = {**INDICATORS, **CORE, **OPERATORS}
    seen = read(exprs, columns, "1h", device="cuda")
    for name, values in read(exprs, columns, "1h").items():
        assert_alike(name, seen[name].cpu(), values.numpy())
