"""Run a command in this process."""

import json
from typing import Any

import pytest

from folkmoot.app import cli


def answer(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = cli.run([*words, "--json"])
    return code, json.loads(capfd.readouterr().out)
