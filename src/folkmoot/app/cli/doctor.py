"""`folkmoot doctor`: what this machine has, lacks, and how to get it."""

from typing import Annotated

import typer

from folkmoot.app.cli.output import JsonOption, emit


def run(
    json: JsonOption = False,
    env_example: Annotated[
        bool, typer.Option("--env-example", help="Print the text of .env.example instead.")
    ] = False,
) -> int:
    """Say versions, torch build, threads, caches, sandbox level, room, and what is missing.

    Exit code 3 if something keeps commands from working.
    """
    if env_example:
        from folkmoot.core.settings import env_example as text

        typer.echo(text(), nl=False)
        return 0
    from folkmoot.app.machine import diagnose

    facts = diagnose()
    if json:
        emit(facts)
    else:
        from folkmoot.app.cli.tables import show_doctor

        show_doctor(facts)
    return 3 if facts["problems"] else 0
