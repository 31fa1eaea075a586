"""From what a person typed to bars, a committee, a path."""

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from folkmoot.core.bars import Bars
from folkmoot.core.clock import Clock, SystemClock
from folkmoot.core.errors import DataError, EnvironmentProblem, UnknownSymbol, UsageError
from folkmoot.core.frames import Reading
from folkmoot.core.settings import settings
from folkmoot.core.timeframe import TIMEFRAMES

if TYPE_CHECKING:
    from folkmoot.committee import Committee
    from folkmoot.market import BarStore

LIVE = frozenset({"ccxt", "yahoo"})
"""Sources whose last bar is of now; what a file or the store holds is history."""


def is_live(spec: str) -> bool:
    """Whether `ccxt:binance` and its like, or the source alone, is a venue that is read now."""
    return spec.partition(":")[0] in LIVE


def load(
    data: str,
    symbol: str | None = None,
    timeframe: str | None = None,
    source: str | None = None,
    *,
    lenient: bool = False,
    clock: Clock | None = None,
) -> Reading:
    """Return the closed bars that `data` names, with what was refused, dropped or assumed.

    A path or `kind:place` is read as it stands; with `source`, `data` is a place of that kind
    (a file, a world) or a symbol on that venue; a file's name may lack its ending. Any other word
    is a symbol of the bar store, which `BTC-USDT_1h` names together with its timeframe.
    Rows that `lenient` leaves out are listed in a file below the data root, and a note says where.
    Bars that have not closed yet by `clock` (the machine's) are dropped, and a note says how many;
    made worlds have no present.

    Raises `UsageError` for a source that is none, `DataError` where no bars are left.
    """
    from folkmoot.market.specs import reading

    spec, wanted = _spec(data, symbol, source)
    if spec == "store" and wanted is not None:
        wanted, timeframe = _split(wanted, timeframe)
        wanted = _stored(wanted)
    found = reading(spec, wanted, timeframe, lenient=lenient)
    if spec.partition(":")[0] != "world":
        found = _closed(found, clock or SystemClock())
    if not len(found.bars):
        raise DataError("there are no bars", where=data, allowed="at least one closed bar")
    return _listed(found) if found.refused else found


def files_of(data: str) -> list[Path]:
    """Return what `data` may be read from: files behind `kind:` or joined by `|`, and the store's.

    A file's name may lack its ending.
    """
    from folkmoot.market.specs import SUFFIXES

    parts = [part.strip() for part in data.split("|")]
    named = [name for part in parts for name in _behind(part)]
    paths = [Path(f"{name}{ending}").expanduser() for name in named for ending in ("", *SUFFIXES)]
    paths += (settings().data_root / "bars").rglob("*")
    return [path for path in paths if path.is_file()]


def _behind(part: str) -> list[str]:
    """Return the text, and what stands behind each of its colons."""
    pieces = part.split(":")
    return [":".join(pieces[first:]) for first in range(len(pieces))]


def _closed(found: Reading, clock: Clock) -> Reading:
    """Drop what is still forming or lies ahead, and note how many bars that were."""
    bars = found.bars
    kept = int(np.searchsorted(bars.close_time, clock.now(), "right"))
    early = len(bars) - kept
    if not early:
        return found
    said = "1 bar was" if early == 1 else f"{early} bars were"
    note = f"{said} not closed yet and left out"
    return replace(found, bars=bars.until(kept), notes=[*found.notes, note])


def _listed(found: Reading) -> Reading:
    """Write the refused rows to their file and note where that is."""
    path = refused_path(found.bars)
    path.parent.mkdir(parents=True, exist_ok=True)
    first = found.first_line
    lines = [
        f"{row},{'' if first is None else first + row},{_quoted(reason)}"
        for row, reason in found.refused
    ]
    path.write_text("\n".join(["row,line,reason", *lines]) + "\n")
    said = f"bad rows set aside: {len(found.refused)}, listed in {path}"
    return replace(found, notes=[*found.notes, said])


