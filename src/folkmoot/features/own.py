"""A user's own feature set: a TOML file that names columns by formula or by indicator.

name = "mine"
base = "core"                       # optional: the columns of a set that is there
only = ["rsi_14", "drift_20"]       # optional: of these columns alone
without = ["rsi_9"]                 # optional: less these

[[column]]
name = "rsi_21"
indicator = "rsi"
params = { n = 21 }
unit = "points"
mirror = "none"                     # optional, as are group, limits and higher

[[column]]
name = "pull"
formula = "(log_close - ema(log_close, 30)) / ewma_vol()"
unit = "standard deviations of one bar"
mirror = "ratio"
higher = true                       # also on the higher timeframes of the decision's
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from folkmoot import indicators
from folkmoot.causal import Expr
from folkmoot.core import plugins
from folkmoot.core.errors import DataError, UnknownOption, UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.features.column import LONGEST_COPY, Column, Mirror, copies
from folkmoot.features.formula import call, parse

Kind = tuple[type, str, Any]
TEXT: Kind = (str, "a text", None)
TEXTS: Kind = (list, "a list of texts", str)
TOP: Mapping[str, Kind] = {
    "name": TEXT,
    "base": TEXT,
    "only": TEXTS,
    "without": TEXTS,
    "column": (list, "[[column]] tables", dict),
}
COLUMN: Mapping[str, Kind] = {
    "name": TEXT,
    "formula": TEXT,
    "indicator": TEXT,
    "params": (dict, "{ name = value }", None),
    "output": TEXT,
    "unit": TEXT,
    "mirror": TEXT,
    "group": TEXT,
    "limits": (list, "[lowest, highest]", (int, float)),
    "higher": (bool, "true or false", None),
}
MIRRORS = get_args(Mirror)
TIMES = ("open_time", "known_at")
"""What a table of features calls its times."""


def is_own(spec: str) -> bool:
    """Whether a feature set is named by a TOML file, or given as the text of one."""
    return spec.endswith(".toml") or "\n" in spec


def settled(spec: str) -> str:
    """Return the set's name, or the text of the file that `spec` names.

    The text stands for the file in a study's configuration: an edit makes another study, and an
    artefact holds the whole definition. Raises `DataError` for a file that cannot be read,
    `UsageError` for one whose base is another file.
    """
    if not spec.endswith(".toml") or "\n" in spec:
        return spec
    try:
        text = Path(spec).read_text(encoding="utf-8").strip() + "\n"
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(str(problem), where=spec, allowed="a TOML file in UTF-8") from problem
    _checked(_document(text), TOP, "feature set")
    return text


def title(spec: str) -> str:
    """Return what to call the set that `spec` names."""
    return str(_document(settled(spec)).get("name") or "own") if is_own(spec) else spec


def own_set(spec: str, timeframe: Timeframe) -> tuple[str, tuple[Column, ...]]:
    """Return (name, columns) of the set that a TOML file or its text defines.

    Raises `UsageError` for what is no TOML, an unknown key, a column without a definition, or a
    formula that does not compile.
    """
    document = _document(settled(spec))
    _checked(document, TOP, "feature set")
    columns = {column.name: column for column in _base(document, timeframe)}
    for entry in document.get("column", []):
        columns |= {column.name: column for column in _columns(entry, timeframe)}
    if not columns:
        raise UsageError("a feature set without columns", where="feature set", allowed=list(TOP))
    own = [entry["name"] for entry in document.get("column", [])]
    twice = sorted({name for name in own if own.count(name) > 1})
    if twice:
        raise UsageError(f"columns share a name: {twice}", where="feature set", allowed="unique")
    return title(spec), tuple(columns.values())


def _document(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise UsageError(f"no TOML: {problem}", where="feature set", allowed="TOML") from problem


def _checked(entry: Mapping[str, Any], known: Mapping[str, Kind], where: str) -> None:
    """Raise `UnknownOption` for a key, `UsageError` for a value of another kind."""
    for key, value in entry.items():
        if key not in known:
            raise UnknownOption(f"{where} has no key {key!r}", where=where, allowed=list(known))
        kind, said, every = known[key]
        items = value if every is not None and isinstance(value, list) else ()
        numbers = isinstance(value, bool) and kind is not bool
        if not isinstance(value, kind) or numbers or not all(isinstance(i, every) for i in items):
            raise UsageError(f"{key} is {value!r}", where=where, allowed=said)


def _base(document: Mapping[str, Any], timeframe: Timeframe) -> list[Column]:
    from folkmoot.features.feature_set import feature_set, feature_sets

    if "base" not in document:
        alone = [key for key in ("only", "without") if key in document]
        if alone:
            raise UsageError(f"{alone[0]} without a base", where="feature set", allowed="base")
        return []
    if document["base"] not in feature_sets():
        raise UsageError(
            f"base is {document['base']!r}", where="feature set", allowed=feature_sets()
        )
    base = feature_set(document["base"], timeframe)
    base = base.only(document["only"]) if "only" in document else base
    return list(base.without(document.get("without", ())).columns)


def _columns(entry: Mapping[str, Any], timeframe: Timeframe) -> tuple[Column, ...]:
    where = f"column {entry.get('name', '')!r}"
    _checked(entry, COLUMN, where)
    if not entry.get("name", "").isidentifier() or entry["name"] in TIMES:
        allowed = f"letters, digits and _, not {' or '.join(TIMES)}"
        raise UsageError("a column needs a name", where=where, allowed=allowed)
    mirror = entry.get("mirror", "none")
    if mirror not in MIRRORS:
        raise UsageError(f"mirror is {mirror!r}", where=where, allowed=list(MIRRORS))
    made = Column(
        str(entry["name"]),
        _expression(entry, where),
        str(entry.get("unit", "not said")),
        mirror,
        str(entry.get("group", "own")),
        limits=_limits(entry, where),
    )
    return made, *_copies(made, timeframe, where, wanted=entry.get("higher", False))


def _copies(made: Column, timeframe: Timeframe, where: str, *, wanted: bool) -> tuple[Column, ...]:
    if not wanted:
        return ()
    if not made.copied:
        told = "an event" if made.awaits else f"{made.stable} bars, too many"
        raise UsageError(
            f"it is stable after {told}: no copy on a higher timeframe",
            where=where,
            allowed=f"<= {LONGEST_COPY} bars",
        )
    return copies((made,), timeframe)


def _limits(entry: Mapping[str, Any], where: str) -> tuple[float, float] | None:
    given = entry.get("limits")
    if given is None:
        return None
    if len(given) != 2 or not given[0] < given[1]:
        raise UsageError(f"limits are {given!r}", where=where, allowed="[lowest, highest]")
    return float(given[0]), float(given[1])


def _expression(entry: Mapping[str, Any], where: str) -> Expr:
    if ("formula" in entry) == ("indicator" in entry):
        raise UsageError("one definition is needed", where=where, allowed=["formula", "indicator"])
    if "formula" in entry:
        idle = [key for key in ("params", "output") if key in entry]
        if idle:
            raise UsageError(f"{idle[0]} beside a formula", where=where, allowed="an indicator")
        return parse(entry["formula"])
    made = _called(entry["indicator"], entry.get("params", {}), where)
    output = entry.get("output")
    if isinstance(made, Expr) and output is None:
        return made
    outputs = {} if isinstance(made, Expr) else made
    if output not in outputs:
        allowed = list(outputs) or "none: there is one output"
        raise UsageError(f"output is {output!r}", where=where, allowed=allowed)
    chosen: Expr = outputs[output]
    return chosen


def _called(name: str, params: Mapping[str, Any], where: str) -> Any:
    """Return what an indicator makes of its parameters; a text stands for an expression."""
    function = indicators.function(name)
    known = plugins.options(function)
    given: dict[str, Any] = {}
    for option, value in params.items():
        if option not in known:
            raise UnknownOption(f"no parameter {option!r}", where=where, allowed=list(known))
        formula = isinstance(value, str) and isinstance(known[option], Expr)
        listed = isinstance(value, list) and isinstance(known[option], tuple)
        given[option] = parse(value) if formula else tuple(value) if listed else value
    return call(function, (), given, where)
