"""Read expressions over many symbols at once with torch, on a processor or a card.

The meaning is that of the compiled reading, the last bits are not: sums run in another order.
Gradients flow from every value to every column. Nodes of one level that carry an exponential mean
are scanned together, whatever their lengths, so that twenty RSI cost little more than one.

A mean of a market that stands still converges to its price, and a quotient of what is left (such
as WaveTrend's) is then one of rounding errors: there the readings agree in nothing but that.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from folkmoot.causal.assemble import CLOCK
from folkmoot.causal.expr import Expr, Value, walk
from folkmoot.causal.program import compile
from folkmoot.causal.tensor_bars import Panel, coarser
from folkmoot.causal.tensor_pointwise import RULES
from folkmoot.causal.tensor_scans import Weights, barssince, hold, running, smooth, true_range
from folkmoot.causal.tensor_windows import correlation, extreme, lag, moments, place, slope
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Values = dict[Expr, "Tensor"]

MOMENTS = ("mean", "total", "std", "deviation")
SMOOTHED: dict[str, Callable[[float], Weights]] = {
    "ema": lambda n: Weights(2.0 / (n + 1.0), 1.0 - 2.0 / (n + 1.0), int(n)),
    "wilder": lambda n: Weights(1.0 / n, 1.0 - 1.0 / n, int(n)),
    "decay": lambda lam: Weights(1.0 - lam, lam, 1),
}
LINED: dict[str, Callable[..., "Tensor"]] = {
    "lag": lambda params, x: lag(x, int(params[0])),
    "highest": lambda params, x: extreme(x, int(params[0]), largest=True),
    "lowest": lambda params, x: extreme(x, int(params[0]), largest=False),
    "rank": lambda params, x: place(x, int(params[0])),
    "slope": lambda params, x: slope(x, int(params[0])),
    "correlation": lambda params, x, y: correlation(x, y, int(params[0])),
    "running": lambda params, x: running(x),
    "hold": lambda params, event, x: hold(event, x),
    "barssince": lambda params, event: barssince(event),
    "true_range": lambda params, *prices: true_range(str(params[0]), *prices),
}
LEAVES = ("input", "const", "clock", "gap", "at")
READ = frozenset({*LEAVES, *RULES, *MOMENTS, *SMOOTHED, *LINED})
"""The operators that have a torch reading."""


def read(
    exprs: Mapping[str, Value],
    columns: Mapping[str, "Tensor"],
    timeframe: Timeframe | str | None = None,
    device: "torch.device | str | None" = None,
    dtype: "torch.dtype | None" = None,
) -> dict[str, "Tensor"]:
    """Return every expression over every symbol, by name, in the shape of the columns.

    `columns` are tensors `[symbols, n]` or `[n]`, oldest bar first: open, high, low, close,
    volume, open_time and close_time (epoch ms, either shape), and extra columns by their names;
    only those that are read need be there. NaN is unknown, as is anything infinite. `timeframe`
    is needed for `at` and, without close_time, for the clock. The result is of `dtype` (float64
    or float32, where recursions still carry float64; default float64), on `device` (default
    that of the columns).

    Raises `UsageError` for a column that is missing or of another length, an operator without a
    torch reading (`ta` among them), or a dtype that is neither.
    """
    import torch

    dtype = dtype or torch.float64
    if dtype not in (torch.float32, torch.float64):
        raise UsageError(f"dtype is {dtype}", where="tensors", allowed="float32, float64")
    program = compile(_readable(exprs), timeframe)
    found = _columns(columns, program.inputs, device)
    shape = torch.broadcast_shapes(*(values.shape for values in found.values()))
    panel = _panel(found, shape, program.timeframe, dtype)
    if not panel.like.numel():
        return {name: panel.like.new_zeros(shape) for name in program.names}
    values = _evaluate(panel, list(program.exprs.values()))
    made = {name: values[expr].to(dtype) for name, expr in program.exprs.items()}
    whole = panel.like.shape
    return {name: x.expand(whole).reshape(shape).contiguous() for name, x in made.items()}


def _readable(exprs: Mapping[str, Value]) -> Mapping[str, Value]:
    roots = (value for value in exprs.values() if isinstance(value, Expr))
    unread = sorted({node.op for node in walk(*roots)} - READ)
    if unread:
        raise UsageError(
            f"no torch reading of {', '.join(unread)}", where="tensors", allowed=sorted(READ)
        )
    return exprs


def _columns(
    columns: Mapping[str, "Tensor"], wanted: Iterable[str], device: "torch.device | str | None"
) -> dict[str, "Tensor"]:
    """Return the columns that are read and the times, on one device."""
    import torch

    missing = sorted(set(wanted) - set(columns))
    if missing or not columns:
        lacking = ", ".join(missing) or "at all"
        raise UsageError(f"no column {lacking}", where="tensors", allowed=list(columns))
    kept = {name: x for name, x in columns.items() if name in {*wanted, *CLOCK}} or dict(columns)
    for name, x in kept.items():
        if not isinstance(x, torch.Tensor) or x.dim() not in (1, 2):
            raise UsageError(f"column {name}", where="tensors", allowed="a tensor [symbols, n]")
    lengths = {name: x.shape[-1] for name, x in kept.items()}
    rows = {name: x.shape[0] for name, x in kept.items() if x.dim() == 2}
    if len(set(lengths.values())) > 1 or len(set(rows.values()) - {1}) > 1:
        shapes = {name: tuple(x.shape) for name, x in kept.items()}
        raise UsageError(f"columns differ in shape: {shapes}", where="tensors", allowed="one shape")
    places = {str(x.device) for x in kept.values()}
    if device is None and len(places) > 1:
        raise UsageError(f"columns lie on {sorted(places)}", where="tensors", allowed="one device")
    return {name: x if device is None else x.to(device) for name, x in kept.items()}


def _panel(
    found: Mapping[str, "Tensor"],
    shape: "torch.Size",
    timeframe: Timeframe | None,
    dtype: "torch.dtype",
) -> Panel:
    def line(x: "Tensor") -> "Tensor":
        return x[None] if x.dim() == 1 else x

    opens, closes = (line(found[name]) if name in found else None for name in CLOCK)
    for name, time in zip(CLOCK, (opens, closes), strict=True):
        if time is not None and bool(time.isnan().any()):
            raise UsageError(f"{name} has unknown values", where="tensors", allowed="epoch ms")
    opens = None if opens is None else opens.long()
    closes = None if closes is None else closes.long()
    if closes is None and opens is not None and timeframe is not None:
        closes = opens + timeframe.ms
    prices = {name: line(x).to(dtype) for name, x in found.items() if name not in CLOCK}
    known = {name: x.where(x.isfinite(), float("nan")) for name, x in prices.items()}
    first = next(iter(found.values()))
    like = first.new_empty((1,), dtype=dtype).expand(shape if len(shape) == 2 else (1, *shape))
    return Panel(known, opens, closes, like)


def _evaluate(panel: Panel, roots: list[Expr]) -> Values:
    """Return the values of the roots, each `[rows or 1, n]` or, for a constant, of no dimension."""
    nodes = walk(*roots, leaves={node for node in walk(*roots) if node.op == "at"})
    values = _held(panel, [node for node in nodes if node.op == "at"])
    readers = Counter(argument for node in nodes for argument in node.args if node.op != "at")
    readers.update(roots)
    for level in _levels(nodes):
        values.update(_leaves(panel, [node for node in level if node.op in LEAVES]))
        values.update(_smoothed(panel, [n for n in level if n.op in SMOOTHED], values))
        values.update(_moments(panel, [n for n in level if n.op in MOMENTS], values))
        for node in level:
            read_values = [values.get(argument) for argument in node.args]
            if node.op in RULES:
                values[node] = RULES[node.op](*read_values)
            elif node.op in LINED:
                lines = (_line(panel, x) for x in read_values)
                values[node] = LINED[node.op](node.params, *lines)
        readers.subtract(a for node in level for a in node.args if node.op != "at")
        values = {node: x for node, x in values.items() if readers[node] > 0}
    return values


def _levels(nodes: list[Expr]) -> list[list[Expr]]:
    depth: dict[Expr, int] = {}
    levels: list[list[Expr]] = []
    for node in nodes:
        below = () if node.op == "at" else node.args
        depth[node] = max((depth[argument] + 1 for argument in below), default=0)
        if depth[node] == len(levels):
            levels.append([])
        levels[depth[node]].append(node)
    return levels


def _leaves(panel: Panel, nodes: list[Expr]) -> Values:
    values: Values = {}
    for node in nodes:
        if node.op == "const":
            values[node] = panel.like.new_tensor(node.params[0])
        elif node.op == "input":
            values[node] = panel.column(str(node.params[0]))
        elif node.op == "clock":
            values[node] = panel.clock(str(node.params[0]))
        elif node.op == "gap":
            values[node] = panel.gap()
    return values


def _line(panel: Panel, x: "Tensor") -> "Tensor":
    return x.expand(1, panel.like.shape[-1]) if x.dim() == 0 else x


def _smoothed(panel: Panel, nodes: list[Expr], values: Values) -> Values:
    if not nodes:
        return {}
    lines = {node.args[0]: _line(panel, values[node.args[0]]) for node in nodes}
    rows = max(line.shape[0] for line in lines.values())
    wide = {argument: line.expand(rows, -1) for argument, line in lines.items()}
    weights = [SMOOTHED[node.op](float(node.params[0])) for node in nodes]
    made = smooth([wide[node.args[0]] for node in nodes], weights)
    return dict(zip(nodes, made, strict=True))


def _moments(panel: Panel, nodes: list[Expr], values: Values) -> Values:
    """Return means, sums and spreads, those of one line and length from one look at it."""
    shared: dict[tuple[Expr, int], list[Expr]] = {}
    for node in nodes:
        shared.setdefault((node.args[0], int(node.params[0])), []).append(node)
    made: Values = {}
    for (argument, n), group in shared.items():
        line = _line(panel, values[argument])
        made.update(zip(group, moments(line, n, [node.op for node in group]), strict=True))
    return made


def _held(panel: Panel, nodes: list[Expr]) -> Values:
    values: Values = {}
    for label in dict.fromkeys(str(node.params[0]) for node in nodes):
        group = [node for node in nodes if node.params[0] == label]
        inner = [node.args[0] for node in group]
        names = {str(n.params[0]) for n in walk(*inner) if n.op == "input"} - {*CLOCK}
        bars, closing = coarser(panel, Timeframe.of(label), names)
        like = bars.times()[0]
        bars = Panel(bars.columns, *bars.times(), panel.like[:, :1].expand(-1, like.shape[-1]))
        found = _evaluate(bars, inner) if like.shape[-1] else {}
        for node in group:
            nothing = panel.like.new_empty((1, 0))
            value = _line(bars, found.get(node.args[0], nothing))
            values[node] = closing.spread(value)
    return values
