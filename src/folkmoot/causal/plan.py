"""Cut a graph into stages around its TA-Lib calls, which run between the compiled ones."""

from collections.abc import Sequence

from folkmoot.causal.assemble import CLOCK, assemble
from folkmoot.causal.expr import Expr, walk
from folkmoot.causal.layout import Flat, Layout
from folkmoot.core.bars import COLUMNS


class Stage:
    """One compiled call and the `calls` of TA-Lib that read what it wanted."""

    def __init__(self, flat: Flat, calls: tuple[Expr, ...]) -> None:
        self.flat = flat
        self.calls = calls
        self.read = flat.read()
        self._layouts: dict[int, Layout] = {}

    def layout(self, width: int) -> Layout:
        """Return the layout with registers of `width` rows, made once."""
        if width not in self._layouts:
            self._layouts[width] = Layout(self.flat, width)
        return self._layouts[width]


def plan(roots: Sequence[Expr]) -> list[Stage]:
    """Return the stages, of which the last wants exactly `roots`; without `ta` there is one."""
    nodes = walk(*roots)
    names = {str(node.params[0]) for node in nodes if node.op == "input"}
    columns = (*CLOCK, *COLUMNS, *sorted(names - {*CLOCK, *COLUMNS}))
    levels = _levels(nodes)
    last = max((levels[node] for node in nodes), default=0)
    stages: list[Stage] = []
    known: dict[Expr, None] = {}
    for level in range(last + 1):
        calls = tuple(node for node in nodes if node.op == "ta" and levels[node] == level + 1)
        wanted = tuple(roots) if level == last else _handed_on(nodes, levels, level)
        feeds = tuple(node for node in walk(*wanted, leaves=known) if node in known)
        stages.append(Stage(assemble(columns, feeds, wanted), calls))
        known.update(dict.fromkeys((*wanted, *calls)))
    return stages


def _levels(nodes: Sequence[Expr]) -> dict[Expr, int]:
    """Return, for each node, how many TA-Lib calls lie one after another below it."""
    levels: dict[Expr, int] = {}
    for node in nodes:
        below = max((levels[argument] for argument in node.args), default=0)
        levels[node] = below + (node.op == "ta")
    return levels


def _handed_on(nodes: Sequence[Expr], levels: dict[Expr, int], level: int) -> tuple[Expr, ...]:
    """Return the nodes computed at `level` that a later stage or call reads."""
    handed: dict[Expr, None] = {}
    for node in nodes:
        for argument in node.args:
            computed = argument.op not in ("ta", "input", "const", "clock")
            later = levels[node] > level
            if later and levels[argument] == level and (computed or node.op == "ta"):
                handed[argument] = None
    return tuple(handed)
