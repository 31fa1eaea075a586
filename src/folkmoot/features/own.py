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
from folkmoot.features.formula import parse

TOP = ("name", "base", "only", "without", "column")
COLUMN = (
    "name", "formula", "indicator", "params", "output", "unit", "mirror", "group", "limits",
    "higher",
)  # fmt: skip
MIRRORS = get_args(Mirror)


def is_own(spec: str) -> bool:
    """Whether a feature set is named by a TOML file, or given as the text of one."""
    return spec.endswith(".toml") or "\n" in spec


def settled(spec: str) -> str:
    """Return the set's name, or the text of the file that `spec` names.

    The text stands for the file in a study's configuration: an edit makes another study, and an
    artefact holds the whole definition. Raises `DataError` for a file that cannot be read.
    """
    if not spec.endswith(".toml") or "\n" in spec:
        return spec
    try:
        return Path(spec).read_text(encoding="utf-8").strip() + "\n"
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(str(problem), where=spec, allowed="a TOML file in UTF-8") from problem


def title(spec: str) -> str:
    """Return what to call the set that `spec` names."""
    return str(_document(settled(spec)).get("name", "own")) if is_own(spec) else spec


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
    return str(document.get("name", "own")), tuple(columns.values())


def _document(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise UsageError(f"no TOML: {problem}", where="feature set", allowed="TOML") from problem


def _checked(entry: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in entry:
        if key not in known:
            raise UnknownOption(f"{where} has no key {key!r}", where=where, allowed=list(known))


def _base(document: Mapping[str, Any], timeframe: Timeframe) -> list[Column]:
    from folkmoot.features.feature_set import feature_set

    if "base" not in document:
        return []
    base = feature_set(str(document["base"]), timeframe)
    base = base.only(document["only"]) if "only" in document else base
    return list(base.without(document.get("without", ())).columns)


def _columns(entry: Any, timeframe: Timeframe) -> tuple[Column, ...]:
    where = f"column {entry.get('name', '')!r}" if isinstance(entry, Mapping) else "column"
    if not isinstance(entry, Mapping) or not str(entry.get("name", "")).isidentifier():
        raise UsageError("a column needs a name", where=where, allowed="letters, digits and _")
    _checked(entry, COLUMN, where)
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
    if made.stable > LONGEST_COPY:
        raise UsageError(
            f"it is stable after {made.stable} bars, too many for a copy on a higher timeframe",
            where=where,
            allowed=f"<= {LONGEST_COPY}",
        )
    return copies((made,), timeframe)


def _limits(entry: Mapping[str, Any], where: str) -> tuple[float, float] | None:
    given = entry.get("limits")
    if given is None:
        return None
    if not isinstance(given, list) or len(given) != 2 or not given[0] < given[1]:
        raise UsageError(f"limits are {given!r}", where=where, allowed="[lowest, highest]")
    return float(given[0]), float(given[1])


def _expression(entry: Mapping[str, Any], where: str) -> Expr:
    if ("formula" in entry) == ("indicator" in entry):
        raise UsageError("one definition is needed", where=where, allowed=["formula", "indicator"])
    if "formula" in entry:
        return parse(str(entry["formula"]))
    function = indicators.function(str(entry["indicator"]))
    given = dict(entry.get("params", {}))
    known = plugins.options(function)
    for option in given:
        if option not in known:
            raise UnknownOption(f"no parameter {option!r}", where=where, allowed=list(known))
    given = {name: parse(text) if isinstance(text, str) and isinstance(known[name], Expr) else text
             for name, text in given.items()}  # fmt: skip
    made = function(**given)
    if isinstance(made, Expr):
        return made
    output = entry.get("output")
    if output not in made:
        raise UsageError(f"output is {output!r}", where=where, allowed=list(made))
    chosen: Expr = made[output]
    return chosen
