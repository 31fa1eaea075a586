"""Several markets side by side: what `causal.of` reads of another one, in history and live."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import numpy as np

from folkmoot.core.bars import COLUMNS, Bar, Bars
from folkmoot.core.errors import UsageError

PATIENCE = 30.0
"""Seconds that a closed bar waits for the other markets' bars of the same close."""


def join(bars: Bars, *others: Bars) -> Bars:
    """Return `bars` with every column of the others as extra columns, `SYMBOL.close` and so on.

    Rows meet where bars close at the same instant; where another market has no such bar its
    columns are NaN. Nothing is carried forward. Raises `UsageError` for another timeframe or for
    a symbol that is there twice.

    >>> from folkmoot.market import world
    >>> a, b = world("planted", 50).bars, world("random_walk", 50).bars
    >>> sorted(join(a, b).extra)[:2]
    ['WORLD/WALK.close', 'WORLD/WALK.high']
    """
    extra = dict(bars.extra)
    for other in others:
        _check(bars, other, extra)
        at = np.searchsorted(other.close_time, bars.close_time)
        at = np.minimum(at, max(len(other) - 1, 0))
        met = other.close_time[at] == bars.close_time if len(other) else np.zeros(len(bars), bool)
        for name in (*COLUMNS, *other.extra):
            values = np.full(len(bars), np.nan)
            values[met] = other.column(name)[at[met]]
            extra[f"{other.symbol}.{name}"] = values
    return replace(bars, extra=extra)


def _check(bars: Bars, other: Bars, extra: Mapping[str, object]) -> None:
    if other.timeframe != bars.timeframe:
        raise UsageError(
            f"bars of {other.timeframe} to join to bars of {bars.timeframe}",
            where=other.symbol,
            allowed=str(bars.timeframe),
        )
    if other.symbol == bars.symbol or f"{other.symbol}.close" in extra:
        raise twice(other.symbol)


def twice(symbol: str) -> UsageError:
    """Return the error for a market that is to be joined a second time, or to itself."""
    return UsageError("the symbol is there twice", where=symbol, allowed="once each")


async def join_live(
    main: AsyncIterator[Bar],
    others: Mapping[str, AsyncIterator[Bar]],
    columns: Mapping[str, tuple[str, ...]],
    patience: float = PATIENCE,
) -> AsyncIterator[Bar]:
    """Yield each bar of `main` with the others' columns, as `join` would have made it.

    `columns` lists each other market's columns; what its bars bring beyond those is joined from
    then on. A bar waits at most `patience` seconds for those that close with it; what has not come
    by then is NaN.
    """
    named = {symbol: dict.fromkeys(columns[symbol]) for symbol in others}
    heads = {symbol: _Head(bars) for symbol, bars in others.items()}
    try:
        async for bar in main:
            seen = await asyncio.gather(
                *(head.closing(bar.close_time, patience) for head in heads.values())
            )
            extra = dict(bar.extra)
            for symbol, other in zip(heads, seen, strict=True):
                named[symbol] |= dict.fromkeys(() if other is None else other.extra)
                for name in named[symbol]:
                    extra[f"{symbol}.{name}"] = _value(other, name)
            yield replace(bar, extra=extra)
    finally:
        for head in heads.values():
            head.stop()


def _value(bar: Bar | None, name: str) -> float:
    if bar is None:
        return float("nan")
    found = getattr(bar, name) if name in COLUMNS else bar.extra.get(name, float("nan"))
    return float(found)


class _Head:
    """The next bar of one market, asked for once and kept until a bar of ours closes with it."""

    def __init__(self, bars: AsyncIterator[Bar]) -> None:
        self._bars = bars
        self._next: asyncio.Task[Bar] | None = None
        self._ended = False

    async def closing(self, instant: int, patience: float) -> Bar | None:
        """Return the bar that closes at `instant`, or None if there is none in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while not self._ended:
            task = self._next or asyncio.ensure_future(anext(self._bars))
            self._next = task
            await asyncio.wait({task}, timeout=max(deadline - loop.time(), 0.0))
            if not task.done():
                return None
            if task.exception() is not None:
                self._end(task)
                return None
            bar = task.result()
            if bar.close_time > instant:
                return None
            self._next = None
            if bar.close_time == instant:
                return bar
        return None

    def _end(self, task: "asyncio.Task[Bar]") -> None:
        self._ended = True
        problem = task.exception()
        if problem is not None and not isinstance(problem, StopAsyncIteration):
            raise problem

    def stop(self) -> None:
        """Ask for no further bar."""
        if self._next is not None:
            self._next.cancel()
