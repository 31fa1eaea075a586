"""`folkmoot models`: who can sit on a committee."""

from folkmoot.app.cli.output import JsonOption, emit


def run(json: JsonOption = False) -> int:
    """List members and baselines with their options."""
    from folkmoot.app.members import members

    found = [member.as_dict() for member in members()]
    if json:
        emit({"models": found})
    else:
        from folkmoot.app.cli.tables import show_models

        show_models(found)
    return 0
