"""A user's own feature set in TOML: what it may say, what it is refused for, where it is kept."""

from pathlib import Path

import numpy as np
import pytest

from folkmoot.causal import close, ema, equal, negate, open_
from folkmoot.committee import Committee
from folkmoot.core.bars import Bars
from folkmoot.core.errors import DataError, UnknownOption, UsageError
from folkmoot.features import feature_set
from folkmoot.features.formula import parse
from folkmoot.features.own import settled, title
from folkmoot.features.volatility import ewma_vol, log_close
from folkmoot.indicators.macd import macd
from folkmoot.indicators.rsi import rsi
from folkmoot.market.worlds import world
from folkmoot.proof import prove
from folkmoot.training import TaskStore, walk_forward

MINE = """
name = "mine"
base = "core"
only = ["rsi_14", "rsi_9", "drift_20"]
without = ["rsi_9"]

[[column]]
name = "rsi_14"
indicator = "rsi"
params = { n = 21, x = "log(close)" }
unit = "points"
limits = [0, 100]

[[column]]
name = "histogram"
indicator = "macd"
output = "histogram"
unit = "price"

[[column]]
name = "body"
formula = "(log_close - log_open) / ewma_vol()"
mirror = "ratio"
unit = "standard deviations of one bar"

[[column]]
name = "spread_10"
formula = "(highest(high, 10) - lowest(low, 10)) / close"
higher = true
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text(MINE)
    return file


def test_a_file_defines_a_set_on_top_of_another(path: Path) -> None:
    mine = feature_set(str(path), "1h")
    assert mine.name == title(str(path)) == "mine"
    assert mine.names == (
        "rsi_14", "drift_20", "histogram", "body", "spread_10", "spread_10_4h", "spread_10_1d",
    )  # fmt: skip
    assert mine.column("rsi_14").expr is rsi(parse("log(close)"), 21)
    assert mine.column("histogram").expr is macd()["histogram"]
    assert mine.column("rsi_14").range == (0.0, 100.0)
    assert mine.column("spread_10").mirror == "none"


def test_its_text_is_the_same_set(path: Path, walk: Bars) -> None:
    text = settled(str(path))
    ours, theirs = feature_set(str(path), "1h"), feature_set(text, "1h")
    assert ours.hash() == theirs.hash()
    np.testing.assert_array_equal(ours.matrix(walk).values, theirs.matrix(walk).values)


def test_an_artefact_keeps_the_definition_it_was_fitted_on(
    path: Path, tmp_path: Path, walk: Bars
) -> None:
    store = TaskStore(tmp_path / "tasks")
    ballots = walk_forward(walk, feature_set(str(path), "1h"), {"m": ("logistic", {})}, store=store)
    kept = store.get(ballots.cards[0]["features"])
    assert kept is not None
    columns = {one["name"]: one["formula"] for one in kept.facts["feature_set"]["columns"]}
    assert columns["rsi_14"] == str(rsi(parse("log(close)"), 21))


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        ("close", close),
        ("-2 * (close + 1.5) / ema(close, n=3) ** 2", -2.0 * (close + 1.5) / ema(close, 3) ** 2),
        ("macd(fast=5)['signal'] > 0", macd(fast=5)["signal"] > 0.0),
        ("log_close / ewma_vol(0.9)", log_close / ewma_vol(0.9)),
        ("+abs(open - close) != 0", negate(equal(abs(open_ - close), 0.0))),
    ],
)
def test_a_formula_is_the_expression_it_spells(text: str, expr: object) -> None:
    assert parse(text) is expr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os')", "nothing is called"),
        ("close.__class__", "means nothing here"),
        ("(lambda: 1)()", "means nothing here"),
        ("[x for x in (1, 2)]", "means nothing here"),
        ("close if 1 else 2", "means nothing here"),
        ("compile(close)", "nothing is called"),
        ("mean(close)", "missing a required argument"),
        ("mean(close, 0)", "n is 0"),
        ("mean(close, 10**9)", "n is 1000000000"),
        ("10**10**10", "cannot be read|means nothing here"),
        ("macd()", "several outputs"),
        ("macd()['gram']", "no output"),
        ("close + 'a'", "means nothing here"),
        ("close <", "cannot be read"),
        ("(" * 300 + "close" + ")" * 300, "cannot be read"),
        ("lag(close, -1)", "k is -1"),
        ("'close'", "is no expression"),
        ("x" * 5_000, "5000 characters"),
        ("-rsi", "means nothing here"),
        ("'abc'", "is no expression"),
        ("rsi", "is no expression"),
        ("rsi(n='14')", "n is '14'|means nothing"),
    ],
)
def test_a_formula_can_say_nothing_else(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("name = ", UsageError),
        ("name = 'x'\nbass = 'core'", UnknownOption),
        ("name = 'x'\n", UsageError),
        ("base = 'nothing'\n", UsageError),
        ("base = 'core'\nonly = ['no']\n", UsageError),
        ("[[column]]\nname = 'a b'\nformula = 'close'", UsageError),
        ("[[column]]\nname = 'a'\n", UsageError),
        ("[[column]]\nname = 'a'\nformula = 'close'\nindicator = 'rsi'", UsageError),
        ("[[column]]\nname = 'a'\nindicator = 'nothing'", UsageError),
        ("[[column]]\nname = 'a'\nindicator = 'rsi'\nparams = { m = 2 }", UnknownOption),
        ("[[column]]\nname = 'a'\nindicator = 'macd'", UsageError),
        ("[[column]]\nname = 'a'\nformula = 'close'\nmirror = 'odd'", UsageError),
        ("[[column]]\nname = 'a'\nformula = 'close'\nlimits = [1, 0]", UsageError),
        ("[[column]]\nname = 'a'\nformula = 'close'\nspeed = 3", UnknownOption),
        ("[[column]]\nname = 'a'\nformula = 'ema(close, 50)'\nhigher = true", UsageError),
        ("only = ['rsi_14']", UsageError),
        ("base = 'core'\nonly = 5", UsageError),
        ("base = 'core'\nwithout = 'rsi_14'", UsageError),
        ("base = 'other.toml'", UsageError),
        ("column = 3", UsageError),
        ("column = [3]", UsageError),
        ("name = 5", UsageError),
        ("[[column]]\nname = 'a'\nindicator = 'rsi'\nparams = 'x'", UsageError),
        ("[[column]]\nname = 'a'\nindicator = 'rsi'\nparams = { n = '14' }", UsageError),
        ("[[column]]\nname = 'a'\nindicator = 'rsi'\nparams = { n = 0 }", UsageError),
        ("[[column]]\nname = 'a'\nindicator = 'rsi'\noutput = 'rsi'", UsageError),
        ("[[column]]\nname = 'a'\nindicator = 'macd'\noutput = ['x']", UsageError),
        ("[[column]]\nname = 'a'\nformula = 'close'\nlimits = ['a', 1]", UsageError),
        ("[[column]]\nname = 'a'\nformula = 'close'\nhigher = 1", UsageError),
        ("[[column]]\nname = 'a'\nformula = 'close'\nparams = { n = 1 }", UsageError),
        ("[[column]]\nname = 'known_at'\nformula = 'close'", UsageError),
        ("[[column]]\nname = 'a'\nformula = 'close'\n" * 2, UsageError),
    ],
)
def test_a_file_that_means_nothing_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        feature_set(f"{text}\n", "1h")


def test_a_file_that_is_not_there_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine\.toml"):
        feature_set(str(tmp_path / "mine.toml"), "1h")


def test_a_study_of_an_own_set_knows_its_definition(path: Path, tmp_path: Path) -> None:
    bars = world("planted", n=3_000).bars
    asked = {"copies": 1, "plants": 1, "workers": 1, "root": tmp_path / "data"}
    committee = Committee(models=("logistic",))
    first = prove(committee, bars, features=str(path), **asked).facts
    assert first["feature_set"] == {"name": "mine", "columns": 7, "definition": settled(str(path))}
    path.write_text(f"{MINE}\n[[column]]\nname = 'more'\nformula = 'log_return'\n")
    second = prove(committee, bars, features=str(path), **asked).facts
    assert second["feature_set"]["columns"] == 8
    assert second["provenance"]["study"] != first["provenance"]["study"]


def test_a_formula_that_reads_itself_again_and_again_stays_small() -> None:
    text = "close"
    for _ in range(40):
        text = f"rsi({text}, 2)"
    deep = feature_set(f"[[column]]\nname = 'a'\nformula = '{text}'\n", "1h")
    assert len(deep.columns[0].formula) < 1_000_000
    deeper = feature_set(f"[[column]]\nname = 'a'\nformula = 'rsi({text}, 3)'\n", "1h")
    assert deep.hash() != deeper.hash()
