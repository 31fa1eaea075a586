"""From a name to a chart: which lines it stands for, over which bars."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from folkmoot.app.chart import chart_page
from folkmoot.app.load import plain_name
from folkmoot.causal import Expr, compile
from folkmoot.core import plugins
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.settings import settings
from folkmoot.core.stamps import instant
from folkmoot.features import feature_set
from folkmoot.features.formula import value

INDICATORS = "folkmoot.indicators"


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
    values = compile(chosen, bars.timeframe).batch(bars)
    first = max(len(bars) - count, 0)
    shown = bars.rows(first, len(bars))
    cut: dict[str, Floats] = {line: found[first:] for line, found in values.items()}
    path = out or settings().data_root / "charts" / f"{plain_name(bars)}_{_plain(name)}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(chart_page(shown, cut, name), encoding="utf-8")
    events = {line: int((found == 1.0).sum()) for line, found in cut.items() if _event(found)}
    return {"page": str(path), "bars": len(shown), "lines": list(cut), "events": events}


def lines_of(name: str, features: str, bars: Bars) -> dict[str, Expr]:
    """Return the lines that a name stands for: an indicator's, a column's, or a formula's."""
    if name in plugins.names(INDICATORS):
        made = plugins_function(name)()
        return {name: made} if isinstance(made, Expr) else dict(made)
    columns = feature_set(features, bars.timeframe)
    if name in columns.names:
        return {name: columns.column(name).expr}
    if name.isidentifier():
        known = [*plugins.names(INDICATORS), *columns.names]
        raise UsageError(f"nothing is called {name!r}", where="plot", allowed=known)
    made = value(name)
    return dict(made) if isinstance(made, dict) else {name: made}


def plugins_function(name: str) -> Any:
    """Return an indicator's function."""
    from folkmoot import indicators

    return indicators.function(name)


def _drawn(name: str) -> tuple[str, ...]:
    """Return the outputs that an indicator's file wants drawn (`DRAWN`), or none for all."""
    if name not in plugins.names(INDICATORS):
        return ()
    module = import_module(plugins_function(name).__module__)
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


def _event(values: Floats) -> bool:
    from folkmoot.app.chart import is_event

    return is_event(values)


def _plain(name: str) -> str:
    return (
        "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")[:48] or "chart"
    )
