"""Compile expressions once; read them over history or bar by bar with the same steps."""

import mmap
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from folkmoot.causal.assemble import CLOCK
from folkmoot.causal.expr import Expr, Value, as_expr, lengths, walk
from folkmoot.causal.layout import WIDE, lined
from folkmoot.causal.plan import Stage, plan
from folkmoot.core.bars import COLUMNS, Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe

if TYPE_CHECKING:
    from folkmoot.causal.panel import PanelStream
    from folkmoot.causal.stream import Stream

RECYCLED, HUGE = 32 << 20, 2 << 20
"""Bytes: the largest block that an allocator gives out again; a huge page."""


def compile(exprs: Mapping[str, Value], timeframe: Timeframe | str | None = None) -> "Program":
    """Return a program that yields every expression under its name.

    `timeframe` is that of the bars it will be shown; `at` needs it. Raises `UsageError` for an
    `at` that is not coarser, or without a timeframe.

    >>> from folkmoot.causal import close, ema
    >>> compile({"fast": ema(close, 5), "slow": ema(close, 20)}).warmup
    {'fast': 4, 'slow': 19}
    """
    return Program(exprs, None if timeframe is None else Timeframe.of(timeframe))


class Program:
    """Named expressions, sorted once into the flat form that the machine walks.

    `names` in order; `inputs`, the bar columns it reads; `warmup` and `stable` by name, in bars
    of `timeframe`. A program is never changed by running it.
    """

    def __init__(self, exprs: Mapping[str, Value], timeframe: Timeframe | None) -> None:
        self.timeframe = timeframe
        self.exprs = {name: as_expr(value) for name, value in exprs.items()}
        self.names = tuple(self.exprs)
        roots = tuple(self.exprs.values())
        _check_timeframes(roots, timeframe)
        self.inputs: frozenset[str] = frozenset().union(*(root.inputs for root in roots))
        spans = {name: lengths(expr, timeframe) for name, expr in self.exprs.items()}
        self.warmup = {name: span[0] for name, span in spans.items()}
        self.stable = {name: span[1] for name, span in spans.items()}
        self._stages = plan(roots)
        self._columns = self._stages[0].flat.columns

    def batch(self, bars: Bars) -> dict[str, Floats]:
        """Return each expression over all bars, a fresh `float64[n]` by name.

        They lie in one block of memory, which lives as long as any of them.
        """
        return self._filled(bars, block(len(self.names), len(bars)))

    def _filled(self, bars: Bars, fresh: Floats) -> dict[str, Floats]:
        run_stages(self._stages, self.columns(bars), rows=fresh)
        return dict(zip(self.names, fresh, strict=True))

    def matrix(self, bars: Bars) -> Floats:
        """Return all expressions over all bars, `float64[n, names]` in C order."""
        values = np.empty((len(bars), len(self.names)))
        run_stages(self._stages, self.columns(bars), values)
        return values

    def panel(self, panel: Sequence[Bars], threads: int = 1) -> list[dict[str, Floats]]:
        """Return what `batch` returns for each symbol; the symbols are shared out to `threads`."""
        if threads < 1:
            raise UsageError(f"threads is {threads}", where="panel", allowed="1 or more")
        # One block again: memory that is asked for in many small pieces comes page by page.
        fresh = block(len(self.names) * len(panel), max(map(len, panel), default=0))
        parts = fresh.reshape(len(panel), len(self.names), -1) if len(panel) else ()
        pairs = [(bars, part[:, : len(bars)]) for bars, part in zip(panel, parts, strict=True)]
        if threads == 1 or len(panel) < 2:
            return [self._filled(*pair) for pair in pairs]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self._filled, *zip(*pairs, strict=True)))

    def over(self, columns: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return each expression over bare columns, `float64[n]` by name.

        A column that is read and not given is unknown, as is what is not finite.
        """
        count = len(next(iter(columns.values())))
        unknown = np.full(count, np.nan)
        given = {name: finite(np.array(column, np.float64)) for name, column in columns.items()}
        fresh = block(len(self.names), count)
        run_stages(self._stages, [given.get(name, unknown) for name in self._columns], rows=fresh)
        return dict(zip(self.names, fresh, strict=True))

    def stream(self) -> "Stream":
        """Return a reading that takes one closed bar at a time, beginning before the first."""
        from folkmoot.causal.stream import Stream

        return Stream(self)

    def panel_stream(self, symbols: int, timeframe: Timeframe | str | None = None) -> "PanelStream":
        """Return a reading that takes one closed bar of each of `symbols` symbols at a time.

        `timeframe` is theirs where the program has none and reads the clock.
        """
        from folkmoot.causal.panel import PanelStream

        return PanelStream(self, symbols, timeframe)

    def warm(self, bars: Bars) -> tuple[Floats, "Stream"]:
        """Return the matrix over `bars` and a stream that continues after the last of them."""
        from folkmoot.causal.stream import Stream

        values = np.empty((len(bars), len(self.names)))
        sweep = run_stages(self._stages, self.columns(bars), values)
        return values, Stream(self, bars, sweep)

    @property
    def stages(self) -> list[Stage]:
        """The compiled calls, in order; more than one only where there are `ta` nodes."""
        return self._stages

    def columns(self, bars: Bars) -> list[Floats]:
        """Return the columns of the bars by input, each `float64[n]`; any for one not read.

        What is not finite in a further column is unknown.
        """
        if self.timeframe is not None and bars.timeframe != self.timeframe:
            raise UsageError(
                f"bars of {bars.timeframe} for a program of {self.timeframe}",
                where=bars.symbol,
                allowed=str(self.timeframe),
            )
        missing = self.inputs - {*COLUMNS, *bars.extra}
        if missing:
            raise UsageError(
                f"the bars have no column {', '.join(sorted(missing))}",
                where=bars.symbol,
                allowed=[*COLUMNS, *bars.extra],
            )
        read = {place for stage in self._stages for place in stage.read}
        return [
            _column(bars, name) if place in read else bars.close
            for place, name in enumerate(self._columns)
        ]


def block(count: int, length: int) -> Floats:
    """Return memory for `count` rows of `length`, which hold anything, each a line of cache apart.

    Rows whose addresses differ by pages would push each other out of the cache.
    """
    stride = -(-length // 8) * 8 + 24
    return _fresh(count * stride).reshape(count, stride)[:, :length]


def _fresh(size: int) -> Floats:
    """Return memory for `size` numbers: what the allocator would map anew, in huge pages.

    It asks for them itself from the second page on, and the first 2 MiB then come in small ones.
    """
    if 8 * size <= RECYCLED or not hasattr(mmap, "MADV_HUGEPAGE"):
        return lined(size)
    memory = mmap.mmap(-1, -(-8 * size // HUGE) * HUGE, flags=mmap.MAP_PRIVATE)
    with suppress(OSError):  # a kernel without huge pages
        memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.float64, size)


def _column(bars: Bars, name: str) -> Floats:
    if name in CLOCK:
        return np.asarray(getattr(bars, name), dtype=np.float64)
    column = bars.column(name)
    return column if name in COLUMNS else finite(column)


def finite(column: Floats) -> Floats:
    """Return the column with NaN for what is infinite."""
    infinite = np.isinf(column)
    return np.where(infinite, np.nan, column) if infinite.any() else column


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a reading over history leaves: the state of each stage and the nodes handed on.

    `memories` are the machine's, `known` the nodes that passed between stages, over all bars.
    """

    memories: list[Floats]
    known: dict[Expr, Floats]


def run_stages(
    stages: list[Stage],
    columns: list[Floats],
    matrix: Floats | None = None,
    width: int = WIDE,
    *,
    rows: Floats | None = None,
) -> Sweep:
    """Run every stage over all rows of the columns.

    The last one's results go to a `matrix` in C order, or to `rows`, one a result.
    """
    from folkmoot.causal.kernels.machine import machine
    from folkmoot.causal.ta import answers

    known: dict[Expr, Floats] = {}
    memories = []
    for stage in stages:
        layout, wanted, last = stage.layout(width), stage.flat.wanted, stage is stages[-1]
        mem = layout.memory()
        inputs = [*columns, *(known[node] for node in stage.flat.feeds)]
        into = rows if last else block(len(wanted), len(columns[0]))
        machine(layout.tape(mem, len(columns[0]), inputs, into, matrix if last else None))
        memories.append(mem)
        if not last and into is not None:
            known |= {node: finite(line) for node, line in zip(wanted, into, strict=True)}
            known |= answers(stage.calls, known)
    return Sweep(memories, known)


def _check_timeframes(roots: tuple[Expr, ...], timeframe: Timeframe | None) -> None:
    for node in walk(*roots):
        if node.op != "at":
            continue
        coarse = Timeframe.of(str(node.params[0]))
        if timeframe is None:
            raise UsageError("at() needs the decision timeframe", where=str(node))
        if coarse.ms <= timeframe.ms or coarse.ms % timeframe.ms:
            raise UsageError(
                f"{coarse} is not coarser than the decision timeframe {timeframe}",
                where=str(node),
            )
        if any(below.op == "ta" for below in walk(*node.args)):
            raise UsageError("ta() inside at()", where=str(node), allowed="our own operators")
