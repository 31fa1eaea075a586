"""What there is to compute: every set, every column, every indicator, as data and as a page."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from folkmoot import indicators
from folkmoot.causal import Expr
from folkmoot.core import plugins
from folkmoot.core.bars import Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.features.feature_set import SETS, FeatureSet, feature_set, feature_sets
from folkmoot.features.own import is_own, settled


def sets(timeframe: str | Timeframe) -> list[dict[str, Any]]:
    """Return each shipped set with its purpose, its number of columns and its lengths."""
    found = []
    for name in feature_sets():
        columns = feature_set(name, timeframe)
        finite = [column for column in columns.columns if column.as_dict()["stable"] is not None]
        found.append(
            {
                "name": name,
                "says": first_line(inspect.getmodule(plugins.load(SETS, name))),
                "columns": len(columns.names),
                "warmup": columns.warmup,
                "stable": max((column.stable for column in finite), default=0),
                "never_stable": len(columns.names) - len(finite),
            }
        )
    return found


def indicator_facts(name: str) -> dict[str, Any]:
    """Return an indicator's purpose, parameters and outputs at its defaults.

    Raises `UsageError` that lists the indicators.
    """
    function = indicators.function(name)
    made = function()
    outputs = {name: made} if isinstance(made, Expr) else made
    defaults = {
        key: str(default) if isinstance(default, Expr) else default
        for key, default in plugins.options(function).items()
    }
    return {
        "name": name,
        "says": inspect.getdoc(function) or "",
        "source": first_line(inspect.getmodule(function)),
        "parameters": defaults,
        "outputs": {key: str(expr) for key, expr in outputs.items()},
    }


def all_indicators() -> list[dict[str, Any]]:
    """Return the facts of every indicator, by name."""
    return [indicator_facts(name) for name in plugins.names(indicators.__name__)]


def first_line(thing: Any) -> str:
    """Return the first sentence of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


TIMES = ("open_time", "known_at")
"""Columns of an exported table that are no features."""


def export(
    columns: FeatureSet,
    bars: Bars,
    path: Path,
    spec: str,
    *,
    overwrite: bool = False,
    inputs: Sequence[Path] = (),
) -> dict[str, Any]:
    """Write the set over `bars` to a Parquet file, its card beside it as JSON; return the card.

    The file has `open_time` and `known_at` (epoch ms) and a float64 column a feature; the card
    (the same path, ending `.json`) has the definition, the data's hash, the span and the row from
    which every column is stable. Raises `UsageError` for another ending, a feature called as one
    of the times, a file that is there unless `overwrite`, and always for one of `inputs`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    card_path = path.with_suffix(".json")
    _writable(columns, (path, card_path), inputs, overwrite=overwrite)
    table = columns.matrix(bars)
    card = {
        **columns.card(),
        "symbol": bars.symbol,
        "data": bars.hash(),
        "rows": len(bars),
        "first_open_time": int(bars.open_time[0]),
        "last_known_at": int(bars.close_time[-1]),
        "stable_from_row": min(columns.stable, len(bars)),
        "definition": settled(spec) if is_own(spec) else None,
    }
    times = dict(zip(TIMES, (bars.open_time, bars.close_time), strict=True))
    features = {name: table.values[:, j] for j, name in enumerate(table.names)}
    written = pa.table({**times, **features}, metadata={"folkmoot": json.dumps(card)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(written, path, compression="zstd")
    card_path.write_text(f"{json.dumps(card, indent=1)}\n", encoding="utf-8")
    return card


def _writable(
    columns: FeatureSet, paths: Sequence[Path], inputs: Sequence[Path], *, overwrite: bool
) -> None:
    """Raise `UsageError` for what would lose a column or a file."""
    if paths[0].suffix != ".parquet":
        raise UsageError(f"{paths[0]} is no Parquet file", where="export", allowed="NAME.parquet")
    taken = [name for name in columns.names if name in TIMES]
    if taken:
        raise UsageError(
            f"a column is called {taken[0]!r}, as a time of the table is",
            where=columns.name,
            allowed=f"another name than {' and '.join(TIMES)}",
        )
    for path in paths:
        if not path.exists():
            continue
        if any(given.exists() and path.samefile(given) for given in inputs):
            raise UsageError(f"{path} is what is read", where="export", allowed="another file")
        if not overwrite:
            raise UsageError(
                f"{path} is there already", where="export", allowed="another file, or --overwrite"
            )


def not_found(name: str, features: str, columns: FeatureSet) -> UsageError:
    """Return the error for a name that is neither a column of the set nor an indicator."""
    if name in feature_sets():
        return UsageError(
            f"{name!r} is a feature set, no column or indicator",
            where="features",
            allowed=f"`folkmoot features list {name}` shows its columns",
        )
    known = dict.fromkeys((*columns.names, *plugins.names(indicators.__name__)))
    near = get_close_matches(name, known, n=5)
    places = f"`folkmoot features list {features}` and `folkmoot features list indicators` list all"
    return UsageError(
        f"nothing is called {name!r}",
        where="features",
        allowed=f"perhaps {', '.join(near)}; {places}" if near else places,
    )


def page(timeframe: str = "1h") -> Iterator[str]:
    """Yield the lines of the documentation page: sets with their columns, then indicators."""
    yield "# Features"
    yield ""
    yield f"Generated by `folkmoot features page`, for decisions in {timeframe}. A column's warm-up"
    yield "is the row of its first value, its stable length the rows until where the history starts"
    yield "no longer matters (1e-6), `+ event` where they count from an event's next occurrence;"
    yield "both are in bars of the decision timeframe."
    for entry in sets(timeframe):
        yield ""
        yield f"## Set `{entry['name']}`: {entry['columns']} columns"
        yield ""
        yield entry["says"]
        yield ""
        yield "| column | formula | unit | inputs | warm-up | stable | range | mirror |"
        yield "|---|---|---|---|---|---|---|---|"
        for column in feature_set(entry["name"], timeframe).columns:
            yield _row(column.as_dict())
    yield ""
    yield "## Indicators"
    yield ""
    yield "| indicator | what it is | parameters | outputs |"
    yield "|---|---|---|---|"
    for facts in all_indicators():
        options = ", ".join(f"{key}={value}" for key, value in facts["parameters"].items())
        cells = [f"`{facts['name']}`", facts["source"], options, ", ".join(facts["outputs"])]
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def said_stable(facts: Mapping[str, Any]) -> str:
    """Return a column's stable length in words: of one that awaits an event, that it does."""
    if facts["stable"] is None:
        return "never"
    return f"{facts['stable']} + event" if facts["awaits"] else str(facts["stable"])


def _row(facts: dict[str, Any]) -> str:
    low, high = ("" if bound is None else f"{bound:g}" for bound in facts["range"])
    cells = [
        f"`{facts['name']}`",
        f"`{shortened(facts['formula'])}`",
        facts["unit"],
        ", ".join(facts["inputs"]),
        str(facts["warmup"]),
        said_stable(facts),
        f"{low} .. {high}" if low or high else "",
        facts["mirror"],
    ]
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


LONGEST_FORMULA = 240


def shortened(formula: str) -> str:
    """Return a formula that fits a table; the card of an export has the whole of it."""
    cut = f"{formula[:LONGEST_FORMULA]} ... ({len(formula)} characters)"
    return formula if len(formula) <= LONGEST_FORMULA else cut
