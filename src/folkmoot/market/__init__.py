"""Sources, bar store, aggregation, quality and worlds; each is loaded when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# A function that shares its module's name must be bound before that module can hide it.
from folkmoot.market.aggregate import Aggregate as Aggregate
from folkmoot.market.aggregate import aggregate as aggregate
from folkmoot.market.aggregate import cascade as cascade

if TYPE_CHECKING:
    from folkmoot.market.aggregator import Aggregator as Aggregator
    from folkmoot.market.calendar import Calendar as Calendar
    from folkmoot.market.calendar import with_session as with_session
    from folkmoot.market.joining import join as join
    from folkmoot.market.microstructure import microstructure_bars as microstructure_bars
    from folkmoot.market.quality import Quality as Quality
    from folkmoot.market.quality import check as check
    from folkmoot.market.recordings import read_recording as read_recording
    from folkmoot.market.specs import history as history
    from folkmoot.market.specs import open_source as open_source
    from folkmoot.market.specs import reading as reading
    from folkmoot.market.store import Appended as Appended
    from folkmoot.market.store import BarStore as BarStore
    from folkmoot.market.store import Series as Series
    from folkmoot.market.symbols import resolve as resolve
    from folkmoot.market.worlds import World as World
    from folkmoot.market.worlds import plant as plant
    from folkmoot.market.worlds import sign_randomised as sign_randomised
    from folkmoot.market.worlds import world as world

_HOMES = {
    "Aggregator": "aggregator",
    "Calendar": "calendar",
    "with_session": "calendar",
    "join": "joining",
    "microstructure_bars": "microstructure",
    "Quality": "quality",
    "check": "quality",
    "read_recording": "recordings",
    "history": "specs",
    "open_source": "specs",
    "reading": "specs",
    "Appended": "store",
    "BarStore": "store",
    "Series": "store",
    "resolve": "symbols",
    "World": "worlds",
    "plant": "worlds",
    "sign_randomised": "worlds",
    "world": "worlds",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