def _spec(data: str, symbol: str | None, source: str | None) -> tuple[str, str | None]:
    from folkmoot.core import plugins
    from folkmoot.market.specs import PACKAGE, SUFFIXES

    kinds = plugins.names(PACKAGE)
    if source is None:
        path = Path(data)
        known = data.partition(":")[0] in kinds or path.suffix.lower() in SUFFIXES
        endless = [f"{data}{suffix}" for suffix in SUFFIXES if Path(f"{data}{suffix}").is_file()]
        if known or path.exists() or endless:
            return data if known or path.exists() else endless[0], symbol
        return "store", symbol or data
    kind = source.partition(":")[0]
    if kind not in kinds:
        raise UsageError(f"no source is called {source!r}", where="source", allowed=kinds)
    if kind in {*SUFFIXES.values(), "world"}:
        return f"{kind}:{data}", symbol
    return source, symbol or data


def _split(data: str, timeframe: str | None) -> tuple[str, str | None]:
    """Return symbol and timeframe of `BTC-USDT_1h`, the name that files and charts are given."""
    symbol, _, label = data.rpartition("_")
    named = timeframe is None and bool(symbol) and label in TIMEFRAMES
    return (symbol, label) if named else (data, timeframe)


def _stored(symbol: str) -> str:
    """Return the stored market that `symbol` names; what is allowed is all that is stored."""
    from folkmoot.market import resolve

    known = list(dict.fromkeys(one.symbol for one in store().series()))
    try:
        return resolve(symbol, known)
    except UnknownSymbol as error:
        empty = "the bar store is empty: name a file, or `folkmoot data import` one first"
        raise UnknownSymbol(error.message, where=symbol, allowed=known or empty) from None


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def store() -> "BarStore":
    """Return the bar store below the data root."""
    from folkmoot.market import BarStore

    return BarStore(settings().data_root / "bars")


def committee_of(models: str | None, horizon: int) -> "Committee":
    """Return a committee of the named models (comma separated), of a TOML file, or the default one.

    A person's own file, `mine.py` or `mine.py:Name`, is a name too. Raises `UsageError` with the
    names for one that is none, `DataError` for a file that cannot be read.
    """
    from folkmoot.app.committee_file import committee_of_file, is_committee
    from folkmoot.committee import Committee

    if models is None:
        return Committee(horizon=horizon)
    if is_committee(models):
        found = committee_of_file(models, horizon)
        _known_models(found.models, models)
        return found
    names = tuple(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    _known_models(names, models)
    return Committee(models=names, horizon=horizon)


def _known_models(names: tuple[str, ...], typed: str) -> None:
    """Raise `UsageError` for a name that is neither a model nor a person's own file."""
    from folkmoot.core import own_code, plugins
    from folkmoot.models import MODELS

    own = [name for name in names if own_code.is_file(name)]
    for name in own:
        plugins.load("folkmoot.models", name)
    unknown = [name for name in names if name not in MODELS and name not in own]
    if unknown or not names:
        raise UsageError(
            f"no model is called {', '.join(unknown) or repr(typed)}",
            where="models",
            allowed=list(MODELS),
        )


def report_path(wanted: Path | None, bars: Bars, key: str) -> Path:
    """Return where the report of the study `key` goes, its folder made."""
    name = f"{plain_name(bars)}_{key[:12]}.html"
    path = wanted or settings().data_root / "reports" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def check_file(path: Path) -> None:
    """Raise `EnvironmentProblem` where no file could be written, before any work is done."""
    folder = next(one for one in path.absolute().parents if one.exists())
    if path.is_dir():
        problem = "is a folder"
    elif not folder.is_dir():
        problem = f"{folder} is no folder"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        problem = "may not be written"
    else:
        return
    raise EnvironmentProblem(
        f"no file can go there: {problem}", where=str(path), allowed="a name in a folder of yours"
    )


def check_absent(paths: Iterable[Path], where: str, *, overwrite: bool) -> None:
    """Raise `UsageError` for a file that is there already, unless it may be replaced."""
    for path in paths:
        if path.exists() and not overwrite:
            raise UsageError(
                f"{path} is there already", where=where, allowed="another file, or --overwrite"
            )


def refused_path(bars: Bars) -> Path:
    """Return where the rows are listed that a lenient reading left out."""
    return settings().data_root / "refused" / f"{plain_name(bars)}.csv"


def plain_name(bars: Bars) -> str:
    """Return a file name for a market that stays inside its folder: BTC-USDT_1h."""
    symbol = re.sub(r"[^A-Za-z0-9]+", "-", bars.symbol).strip("-")[:64] or "market"
    return f"{symbol}_{bars.timeframe}"
