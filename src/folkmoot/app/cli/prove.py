"""`folkmoot prove`: is there an edge in these bars?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from folkmoot.app.cli.output import (
    DataArgument,
    FeaturesOption,
    FeeOption,
    HorizonOption,
    JsonOption,
    LenientOption,
    ModelsOption,
    SlippageOption,
    SourceOption,
    StrategyOption,
    SymbolOption,
    TimeframeOption,
    emit,
    note_reading,
    progress,
)
from folkmoot.app.limits import LARGEST_SEED

if TYPE_CHECKING:
    from folkmoot.core.frames import Reading


ScoreFromOption = Annotated[
    str | None, typer.Option(help="Score only decisions from this ISO time on (UTC).")
]
ScoreToOption = Annotated[
    str | None,
    typer.Option(help="Score only decisions before this ISO time (UTC); a date: all of it."),
]
ReportOption = Annotated[
    Path | None, typer.Option(help="Where the HTML report goes; default: the data root.")
]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Processes.")]
SeedOption = Annotated[
    int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the bootstrap and the controls.")
]
RequireOption = Annotated[
    bool, typer.Option("--require-edge", help="Exit code 1 unless the verdict is EDGE FOUND.")
]


def run(
    data: DataArgument,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    source: SourceOption = None,
    models: ModelsOption = None,
    features: FeaturesOption = "core",
    strategy: StrategyOption = "half_kelly",
    horizon: HorizonOption = 1,
    fee: FeeOption = 0.001,
    slippage: SlippageOption = 0.0005,
    score_from: ScoreFromOption = None,
    score_to: ScoreToOption = None,
    report: ReportOption = None,
    lenient: LenientOption = False,
    workers: WorkersOption = None,
    seed: SeedOption = 0,
    require_edge: RequireOption = False,
    json: JsonOption = False,
) -> int:
    """Prove members on the bars of one market: verdict, reasons, power, costs, report."""
    from folkmoot.app.load import check_file, committee_of, load
    from folkmoot.execution import Costs

    asked = {
        "committee": committee_of(models, horizon),
        "features": features,
        "strategy": strategy,
        "costs": Costs(fee=fee, slippage=slippage),
        "score_from": score_from,
        "score_to": score_to,
        "seed": seed,
    }
    if report is not None:
        check_file(report)
    found = load(data, symbol, timeframe, source, lenient=lenient)
    note_reading(found)
    facts = _proved(found, asked, workers, report)
    _show(facts, json)
    return int(require_edge and facts["verdict"] != "EDGE FOUND")


def _proved(
    found: "Reading", asked: dict[str, Any], workers: int | None, report: Path | None
) -> dict[str, Any]:
    from folkmoot.app.load import report_path
    from folkmoot.app.machine import workers_wanted
    from folkmoot.core.settings import settings
    from folkmoot.proof import prove

    with progress() as tell:
        study = prove(
            bars=found.bars,
            reading=found,
            workers=workers_wanted(workers),
            root=settings().data_root,
            progress=tell,
            **asked,
        )
    facts = study.as_dict()
    path = report_path(report, found.bars, facts["provenance"]["study"])
    return facts | {"report": str(study.report(path))}


def _show(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit(facts)
        return
    from folkmoot.app.cli.tables import show_study

    show_study(facts)
