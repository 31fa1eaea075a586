"""The file that tune writes says what it was given, whatever the member and its options are."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.app.load import committee_of
from folkmoot.training.tuning_spaces import toml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
PLAIN = st.booleans() | NUMBERS | TEXTS
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(TEXTS, PLAIN, max_size=3)
OWN = "from folkmoot.models.logistic import Logistic\n\n\nclass Mine(Logistic):\n    pass\n"


@settings(deadline=None)
@given(model=TEXTS, options=st.dictionaries(TEXTS, VALUES, max_size=4))
def test_every_member_and_option_comes_back(model: str, options: dict[str, Any]) -> None:
    told = tomllib.loads(toml(model, 5, options))["committee"]
    assert told == {"models": [model], "horizon": 5, "options": {model: options}}


def test_an_option_of_none_is_left_to_its_default() -> None:
    assert tomllib.loads(toml("a", 1, {"b": None, "c": 1}))["committee"]["options"]["a"] == {"c": 1}


@pytest.mark.parametrize("name", ["mine.py", "a b/my 'own' \"one\".py", "d.e/мой.py"])
def test_a_file_of_one_s_own_can_be_proved_from_what_tune_wrote(tmp_path: Path, name: str) -> None:
    own = tmp_path / name
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(OWN)
    path = tmp_path / "best.toml"
    path.write_text(toml(f"{own}:Mine", 4, {"c": 1e-05, "bound": 3.0}), encoding="utf-8")
    found = committee_of(str(path), 1)
    assert found.models == (f"{own}:Mine",)
    assert found.options == {f"{own}:Mine": {"c": 1e-05, "bound": 3.0}}
