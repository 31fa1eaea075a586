"""Compile expressions once; read them over history or bar by bar with the same steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from folkmoot.causal.assemble import BLOCK
from folkmoot.causal.expr import Expr, Value, as_expr, lengths, walk
from folkmoot.causal.plan import Stage, plan
from folkmoot.core.bars import COLUMNS, Bars, Floats
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe

if TYPE_CHECKING:
    from folkmoot.causal.stream import Stream


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
        """Return each expression over all bars, `float64[n]` by name."""
        matrix = self.matrix(bars)
        return {name: np.ascontiguousarray(matrix[:, j]) for j, name in enumerate(self.names)}

    def matrix(self, bars: Bars) -> Floats:
        """Return all expressions over all bars, `float64[n, names]` in C order."""
        return run_stages(self._stages, self.columns(bars)).values

    def stream(self) -> "Stream":
        """Return a reading that takes one closed bar at a time, beginning before the first."""
        from folkmoot.causal.stream import Stream

        return Stream(self)

    def warm(self, bars: Bars) -> tuple[Floats, "Stream"]:
        """Return the matrix over `bars` and a stream that continues after the last of them."""
        from folkmoot.causal.stream import Stream

        sweep = run_stages(self._stages, self.columns(bars))
        return sweep.values, Stream(self, bars, sweep)

    @property
    def stages(self) -> list[Stage]:
        """The compiled calls, in order; more than one only where there are `ta` nodes."""
        return self._stages

    def columns(self, bars: Bars) -> Floats:
        """Return what the machine reads of the bars as one block, `float64[columns, n]`."""
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
        block = np.empty((len(self._columns), len(bars)))
        block[0], block[1] = bars.open_time, bars.close_time
        for place, name in enumerate(self._columns[2:], start=2):
            block[place] = bars.column(name)
        return block


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a reading over history leaves: the last stage's values, and the state of each stage.

    `memories` are the machine's, `known` the nodes that passed between stages, over all bars.
    """

    values: Floats
    memories: list[Floats]
    known: dict[Expr, Floats]


def run_stages(stages: list[Stage], block: Floats) -> Sweep:
    """Run every stage over all rows of `block`, `float64[columns, n]`."""
    from folkmoot.causal.kernels.machine import machine
    from folkmoot.causal.ta import answers

    known: dict[Expr, Floats] = {}
    memories = []
    for stage in stages:
        flat = stage.flat
        columns = np.vstack([block, *(known[node] for node in flat.feeds)]) if known else block
        values = np.empty((block.shape[1], len(flat.wanted)))
        memories.append(flat.memory(BLOCK))
        machine(flat.code(BLOCK), memories[-1], columns, values)
        if stage.calls:
            known |= {node: values[:, j].copy() for j, node in enumerate(flat.wanted)}
            known |= answers(stage.calls, known)
    return Sweep(values, memories, known)


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
