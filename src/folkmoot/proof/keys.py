"""The name of a study: the hash of all that its result depends on."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import folkmoot.core
from folkmoot.core.bars import Bars
from folkmoot.core.hashing import content_hash
from folkmoot.features.own import is_own
from folkmoot.training.keys import libraries, outsider_version

ASIDE = ("app", "agents", "proof/report")
"""Packages that word and show a result and have no part in it."""
ROOTS = 1_000
"""The first rows of a series, which tell it from another one of the same market."""


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the hash of the source files that a study passes through."""
    root = Path(folkmoot.core.__file__).parents[1]
    names = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    inside = [name for name in sorted(names) if not name.startswith(ASIDE)]
    return content_hash(*[[name, names[name].read_text("utf-8")] for name in inside])


def study_key(bars: Bars, config: dict[str, Any]) -> str:
    """Return the key of the study of `bars` under `config`, a `Plan.config`."""
    who = outsiders(config["committee"]["models"], config["strategy"], config["features"])
    return content_hash(bars.hash(), config, code_version(), who, libraries())


def outsiders(models: Iterable[str], strategy: str, features: str) -> list[str]:
    """Return the hashes of the plug-ins that are not folkmoot's own, nothing for those that are.

    A person's own feature set is no plug-in: its text is the name itself.
    """
    named = [("folkmoot.models", model) for model in models]
    named += [("folkmoot.strategies", strategy)]
    named += [] if is_own(features) else [("folkmoot.features.sets", features)]
    return [outsider_version(*plugin) for plugin in named]


def lineage(bars: Bars) -> str:
    """Return the name of a data lineage: a market, its timeframe and how its history begins.

    Appended bars keep the name (a study has at least as many bars as are looked at); another
    vendor's, or another world's, first rows make another one.
    """
    start = bars.rows(0, min(ROOTS, len(bars)))
    return content_hash(bars.symbol, bars.timeframe.label, int(bars.open_time[0]), start.hash())
