"""Folkmoot: forecasts whose probabilities can be checked, and a desk that runs what was proved.

The names of the main job are loaded when first used, so that `import folkmoot` stays light.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from folkmoot.committee import Committee as Committee
    from folkmoot.core import Bar as Bar
    from folkmoot.core import Bars as Bars
    from folkmoot.core import Belief as Belief
    from folkmoot.core import Decision as Decision
    from folkmoot.execution import Costs as Costs
    from folkmoot.execution import Limits as Limits
    from folkmoot.market import history as history
    from folkmoot.market import join as join
    from folkmoot.proof import Study as Study
    from folkmoot.proof import importance as importance
    from folkmoot.proof import prove as prove

_HOMES = {
    "Bar": "core",
    "Bars": "core",
    "Belief": "core",
    "Committee": "committee",
    "Costs": "execution",
    "Decision": "core",
    "Limits": "execution",
    "Study": "proof",
    "history": "market",
    "importance": "proof",
    "join": "market",
    "prove": "proof",
}

__all__ = [
    "Bar",
    "Bars",
    "Belief",
    "Committee",
    "Costs",
    "Decision",
    "Limits",
    "Study",
    "history",
    "importance",
    "join",
    "prove",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'folkmoot' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"folkmoot.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
