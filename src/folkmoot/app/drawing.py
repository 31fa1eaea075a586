"""From a name to a chart: which lines it stands for, over which bars."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from folkmoot.app.chart import Look, chart_page, unknown
from folkmoot.app.load import plain_name
from folkmoot.app.marks import is_event
from folkmoot.causal import Expr, compile
from folkmoot.core import plugins
from folkmoot.core.bars import PRICES, Bars, Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.settings import settings
from folkmoot.core.stamps import instant
from folkmoot.features import feature_set
from folkmoot.features.catalogue import not_found
from folkmoot.features.formula import value
from folkmoot.indicators import function
from folkmoot.indicators.regime import REGIMES, regime

INDICATORS = "folkmoot.indicators"
GROWTH = 1024.0
"""By how much prices are multiplied to see which lines are prices; a power of 2 keeps the bits."""
RESIDUE = 1e-9


def draw(
    bars: Bars,
    name: str,
    features: str,
    only: str | None,
    count: int,
    until: str | None,
    out: Path | None,
) -> dict[str, Any]:
    """Write the chart of `name` over the last `count` bars and say where it is.

    Values are computed over all the history and only then cut. Raises `DataError` where no bar
    closes by `until`, `UsageError` for a name or an output that does not exist.
    """
    limit = instant(until)
    if limit is not None:
        bars = bars.until(int(np.searchsorted(bars.close_time, limit, "right")))
    if not len(bars):
        raise DataError("no bar closes by then", where=f"--until {until}", allowed="a later time")
    chosen = _chosen(lines_of(name, features, bars), _drawn(name), only)
    first = max(len(bars) - count, 0)
    shown = bars.rows(first, len(bars))
    cut, look = _seen(chosen, bars, first, name)
    path = out or settings().data_root / "charts" / f"{plain_name(bars)}_{_plain(name)}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chart_page(shown, cut, name, look), encoding="utf-8")
    events = {line: int((v == 1.0).sum()) for line, v in cut.items() if line in look.events}
    return {
        "page": str(path),
        "bars": len(shown),
        "lines": list(cut),
        "events": events,
        "unknown": unknown(cut),
    }


def _seen(
    chosen: Mapping[str, Expr], bars: Bars, first: int, name: str
) -> tuple[dict[str, Floats], Look]:
    """Return the values from row `first` on and how to draw them.

    A price is what is multiplied as prices are. What is next to nothing beside the price, or
    beside 1 where the size of the price does not matter, is the residue of a sum and drawn as 0.
    """
    program = compile(chosen, bars.timeframe)
    found, grown = program.batch(bars), program.batch(_times(bars, GROWTH))
    prices, cut = set(), {}
    for line, values in found.items():
        cut[line] = values[first:].copy()
        floor = 0.0
        if _alike(grown[line], values):
            floor = RESIDUE
        elif _alike(grown[line], GROWTH * values):
            prices.add(line)
            floor = RESIDUE * float(bars.close[first:].min())
        cut[line][np.abs(cut[line]) < floor] = 0.0
    states = {line: REGIMES for line, expr in chosen.items() if _is_regime(expr, name)}
    events = {line for line, values in found.items() if line not in states and is_event(values)}
    return cut, Look(frozenset(events), frozenset(prices), states)


def _times(bars: Bars, factor: float) -> Bars:
    """Return the bars with every price that many times as high."""
    columns: dict[str, Any] = {price: factor * bars.column(price) for price in PRICES}
    return replace(bars, **columns)


def _alike(left: Floats, right: Floats) -> bool:
    """Whether two lines are known on the same bars and equal there, on 99 of 100."""
    known = ~np.isnan(right)
    if not known.any():
        return False
    atol = 1e-12 * float(np.abs(right[known]).max())
    return bool(np.isclose(left[known], right[known], rtol=1e-6, atol=atol).mean() > 0.99)


def _is_regime(expr: Expr, name: str) -> bool:
    return name.partition("(")[0] == "regime" and expr.op == regime().op


def lines_of(name: str, features: str, bars: Bars) -> dict[str, Expr]:
    """Return the lines that a name stands for: an indicator's, a column's, or a formula's."""
    if name in plugins.names(INDICATORS):
        made = function(name)()
        return {name: made} if isinstance(made, Expr) else dict(made)
    columns = feature_set(features, bars.timeframe)
    if name in columns.names:
        return {name: columns.column(name).expr}
    if name.isidentifier():
        raise not_found(name, features, columns)
    made = value(name)
    return dict(made) if isinstance(made, dict) else {name: made}


def _drawn(name: str) -> tuple[str, ...]:
    """Return the outputs that an indicator's file wants drawn (`DRAWN`), or none for all."""
    if name not in plugins.names(INDICATORS):
        return ()
    module = import_module(function(name).__module__)
    return tuple(getattr(module, "DRAWN", ()))


def _chosen(lines: dict[str, Expr], drawn: tuple[str, ...], only: str | None) -> dict[str, Expr]:
    if only is None:
        ages = {line for line in lines if line.endswith("_age")}
        return {line: lines[line] for line in drawn or lines if line not in ages}
    wanted = [line.strip() for line in only.split(",") if line.strip()]
    unknown = [line for line in wanted if line not in lines]
    if unknown or not wanted:
        raise UsageError(f"no outputs {unknown}", where="--only", allowed=list(lines))
    return {line: lines[line] for line in wanted}


def _plain(name: str) -> str:
    return (
        "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")[:48] or "chart"
    )
