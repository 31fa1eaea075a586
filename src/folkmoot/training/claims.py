"""What a model file claims, held against what it holds before any of it is believed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from operator import index
from typing import Any

from folkmoot.core.errors import DataError
from folkmoot.models.neural import serving
from folkmoot.models.neural.network import Network
from folkmoot.models.neural.weights import has_torch
from folkmoot.training.container import Arrays

BROKEN = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, OSError),
    *(RuntimeError, TypeError, ValueError),
)
"""What comes of building a member from options and arrays that do not fit together."""
LARGEST = 1_000_000
LONGEST = 100_000
MOST_HEADS = 1_024
"""The largest whole number among a network's options, its lookback, and what counts heads."""
NET = "net"


def check_card(card: Any) -> dict[str, Any]:
    """Return the card if it is one, or raise `DataError`; what it may leave out it may."""
    told = _table(card, "card")
    validation = _table(told.get("validation", {}), "card's validation")
    if not isinstance(validation.get("passed", False), bool):
        raise _wrong("the card's validation was neither passed nor failed", "passed: true or false")
    return told


def check_asked(card: Mapping[str, Any]) -> None:
    """Raise `DataError` unless the card tells what it takes to ask its model about bars.

    It does not name a feature set by its file: what it names would be opened.
    """
    features = card.get("features")
    names = features if isinstance(features, dict) else {}
    texts = (names.get("name"), names.get("hash"), card.get("timeframe"), card.get("symbol", ""))
    if not all(isinstance(text, str) for text in texts):
        raise _wrong(
            "the card does not tell its features", "features with name and hash, timeframe"
        )
    name = str(names["name"])
    if name.endswith(".toml") and "\n" not in name:
        raise _wrong("the card names a file of features", "a set's name or its whole text")
    for row in _table(card["validation"].get("horizons", {}), "card's horizons").values():
        _table(row, "card's horizon")
    for line in _table(card.get("calibration", {}), "card's calibration").values():
        if not _is_line(line):
            raise _wrong("a line of the card's calibration is none", "two finite numbers")


def check_member(member: Any) -> None:
    """Raise `TypeError` unless a restored member says what it reads and how far it looks back."""
    index(member.lookback)
    for name in (*getattr(member, "columns", ()), *member.needs):
        if not isinstance(name, str):
            raise TypeError(f"{name!r} is no column")


def check_sizes(options: Mapping[str, Any]) -> None:
    """Raise `DataError` for a whole number among the options that no network of ours has.

    Some are met by lists and by primes before torch is asked for anything.
    """
    for name, value in options.items():
        most = LONGEST if name == "lookback" else MOST_HEADS if "heads" in name else LARGEST
        for number in value if isinstance(value, list | tuple) else (value,):
            if isinstance(number, int) and abs(number) > most:
                raise _wrong(f"{name} is {number:,}", f"at most {most:,}")


@contextmanager
def bounded(kind: Any, arrays: Arrays, state: Mapping[str, Any]) -> Iterator[None]:
    """Let a member of this kind be restored within what its arrays can fill.

    Of a network its sizes are checked, and where torch is to build it, that is fenced in; torch is
    not imported for one whose ONNX form answers. Raises `DataError` where it claims more.
    """
    if not (isinstance(kind, type) and issubclass(kind, Network)):
        yield
        return
    options = state["options"]
    check_sizes({name: value for name, value in options.items() if name != "training"})
    seeds = options.get("training", {}).get("seeds", 1)
    if seeds > len(arrays):
        raise _wrong(f"{seeds:,} networks in {len(arrays)} arrays", "an array or more for each")
    if _answers_by_graph(arrays, state) or not has_torch():
        yield
        return
    with fence({name: array for name, array in arrays.items() if name.startswith(NET)}):
        yield


def fence(arrays: Arrays) -> Any:
    """Return a context in which torch builds no more than `arrays` fill; it imports torch."""
    from folkmoot.models.networks.fence import Fence

    return Fence(len(arrays), sum(array.size for array in arrays.values()))


def _answers_by_graph(arrays: Arrays, state: Mapping[str, Any]) -> bool:
    by_graph = state["served"].get("by") == "onnx"
    return by_graph and "onnx0" in arrays and serving.available()


def _is_line(line: Any) -> bool:
    if not isinstance(line, list) or len(line) != 2:
        return False
    return all(
        isinstance(number, int | float) and not isinstance(number, bool) and isfinite(number)
        for number in line
    )


def _table(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(f"the {what} is {value!r}"[:80], "a table of names and values")
    return value


def _wrong(what: str, allowed: str) -> DataError:
    return DataError(what, where="model file", allowed=allowed)
