"""`folkmoot features`: what it lists, draws, screens and writes, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from tests.app.commands import answer
from tests.conftest import random_walk

from folkmoot.app import cli
from folkmoot.app.chart import is_event, picture
from folkmoot.core.bars import Bars
from folkmoot.features import feature_set, feature_sets

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
    assert text.count("<circle") == sum(found["events"].values()) > 10
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
    drawn = picture(bars, small)
    assert drawn.count('class="zero"') == 1
    assert is_event(np.array([0.0, 1.0, np.nan]))
    assert not is_event(np.array([0.0, 0.5]))
