"""Sources, bar store, aggregation, quality and worlds; each is loaded when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from folkmoot.market.worlds import World as World
    from folkmoot.market.worlds import plant as plant
    from folkmoot.market.worlds import sign_randomised as sign_randomised
    from folkmoot.market.worlds import world as world

_HOMES = {
    "World": "worlds",
    "plant": "worlds",
    "sign_randomised": "worlds",
    "world": "worlds",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
