"""From a short text (`csv:btc.csv`, `ccxt:binance`, `world:planted:3`) to bars."""

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Any

from folkmoot.core import plugins
from folkmoot.core.bars import Bars
from folkmoot.core.errors import SourceError, UsageError
from folkmoot.core.frames import Reading
from folkmoot.core.protocols import Source
from folkmoot.core.stamps import instant
from folkmoot.core.timeframe import Timeframe

PACKAGE = "folkmoot.market.sources"
SUFFIXES = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".gz": "csv",
    ".zip": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "feather",
}


def open_source(spec: str, *, lenient: bool = False) -> Source:
    """Return the source that `spec` names: a path, or `NAME:ARGUMENT:...`.

    The arguments fill the source's positional options in order; the last takes what is left, so
    that a path may hold colons. Raises `UsageError` that lists the sources.
    """
    name, arguments = _split(spec)
    plugin = plugins.load(PACKAGE, name)
    given: dict[str, Any] = {"lenient": True} if lenient and "lenient" in _keywords(plugin) else {}
    slots = _slots(plugin)
    parts = arguments.split(":", max(len(slots) - 1, 0)) if arguments else []
    if len(parts) > len(slots):
        raise UsageError(f"{name} takes no {arguments!r}", where="source", allowed=[name])
    missing = [slot.name for slot in slots[len(parts) :] if slot.default is inspect.Parameter.empty]
    if missing:
        raise UsageError(
            f"{name} needs a {missing[0]}", where="source", allowed=f"{name}:{missing[0].upper()}"
        )
    given |= {slot.name: part for slot, part in zip(slots, parts, strict=False)}
    source: Source = plugin(**given)
    return source


def reading(
    spec: str,
    symbol: str | None = None,
    timeframe: Timeframe | str | None = None,
    start: int | str | None = None,
    end: int | str | None = None,
    *,
    lenient: bool = False,
) -> Reading:
    """Return bars with what was refused, dropped or assumed on the way; see `history`."""
    source: Any = open_source(spec, lenient=lenient)
    step = Timeframe.of(timeframe) if timeframe is not None else None
    first, last = instant(start), instant(end)
    if hasattr(source, "reading"):
        found: Reading = source.reading(symbol, step)
        return replace(found, bars=found.bars.between(first, last))
    if symbol is None:
        symbol = _only_market(source, spec)
    if step is None and _needs_timeframe(source):
        raise UsageError(f"{spec} needs a timeframe", where="timeframe")
    # A source whose timeframe has a default chooses it when none was given.
    asked = {} if step is None else {"timeframe": step}
    return Reading(source.history(symbol, start=first, end=last, **asked), [], 0, [])


def history(
    spec: str,
    symbol: str | None = None,
    timeframe: Timeframe | str | None = None,
    start: int | str | None = None,
    end: int | str | None = None,
    *,
    lenient: bool = False,
) -> Bars:
    """Return the closed bars of a source that open in [start, end).

    `spec` is a path (`x.csv`, `x.parquet`), `csv:PATH`, `parquet:PATH`, `ccxt:EXCHANGE`, `yahoo`,
    `world:NAME[:SEED[:N]]` or `store`; start and end are epoch ms or ISO times. Files know their
    timeframe, and are aggregated if a coarser one is asked for. With `lenient`, rows of a file
    that cannot be bars are left out; otherwise they raise `BadBars` that lists them.

    >>> history("world:planted:1:100").symbol
    'WORLD/B'
    """
    return reading(spec, symbol, timeframe, start, end, lenient=lenient).bars


def _split(spec: str) -> tuple[str, str]:
    """Return a source's name and its arguments."""
    name, colon, rest = spec.partition(":")
    if name in plugins.names(PACKAGE):
        return name, rest
    kind = SUFFIXES.get(Path(spec).suffix.lower())
    if kind is not None:
        return kind, spec
    if not colon and Path(spec).exists():
        raise SourceError(
            f"no reader for {spec}", where="source", allowed=[f"*{end}" for end in SUFFIXES]
        )
    raise UsageError(
        f"nothing can be read from {spec!r}",
        where="source",
        allowed=[*plugins.names(PACKAGE), "a path"],
    )


def _slots(plugin: Any) -> list[inspect.Parameter]:
    parameters = inspect.signature(plugin).parameters.values()
    return [one for one in parameters if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]


def _keywords(plugin: Any) -> set[str]:
    parameters = inspect.signature(plugin).parameters.values()
    return {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}


def _needs_timeframe(source: Source) -> bool:
    parameter = inspect.signature(source.history).parameters["timeframe"]
    return parameter.default is inspect.Parameter.empty


def _only_market(source: Any, spec: str) -> str:
    markets: list[str] = source.markets()
    if len(markets) != 1:
        raise UsageError(
            f"{spec} needs a symbol", where="symbol", allowed=markets[:20] or "a symbol it knows"
        )
    return markets[0]
