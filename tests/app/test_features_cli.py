"""`folkmoot features`: what it lists, draws, screens and writes, and what it refuses."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.app.commands import answer
from tests.conftest import random_walk

from folkmoot.app import cli
from folkmoot.app.chart import Look, picture
from folkmoot.app.marks import is_event, shapes
from folkmoot.causal import close, lag
from folkmoot.core.bars import PRICES, Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.settings import settings
from folkmoot.features import FeatureSet, feature_set, feature_sets
from folkmoot.features.catalogue import export
from folkmoot.features.column import Column
from folkmoot.indicators.regime import REGIMES

pytestmark = pytest.mark.usefixtures("own_root")
WORLD = ["world:planted:3:3000", "--features", "core"]


@pytest.mark.parametrize("words", [["list"], ["show", "rsi_14"], ["plot"], ["screen"], ["export"]])
def test_every_part_has_help_and_json(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["features", words[0], "--help"]) == 0
    assert "--json" in capfd.readouterr().out


def test_list_names_every_set_its_columns_and_the_indicators(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code, found = answer(capfd, "features", "list")
    assert code == 0
    assert [one["name"] for one in found["sets"]] == feature_sets()
    _, card = answer(capfd, "features", "list", "core", "--timeframe", "4h")
    assert [one["name"] for one in card["columns"]] == list(feature_set("core", "4h").names)
    wanted = {"formula", "group", "inputs", "mirror", "name", "range", "stable", "unit", "warmup"}
    wanted |= {"awaits"}
    assert {key for one in card["columns"] for key in one} == wanted
    _, known = answer(capfd, "features", "list", "indicators")
    assert {"rsi", "macd", "supertrend"} <= {one["name"] for one in known["indicators"]}


def test_show_knows_columns_and_indicators(capfd: pytest.CaptureFixture[str]) -> None:
    assert answer(capfd, "features", "show", "adx_14", "--features", "core")[1]["warmup"] == 27
    shown = answer(capfd, "features", "show", "bollinger", "--features", "core")[1]
    assert list(shown["outputs"]) == ["middle", "upper", "lower", "percent_b", "width"]
    code, refused = answer(capfd, "features", "show", "nothing", "--features", "core")
    assert (code, refused["error"]["type"]) == (2, "UsageError")


def test_plot_writes_a_page_with_dots_where_events_are(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "b.html"
    only = ["--only", "wt1,wt2,cross_up,cross_down", "--out", str(page), "--bars", "500"]
    code, found = answer(capfd, "features", "plot", WORLD[0], "cipher_b", *WORLD[1:], *only)
    assert (code, found["bars"]) == (0, 500)
    text = page.read_text()
    assert text.count(", known ") == sum(found["events"].values()) > 10
    assert "script" not in text.partition("</style>")[2]
    assert answer(capfd, "features", "plot", WORLD[0], "ema(close, 9)", *WORLD[1:])[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["cipher_b", "--only", "no"],
        ["mean(close)"],
        ["rsi", "--until", "1999-01-01"],
        ["rsi", "--bars", "1"],
    ],
)
def test_plot_refuses_what_cannot_be_drawn(
    words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    code, refused = answer(capfd, "features", "plot", WORLD[0], *words, *WORLD[1:])
    assert code in (2, 3)
    assert refused["error"]["message"]


def test_screen_finds_a_planted_trend_and_says_what_chance_gives(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code, found = answer(capfd, "features", "screen", "world:planted:3:20000", *WORLD[1:])
    assert code == 0
    best = found["columns"][0]
    assert best["ic"] > 0.05
    assert best["q"] < 0.001
    assert best["same_sign"] == 1.0
    assert found["beyond_5_percent"] > 5 * found["expected_by_chance"]
    clusters = {one["name"]: one["cluster"] for one in found["columns"]}
    assert clusters["return_1"] == clusters["body"] != clusters["hour_sin"]


def test_screen_of_a_random_walk_finds_what_chance_gives(
    capfd: pytest.CaptureFixture[str],
) -> None:
    found = answer(capfd, "features", "screen", "world:random_walk:5:20000", *WORLD[1:])[1]
    assert min(one["q"] for one in found["columns"] if one["q"] is not None) > 0.05
    assert found["beyond_5_percent"] <= 4 * found["expected_by_chance"]


def test_screen_needs_rows_enough(capfd: pytest.CaptureFixture[str]) -> None:
    code, refused = answer(capfd, "features", "screen", "world:random_walk:5:900", *WORLD[1:])
    assert (code, refused["error"]["type"]) == (3, "DataError")


def test_export_writes_the_table_and_its_card(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "deep" / "core.parquet"
    code, card = answer(capfd, "features", "export", *WORLD, "--out", str(path))
    table = pq.read_table(path)
    assert (code, table.num_rows, card["stable_from_row"]) == (0, 3000, 900)
    assert table.column_names[2:] == list(feature_set("core", "1h").names)
    assert json.loads(path.with_suffix(".json").read_text()) == card
    assert answer(capfd, "features", "export", *WORLD, "--out", str(tmp_path / "x.csv"))[0] == 2


def test_the_page_lists_every_column(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "features.md"
    assert cli.run(["features", "page", "--out", str(page)]) == 0
    text = page.read_text()
    assert all(f"`{name}`" in text for name in feature_set("core", "1h").names)
    assert "| `supertrend` |" in text


def test_a_stored_market_is_named_with_its_timeframe(capfd: pytest.CaptureFixture[str]) -> None:
    assert answer(capfd, "data", "import", "world:random_walk:5:900")[0] == 0
    listed = answer(capfd, "data", "list")[1]["series"][0]
    name = f"{listed['symbol'].replace('/', '-')}_{listed['timeframe']}"
    code, found = answer(capfd, "features", "plot", name, "rsi", *WORLD[1:])
    assert (code, found["lines"]) == (0, ["rsi"])


def test_a_picture_has_a_pane_for_lines_of_another_size() -> None:
    bars: Bars = random_walk(80)
    small = {"ratio": np.linspace(-1.0, 1.0, 80), "near": bars.close * 1.001}
    drawn = picture(bars, small, Look(prices=frozenset({"near"})))
    assert drawn.count('class="zero"') == 1
    assert drawn.count("<clipPath") == 2
    assert picture(bars, small).count("<clipPath") == 3
    assert is_event(np.array([0.0, 1.0, np.nan]))
    assert not is_event(np.array([0.0, 0.5]))


def plotted(
    capfd: pytest.CaptureFixture[str], data: str, *words: str
) -> tuple[dict[str, Any], str]:
    code, found = answer(capfd, "features", "plot", data, *words, "--features", "core")
    assert code == 0
    return found, Path(found["page"]).read_text()


@pytest.mark.parametrize("line", ["rsi", "atr", "macd"])
def test_only_a_price_near_the_candles_is_drawn_over_them(
    line: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bars = random_walk(300)
    prices: dict[str, Any] = {name: 0.5 * bars.column(name) for name in PRICES}
    path = tmp_path / "stock_1h.parquet"
    replace(bars, **prices).to_frame().to_parquet(path)
    assert 20.0 < prices["low"].min() < prices["high"].max() < 100.0
    assert plotted(capfd, str(path), line)[1].count("<clipPath") >= 2
    assert plotted(capfd, str(path), "bollinger", "--only", "upper,lower")[1].count("<clip") == 1


def test_what_is_unknown_on_every_bar_is_said(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "x_1h.parquet"
    replace(random_walk(300), volume=np.full(300, np.nan)).to_frame().to_parquet(path)
    found, page = plotted(capfd, str(path), "mfi")
    assert found["unknown"] == ["mfi"]
    assert "unknown on every bar shown: mfi" in page
    assert cli.run(["features", "plot", str(path), "mfi", "--features", "core"]) == 0
    assert "unknown on every bar shown: mfi" in capfd.readouterr().err


def test_an_event_without_an_occurrence_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    found, page = plotted(capfd, WORLD[0], "cipher_b", "--only", "wt1,wt2,gold", "--bars", "20")
    assert found["events"] == {"gold": 0}
    assert "gold 0 (no event in these bars)" in page
    assert (
        cli.run(["features", "plot", WORLD[0], "cipher_b", "--only", "gold", "--bars", "20"]) == 0
    )
    assert "no event in these bars: gold" in capfd.readouterr().err


def test_events_have_a_legend_with_their_counts_and_shapes_of_their_own(
    capfd: pytest.CaptureFixture[str],
) -> None:
    found, page = plotted(capfd, WORLD[0], "cipher_b", "--bars", "900")
    counted = {name: count for name, count in found["events"].items() if count}
    assert len(counted) >= 4
    assert all(f">{name} {count}</text>" in page for name, count in counted.items())
    known = shapes(["buy", "buy_div", "long_entry", "sell", "gold", "thing"])
    assert known["buy"] != known["buy_div"] != known["long_entry"] != known["buy"]
    assert (known["gold"], known["thing"]) == ("diamond", "square")


def test_a_regime_is_drawn_by_name_and_no_event(capfd: pytest.CaptureFixture[str]) -> None:
    for formula in ("regime", "regime(ranked_over=300)"):
        found, page = plotted(capfd, WORLD[0], formula, "--bars", "40")
        assert found["events"] == {}
        assert all(f">{name.replace('_', ' ')}</text>" in page for name in REGIMES)


def test_a_residue_is_drawn_as_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    found, page = plotted(
        capfd, WORLD[0], "0.000000000001 * log(close / lag(close))", "--bars", "300"
    )
    assert found["events"] == {}
    axis = re.findall(r">([^<>]*)</text>", page)
    assert "0" in axis
    assert not [label for label in axis if "e-" in label]


def test_an_unknown_name_is_answered_with_near_ones_and_where_all_are(
    capfd: pytest.CaptureFixture[str],
) -> None:
    for words in (["show", "rsi_41"], ["plot", WORLD[0], "rsi_41"]):
        code, refused = answer(capfd, "features", *words, "--features", "core")
        said = refused["error"]["allowed"]
        assert code == 2
        assert "rsi_14" in said
        assert "folkmoot features list core" in said
        assert len(said) < 250


def test_a_set_is_listed_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    code, refused = answer(capfd, "features", "show", "full", "--features", "core")
    assert code == 2
    assert "is a feature set" in refused["error"]["message"]
    assert "features list full" in refused["error"]["allowed"]


def test_export_overwrites_only_when_told_and_never_what_it_reads(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made, source = tmp_path / "made.parquet", tmp_path / "x_1h.parquet"
    random_walk(300).to_frame().to_parquet(source)
    before = source.read_bytes()
    command = ["features", "export", str(source.with_suffix("")), "--features", "bars", "--out"]
    made.with_suffix(".json").write_text("{}")
    code, refused = answer(capfd, *command, str(made))
    assert (code, refused["error"]["allowed"]) == (2, "another file, or --overwrite")
    assert not made.exists()
    assert answer(capfd, *command, str(made), "--overwrite")[0] == 0
    code, refused = answer(capfd, *command, str(source), "--overwrite")
    assert (code, source.read_bytes()) == (2, before)
    assert refused["error"]["message"].endswith("is what is read")


def test_export_never_overwrites_the_store(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert answer(capfd, "data", "import", "world:random_walk:5:900")[0] == 0
    kept = next((settings().data_root / "bars").rglob("*.parquet"))
    before = kept.read_bytes()
    words = ["features", "export", WORLD[0], "--features", "bars", "--out", str(kept)]
    assert answer(capfd, *words, "--overwrite")[0] == 2
    assert kept.read_bytes() == before


def test_flat_prices_are_drawn(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, flat = tmp_path / "x_1h.parquet", np.full(300, 5.0)
    same: dict[str, Any] = dict.fromkeys(PRICES, flat)
    replace(random_walk(300), **same).to_frame().to_parquet(path)
    assert plotted(capfd, str(path), "ema(close, 9)")[1].count("<clipPath") == 1


@pytest.mark.parametrize("name", ["open_time", "known_at"])
def test_export_refuses_a_column_called_as_a_time(name: str, tmp_path: Path) -> None:
    bars, out = random_walk(50), tmp_path / "x.parquet"
    column = Column(name, close / lag(close), "ratio", "none", "own", bars.timeframe)
    with pytest.raises(UsageError, match=name):
        export(FeatureSet("mine", bars.timeframe, (column,)), bars, out, "mine")
    assert not out.exists()
