"""`folkmoot features`: what can be computed, how it looks, whether it tells anything."""

from pathlib import Path
from typing import Annotated, Any

import typer

from folkmoot.app.cli.output import (
    DataArgument,
    FeaturesOption,
    HorizonOption,
    JsonOption,
    LenientOption,
    SourceOption,
    SymbolOption,
    TimeframeOption,
    emit,
    note,
    note_reading,
    progress,
)

DecisionOption = Annotated[str, typer.Option("--timeframe", help="The decision timeframe.")]

app = typer.Typer(
    help="List, show, draw, screen and export features and indicators.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_(
    name: Annotated[
        str | None, typer.Argument(help="A set, a TOML file, or `indicators`; none lists the sets.")
    ] = None,
    timeframe: DecisionOption = "1h",
    json: JsonOption = False,
) -> int:
    """List the feature sets, the columns of one, or the indicators."""
    from folkmoot.app.cli import feature_tables as tables
    from folkmoot.features import catalogue, feature_set

    if name is None:
        found = catalogue.sets(timeframe)
        _answer({"sets": found}, json, lambda: tables.show_sets(found))
    elif name == "indicators":
        known = catalogue.all_indicators()
        _answer({"indicators": known}, json, lambda: tables.show_indicators(known))
    else:
        card = feature_set(name, timeframe).card()
        _answer(card, json, lambda: tables.show_columns(card))
    return 0


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A column or an indicator.")],
    features: FeaturesOption = "full",
    timeframe: DecisionOption = "1h",
    json: JsonOption = False,
) -> int:
    """Show all that is known of one column of a set, or of one indicator."""
    from folkmoot.app.cli.feature_tables import show_one
    from folkmoot.core import plugins
    from folkmoot.features import catalogue, feature_set

    columns = feature_set(features, timeframe)
    if name in columns.names:
        facts = columns.column(name).as_dict()
    elif name in plugins.names("folkmoot.indicators"):
        facts = catalogue.indicator_facts(name)
    else:
        raise catalogue.not_found(name, features, columns)
    _answer(facts, json, lambda: show_one(facts))
    return 0


@app.command("plot")
def plot(
    data: DataArgument,
    name: Annotated[str, typer.Argument(help="An indicator, a column of the set, or a formula.")],
    features: FeaturesOption = "full",
    only: Annotated[
        str | None, typer.Option("--only", help="Outputs to draw, separated by commas.")
    ] = None,
    bars: Annotated[int, typer.Option("--bars", min=2, max=5_000, help="Bars to draw.")] = 240,
    until: Annotated[
        str | None, typer.Option("--until", help="The last bar closes at or before this time.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The page, NAME.html.")] = None,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    source: SourceOption = None,
    lenient: LenientOption = False,
    json: JsonOption = False,
) -> int:
    """Draw an indicator or a column over the candles, events on the bar that made them known."""
    from folkmoot.app.drawing import draw
    from folkmoot.app.load import load

    found = load(data, symbol, timeframe, source, lenient=lenient)
    note_reading(found)
    facts = draw(found.bars, name, features, only, bars, until, out)
    if facts["unknown"]:
        note(f"unknown on every bar shown: {', '.join(facts['unknown'])}")
    absent = [event for event, count in facts["events"].items() if not count]
    if absent:
        note(f"no event in these bars: {', '.join(absent)}")
    if json:
        emit(facts)
    else:
        typer.echo(facts["page"])
    return 0


@app.command("screen")
def screen(
    data: DataArgument,
    features: FeaturesOption = "full",
    horizon: HorizonOption = 1,
    folds: Annotated[int, typer.Option("--folds", min=2, max=50, help="Folds in time.")] = 5,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    source: SourceOption = None,
    lenient: LenientOption = False,
    json: JsonOption = False,
) -> int:
    """Screen the columns of a set: rank correlation by fold, stability, clusters, drift."""
    from folkmoot.app.cli.feature_tables import show_screening
    from folkmoot.app.load import load
    from folkmoot.features import feature_set
    from folkmoot.features.screening import screen as screened

    found = load(data, symbol, timeframe, source, lenient=lenient)
    note_reading(found)
    columns, unknown = feature_set(features, found.bars.timeframe).knowable(found.bars)
    if unknown:
        note(f"unknown on every bar and left out: {', '.join(unknown)}")
    with progress() as tell:
        result = screened(columns, found.bars, horizon=horizon, folds=folds, tell=tell)
    about = {
        "symbol": found.bars.symbol,
        "timeframe": found.bars.timeframe.label,
        "features": columns.name,
        "unknown": list(unknown),
    }
    facts = about | result.as_dict()
    _answer(facts, json, lambda: show_screening(facts))
    return 0


@app.command("export")
def export(
    data: DataArgument,
    out: Annotated[Path, typer.Option("--out", help="The file, NAME.parquet.")],
    features: FeaturesOption = "full",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace NAME.parquet and NAME.json.")
    ] = False,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    source: SourceOption = None,
    lenient: LenientOption = False,
    json: JsonOption = False,
) -> int:
    """Write a set over history to Parquet, its card (definition, hashes, span) beside it."""
    from folkmoot.app.load import files_of, load
    from folkmoot.features import catalogue, feature_set

    found = load(data, symbol, timeframe, source, lenient=lenient)
    note_reading(found)
    columns = feature_set(features, found.bars.timeframe)
    read = files_of(data)
    card = catalogue.export(columns, found.bars, out, features, overwrite=overwrite, inputs=read)
    if json:
        emit(card)
    else:
        typer.echo(f"{out}: {card['rows']} rows, {len(columns.names)} columns")
    return 0


@app.command("page")
def page(
    out: Annotated[Path, typer.Option("--out", help="The page, NAME.md.")],
    timeframe: DecisionOption = "1h",
) -> int:
    """Write the documentation page of every set, column and indicator."""
    from folkmoot.features import catalogue

    out.write_text("\n".join(catalogue.page(timeframe)) + "\n", encoding="utf-8")
    typer.echo(out)
    return 0


def _answer(facts: dict[str, Any], json: bool, show_them: Any) -> None:
    if json:
        emit(facts)
    else:
        show_them()
