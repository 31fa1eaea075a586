"""The page of names: every right-hand side is a formula, and the page is what the table gives."""

import importlib
import math
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import talib

from folkmoot import causal, indicators
from folkmoot.causal import Expr, compile
from folkmoot.core import plugins
from folkmoot.core.bars import Bars

DOCS = Path(__file__).parents[1] / "docs"
TABLE = tomllib.loads((DOCS / "names.toml").read_text())
PANDAS_TA = {
    name: text for group in TABLE["pandas-ta"].values() for name, text in group.items() if text
}
# TA-Lib's value, where ours has the same definition and unit and no start of its own.
SAME = {
    "averages": "DEMA EMA SMA TEMA WMA",
    "bands": "BBANDS STOCHF WILLR",
    "momentum": "AC ADOSC BOP CCI IMI MFI MOM ROC RSI VHF",
    "prices": "AVGPRICE MEDPRICE TYPPRICE WCLPRICE",
    "statistics": "AVGDEV CORREL LINEARREG LINEARREG_SLOPE MAX MIN STDDEV SUM VAR",
    "others": "CVI EFI EXP LN SQRT TANH TRANGE",
}


def namespace() -> dict[str, Any]:
    names: dict[str, Any] = {name: getattr(causal, name) for name in causal.__all__}
    for name in plugins.names(indicators.__name__):
        names[name] = getattr(importlib.import_module(f"{indicators.__name__}.{name}"), name)
    return {**names, "math": math}


NAMES = namespace()


def formulas(text: str) -> dict[str, Expr]:
    made = eval(text, NAMES)  # noqa: S307 - the table is ours
    return made if isinstance(made, dict) else {"": made}


def known_at_the_end(made: dict[str, Expr], bars: Bars) -> bool:
    values = compile(made, "1h").matrix(bars)
    return bool((~np.isnan(values[-500:])).any(axis=0).all())


@pytest.mark.parametrize("name", PANDAS_TA)
def test_a_name_of_pandas_ta_stands_for_formulas_with_values(name: str, walk: Bars) -> None:
    assert known_at_the_end(formulas(PANDAS_TA[name]), walk)


@pytest.mark.parametrize("name", TABLE["own"])
def test_our_own_form_of_a_talib_function_has_values(name: str, walk: Bars) -> None:
    assert name in talib.get_functions()
    assert known_at_the_end(formulas(TABLE["own"][name]), walk)


@pytest.mark.parametrize("name", " ".join(SAME.values()).split())
def test_our_own_form_meets_talibs_value(name: str, walk: Bars) -> None:
    ours = next(iter(formulas(TABLE["own"][name]).values()))
    output = {"BBANDS": "middleband", "STOCHF": "fastk"}.get(name)
    both = compile({"ours": ours, "theirs": causal.ta(name, output=output)}, "1h").batch(walk)
    scale = np.nanmax(np.abs(both["theirs"]))
    np.testing.assert_allclose(both["ours"][-500:], both["theirs"][-500:], atol=1e-6 * scale)


def test_every_note_is_of_a_name_that_is_here() -> None:
    assert set(TABLE["notes"]) <= set(PANDAS_TA)


def test_the_page_is_what_the_table_gives() -> None:
    call = [sys.executable, str(DOCS / "names.py"), "--check"]
    found = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr, found.returncode) == ("", "", 0)
    text = (DOCS / "names.md").read_text()
    assert all(f"| `{name}` |" in text for name in talib.get_functions())
