"""`folkmoot data`: the bar store, and what is wrong with a file."""

from typing import Annotated

import typer

from folkmoot.app.cli.output import (
    DataArgument,
    JsonOption,
    LenientOption,
    SourceOption,
    SymbolOption,
    TimeframeOption,
    emit,
    note_reading,
)

ListedOption = Annotated[
    bool, typer.Option("--lenient", hidden=True, help="As ever: a check reads leniently.")
]

VenueOption = Annotated[
    str | None,
    typer.Option(
        metavar="VENUE", help="Tell its closures from missing bars: crypto, nyse, cme_es or fx."
    ),
]

app = typer.Typer(help="Import, list and check bars.", no_args_is_help=True, rich_markup_mode=None)


@app.command("import")
def import_(
    data: DataArgument,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    source: SourceOption = None,
    lenient: LenientOption = False,
    json: JsonOption = False,
) -> int:
    """Append bars to the store; what is there already is counted, never changed."""
    from folkmoot.app.load import load, refused_path, store

    found = load(data, symbol, timeframe, source, lenient=lenient)
    note_reading(found)
    bars = found.bars
    added = store().append(bars)
    facts = {
        "symbol": bars.symbol,
        "timeframe": bars.timeframe.label,
        "bars": len(bars),
        "new": added.new,
        "duplicates": added.duplicates + found.duplicates,
        "refused": len(found.refused),
        "refused_file": str(refused_path(bars)) if found.refused else None,
    }
    if json:
        emit(facts)
    else:
        from folkmoot.app.cli.tables import show_facts

        show_facts(facts)
    return 0


@app.command("list")
def list_(json: JsonOption = False) -> int:
    """List the series in the store."""
    from folkmoot.app.load import store
    from folkmoot.core.stamps import iso

    found = [
        {
            "symbol": one.symbol,
            "timeframe": one.timeframe.label,
            "rows": one.rows,
            "first": iso(one.first),
            "last": iso(one.last),
        }
        for one in store().series()
    ]
    if json:
        emit({"series": found})
    else:
        from folkmoot.app.cli.tables import show_series

        show_series(found)
    return 0


@app.command("check")
def check(
    data: DataArgument,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    source: SourceOption = None,
    venue: VenueOption = None,
    lenient: ListedOption = True,
    json: JsonOption = False,
) -> int:
    """Report gaps, duplicates, impossible bars, spikes, zero volume and the time zone.

    Bad rows are reported with their numbers and reasons, whatever was asked for. Exit code 1 if
    there are any, or if a move looks like a change of scale.
    """
    from folkmoot.app.load import load
    from folkmoot.market import check as quality

    del lenient
    found = quality(load(data, symbol, timeframe, source, lenient=True), venue)
    if json:
        emit(found.as_dict())
    else:
        from folkmoot.app.cli.tables import show_lines

        show_lines(found.lines())
    return 0 if found.passed else 1
