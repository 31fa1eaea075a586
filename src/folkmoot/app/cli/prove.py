"""`folkmoot prove`: is there an edge in these bars?"""

from pathlib import Path
from typing import Annotated

import typer

from folkmoot.app.cli.output import (
    FeaturesOption,
    FeeOption,
    HorizonOption,
    JsonOption,
    LenientOption,
    ModelsOption,
    SlippageOption,
    SourceOption,
    SymbolOption,
    TimeframeOption,
    emit,
    note_reading,
    progress,
)


def run(
    data: Annotated[str, typer.Argument(help="File, kind:place, or a symbol with --source.")],
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    source: SourceOption = None,
    models: ModelsOption = None,
    features: FeaturesOption = "core",
    horizon: HorizonOption = 1,
    fee: FeeOption = 0.001,
    slippage: SlippageOption = 0.0005,
    score_from: Annotated[
        str | None, typer.Option(help="Score only from this ISO time on (UTC).")
    ] = None,
    score_to: Annotated[
        str | None, typer.Option(help="Score only before this ISO time (UTC).")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where the HTML report goes; default: the data root.")
    ] = None,
    lenient: LenientOption = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of bootstrap and controls.")] = 0,
    require_edge: Annotated[
        bool, typer.Option("--require-edge", help="Exit code 1 unless the verdict is EDGE FOUND.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Prove members on the bars of one market: verdict, reasons, power, costs, report."""
    from folkmoot.app.load import committee_of, load, report_path
    from folkmoot.app.machine import workers_wanted
    from folkmoot.core.settings import settings
    from folkmoot.core.stamps import instant
    from folkmoot.execution import Costs

    committee = committee_of(models, horizon)
    costs = Costs(fee=fee, slippage=slippage)
    span = instant(score_from), instant(score_to)
    found = load(data, symbol, timeframe, source, lenient=lenient)
    note_reading(found)
    bars = found.bars
    from folkmoot.proof import prove

    with progress() as tell:
        study = prove(
            committee,
            bars,
            features=features,
            costs=costs,
            score_from=span[0],
            score_to=span[1],
            workers=workers_wanted(workers),
            seed=seed,
            root=settings().data_root,
            progress=tell,
        )
    path = report_path(report, bars)
    study.report(path)
    facts = study.as_dict() | {"report": str(path)}
    if json:
        emit(facts)
    else:
        from folkmoot.app.cli.tables import show_study

        show_study(facts)
    return int(require_edge and study.verdict != "EDGE FOUND")
