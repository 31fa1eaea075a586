"""`folkmoot tune`: which options suit a member, asked of bars that no study scores."""

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
    SlippageOption,
    SourceOption,
    SymbolOption,
    TimeframeOption,
    emit,
    note_reading,
    progress,
)
from folkmoot.app.limits import LARGEST_SEED

if TYPE_CHECKING:
    from folkmoot.core.bars import Bars

ModelOption = Annotated[str, typer.Option("--model", help="One member; see `models`.")]
SpaceOption = Annotated[
    Path | None, typer.Option("--space", help="A TOML file with ranges of options.")
]
TrialsOption = Annotated[
    int, typer.Option("--trials", min=1, help="Trials in all, earlier sittings' among them.")
]
FoldsOption = Annotated[int, typer.Option("--folds", min=1, max=20, help="Inner blocks.")]
StorageOption = Annotated[
    str | None,
    typer.Option(
        "--storage", help="Optuna's journal file or database URL; default: the data root."
    ),
]
ChooseOption = Annotated[
    str, typer.Option("--choose", help="From the Pareto front the best by log_loss or sharpe.")
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, help="Processes, one a trial; part of the search.")
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of the search.")
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="Write the answer there, a TOML file for `prove --models`."),
]


def run(
    data: DataArgument,
    model: ModelOption,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    source: SourceOption = None,
    space: SpaceOption = None,
    trials: TrialsOption = 30,
    features: FeaturesOption = "core",
    horizon: HorizonOption = 1,
    fee: FeeOption = 0.001,
    slippage: SlippageOption = 0.0005,
    folds: FoldsOption = 3,
    choose: ChooseOption = "log_loss",
    storage: StorageOption = None,
    lenient: LenientOption = False,
    workers: WorkersOption = 1,
    seed: SeedOption = 0,
    out: OutOption = None,
    json: JsonOption = False,
) -> int:
    """Search a member's options on the rows before the first scored block; every trial counts.

    A search that was killed goes on from where it was.
    """
    from folkmoot.execution import Costs
    from folkmoot.features.own import settled
    from folkmoot.proof.tuning import tune

    _check_out(out)
    asked: dict[str, Any] = {
        "space": space, "trials": trials, "features": settled(features), "horizon": horizon,
        "costs": Costs(fee=fee, slippage=slippage), "folds": folds, "choose": choose, "seed": seed,
        "workers": workers, "storage": storage,
    }  # fmt: skip
    bars = _read(data, symbol, timeframe, source, lenient)
    with progress() as tell:
        facts = tune(model, bars, progress=tell, **asked)
    _keep(out, facts)
    return _show(facts, json)


def _read(
    data: str, symbol: str | None, timeframe: str | None, source: str | None, lenient: bool
) -> "Bars":
    from folkmoot.app.load import load

    found = load(data, symbol, timeframe, source, lenient=lenient)
    note_reading(found)
    return found.bars


def _keep(path: Path | None, facts: dict[str, Any]) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(facts["toml"], encoding="utf-8")


def _check_out(path: Path | None) -> None:
    from folkmoot.app.committee_file import ENDING
    from folkmoot.app.load import check_file
    from folkmoot.core.errors import UsageError

    if path is None:
        return
    if path.suffix != ENDING:
        raise UsageError(
            "no committee's file", where=f"--out {path}", allowed=f"a name in {ENDING}"
        )
    check_file(path)


def _show(facts: dict[str, Any], as_json: bool) -> int:
    """Show what was found and return the exit code."""
    if as_json:
        emit(facts)
        return 0
    from rich.table import Table

    from folkmoot.app.cli.output import console

    out, told = console(), facts["trials"]
    out.print(
        f"{facts['model']} on {facts['symbol']} {facts['timeframe']}: {told['finished']} trials, "
        f"{told['given_up']} given up, {told['refused']} refused; inner blocks within the first "
        f"{facts['rows']['bars']} bars, cost {facts['cost']:g} a unit of turnover"
    )
    table = Table(title="Pareto front: log loss against the Sharpe ratio net of costs")
    for column in ("trial", "log loss", "Sharpe", "turnover", "accuracy", "options"):
        table.add_column(column, overflow="fold")
    own = facts["own"]
    beaten = [] if own is None or own in facts["front"] else [own]
    for trial in [*facts["front"], *beaten]:
        marks = [" chosen"] * (trial == facts["chosen"]) + [" own options"] * (trial == own)
        table.add_row(*_row(trial, "".join(marks)))
    out.print(table)
    out.print(
        f"a coin's log loss is {facts['coin_log_loss']:.4f}; chosen by {facts['chosen_by']}: "
        f"trial {facts['chosen']['number']}; the best of many tries looks better than it is: prove "
        f"it, against all {facts['ledger']['trials']} trials counted on this data"
    )
    out.print()
    out.print(facts["toml"], end="")
    return 0


def _row(trial: dict[str, Any], marks: str) -> list[str]:
    figures = [
        f"{trial['log_loss']:.4f}",
        f"{trial['sharpe']:.2f}",
        f"{trial['turnover']:.4f}",
        f"{trial['accuracy']:.3f}",
    ]
    return [f"{trial['number']}{marks}", *figures, _plain(trial["options"])]


def _plain(options: dict[str, Any]) -> str:
    flat = dict(options)
    flat |= flat.pop("training", {})
    return ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in flat.items()
    )
