"""`folkmoot demo`: three worlds of known truth, offline and without a key."""

from pathlib import Path
from typing import Annotated

import typer

from folkmoot.app.cli.output import JsonOption, emit, progress


def run(
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds to run.")] = 1,
    first_seed: Annotated[int, typer.Option(min=0, help="The first of them.")] = 0,
    bars: Annotated[int, typer.Option(min=4_000, help="Bars of each world.")] = 36_000,
    root: Annotated[
        Path | None, typer.Option(help="Where report and journals go; default: the data root.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.")] = None,
    json: JsonOption = False,
) -> int:
    """Check the features, show the popular mistake, and prove three worlds of known truth.

    Exit code 1 if anything came out other than the truth.
    """
    from folkmoot.app.demo import demo
    from folkmoot.app.machine import workers_wanted
    from folkmoot.core.settings import settings

    with progress() as tell:
        found = demo(
            root or settings().data_root / "demo",
            seeds=seeds,
            first_seed=first_seed,
            n=bars,
            workers=workers_wanted(workers),
            progress=tell,
        )
    if json:
        emit(found.facts)
    else:
        from folkmoot.app.cli.tables import show_demo

        show_demo(found.facts)
    return 0 if found.passed else 1
