"""What a command prints: one JSON document on stdout for machines, tables for people."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from folkmoot.app.limits import FARTHEST

if TYPE_CHECKING:
    from rich.console import Console

    from folkmoot.core.frames import Reading

WIDTH = 140
"""Columns where stdout is no terminal that would say."""

Progress = Callable[[str, float], None]

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DataArgument = Annotated[str, typer.Argument(help="File, kind:place, or a symbol with --source.")]
SymbolOption = Annotated[
    str | None, typer.Option("--symbol", help="The market, e.g. BTC/USDT; BTC is enough.")
]
TimeframeOption = Annotated[
    str | None, typer.Option("--timeframe", help="1m 5m 15m 30m 1h 2h 4h 1d or 1w.")
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", help="csv, parquet, store, yahoo, ccxt:EXCHANGE or world."),
]
LenientOption = Annotated[
    bool, typer.Option("--lenient", help="Set bad rows aside instead of refusing the file.")
]
FeeOption = Annotated[
    float, typer.Option("--fee", help="Fee of one side as a fraction: 0.001 is 10 bp.")
]
SlippageOption = Annotated[
    float, typer.Option("--slippage", help="Slippage of one side as a fraction: 0.0005 is 5 bp.")
]
ModelsOption = Annotated[
    str | None,
    typer.Option(
        "--models", help="Members, separated by commas (see `models`), or a committee's TOML file."
    ),
]
FeaturesOption = Annotated[str, typer.Option("--features", help="A feature set, or a TOML file.")]
StrategyOption = Annotated[
    str, typer.Option("--strategy", help="half_kelly, follow_sign or rsi_macd_volume.")
]
HorizonOption = Annotated[int, typer.Option("--horizon", min=1, max=FARTHEST, help="Bars ahead.")]


def emit(value: dict[str, Any]) -> None:
    """Write one JSON document to stdout; a number that JSON has no word for is null."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    typer.echo(orjson.dumps(value, option=options), nl=False)


def emit_error(facts: dict[str, Any], as_json: bool) -> None:
    """Write an error: as JSON to stdout, or as one line to stderr."""
    if as_json:
        emit({"error": facts})
        return
    place = f" ({facts['where']})" if facts["where"] else ""
    allowed = facts["allowed"]
    shown = ", ".join(map(str, allowed)) if isinstance(allowed, list) else allowed
    choice = f"; allowed: {shown}" if shown else ""
    typer.echo(" ".join(f"folkmoot: {facts['message']}{place}{choice}".split()), err=True)


def console() -> "Console":
    """Return the console on stdout; markup in data is not obeyed."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else WIDTH
    return Console(markup=False, highlight=False, emoji=False, width=width)


def note(text: str) -> None:
    """Write one line for a person to stderr."""
    typer.echo(text, err=True)


def note_reading(found: "Reading") -> None:
    """Say on stderr what reading a file assumed, set aside or dropped."""
    for text in found.notes:
        note(text)
    if found.duplicates:
        note(f"{found.duplicates} exact duplicates dropped")


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress on stderr: a bar in a terminal, one line a tenth elsewhere.

    Yields a callable that takes what is being done and the share that is done, 0 to 1.
    """
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)


def _lines() -> Progress:
    told = -1

    def tell(what: str, share: float) -> None:
        nonlocal told
        tenth = int(10.0 * share)
        if tenth != told:
            told = tenth
            note(f"{100.0 * share:3.0f} % {what}")

    return tell
