"""One new file is a whole indicator: laws, listing, documentation and sets follow by themselves."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from docs import oracles as page
from tests.app.commands import answer
from tests.conftest import random_walk
from tests.indicators.oracles import without_oracle
from tests.laws import test_causal_columns as laws

from folkmoot import indicators
from folkmoot.causal import compile

SOURCE = '''"""Middle of the range."""

from folkmoot.causal import Expr, close, highest, lowest


def middle_of_range(x: Expr = close, n: int = 20) -> dict[str, Expr]:
    """Return the middle of the last n values, and how far x lies above it.

    >>> middle_of_range()["middle"].warmup
    19
    """
    middle = (highest(x, n) + lowest(x, n)) / 2.0
    return {"middle": middle, "above": x - middle}
'''
NAMES = ("middle_of_range.middle", "middle_of_range.above")


@pytest.fixture(autouse=True)
def dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    assert len(SOURCE.splitlines()) <= 25
    (tmp_path / "middle_of_range.py").write_text(SOURCE)
    monkeypatch.setattr(indicators, "__path__", [*indicators.__path__, str(tmp_path)])
    yield
    sys.modules.pop("folkmoot.indicators.middle_of_range", None)
    vars(indicators).pop("middle_of_range", None)


def test_a_dropped_file_is_imported_by_its_name() -> None:
    from folkmoot.indicators import middle_of_range

    assert middle_of_range(n=5)["above"].warmup == 4
    assert "middle_of_range" in dir(indicators)


def test_a_dropped_file_is_under_every_law() -> None:
    found = {name: expr for name, expr in indicators.expressions().items() if name in NAMES}
    assert set(found) == set(NAMES)
    program, walk = compile(found, "1h"), random_walk(1_600)
    for chunk in laws.CHUNKS:
        laws.test_streaming_gives_the_bits_of_the_batch(program, walk, chunk)
    for cut in laws.CUTS:
        laws.test_the_future_does_not_change_the_past(program, walk, cut)
    laws.test_every_value_is_known_from_its_warmup_on(program, walk)
    laws.test_an_unknown_volume_is_unknown_and_then_forgotten(program, walk)
    laws.test_where_the_history_starts_is_forgotten_once_stable(program, random_walk(6_000))


def test_a_dropped_file_is_listed_on_the_command_line(capfd: pytest.CaptureFixture[str]) -> None:
    code, told = answer(capfd, "features", "list", "indicators")
    assert code == 0
    assert "middle_of_range" in {row["name"] for row in told["indicators"]}


def test_a_dropped_file_is_documented() -> None:
    assert "middle_of_range" in without_oracle([])
    rows = [line for line in page.ownership([]) if "`middle_of_range`" in line]
    assert [row.split("|")[2].strip() for row in rows] == ["no outside oracle"]


def test_a_dropped_file_computes() -> None:
    bars = random_walk(100)
    values = compile(indicators.function("middle_of_range")()).batch(bars)
    top, bottom = bars.close[80:].max(), bars.close[80:].min()
    assert values["middle"][-1] == (top + bottom) / 2.0
    assert np.isnan(values["above"][:19]).all()
