"""`folkmoot models`: who can sit on a committee, and the trained versions of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from folkmoot.app.cli.output import JsonOption, emit

if TYPE_CHECKING:
    from folkmoot.app.shelved import Shelved

NameArgument = Annotated[
    str,
    typer.Argument(
        help="A trained model's NAME (its version in use, or else the newest), or NAME@VERSION."
    ),
]
PageOption = Annotated[
    Path | None, typer.Option("--html", help="Write its curves and pictures there, x.html.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace files that are there already.")
]

app = typer.Typer(
    help="List members and their trained versions; show, compare, promote, export them.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


@app.callback()
def _listed(context: typer.Context, json: JsonOption = False) -> int:
    """List members and their trained versions; show, compare, promote, export them."""
    if context.invoked_subcommand is None:
        return list_(json)
    if json:
        from folkmoot.core.errors import UsageError

        command = context.invoked_subcommand
        raise UsageError(
            "--json stands before the command", where="models", allowed=f"models {command} --json"
        )
    return 0


@app.command("list")
def list_(json: JsonOption = False) -> int:
    """List all members and baselines with sizes, options, status and trained versions."""
    from folkmoot.app.members import catalogue
    from folkmoot.app.shelved import shelf, shelved_all

    found = catalogue(shelf())
    damaged = [one.as_dict() for one in shelved_all(shelf()) if one.problem]
    if json:
        emit({"models": found, "damaged": damaged})
    else:
        from folkmoot.app.cli.models_tables import show_catalogue

        show_catalogue(found, damaged)
    return 0


@app.command("show")
def show(
    name: NameArgument,
    html: PageOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> int:
    """Show a trained model's card: scores beside the baselines', calibration, cost, curves."""
    from folkmoot.app.shelved import shelf, shelved

    if html is not None:
        _check_page(html, overwrite)
    found = shelved(shelf(), name)
    facts = _facts(found)
    if html is not None:
        from folkmoot.app.model_page import model_page

        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(model_page(found), encoding="utf-8")
        facts["page"] = str(html)
    if json:
        emit(facts)
    else:
        from folkmoot.app.cli.models_tables import show_card

        show_card(facts)
    return 0


def _check_page(path: Path, overwrite: bool) -> None:
    from folkmoot.app.load import check_absent, check_file
    from folkmoot.core.errors import UsageError

    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{path} is no page", where="--html", allowed="a name in .html")
    check_absent([path], "--html", overwrite=overwrite)
    check_file(path)


def _facts(found: "Shelved") -> dict[str, Any]:
    return {
        **found.as_dict(),
        "model": found.model,
        "path": str(found.path),
        "card": found.whole_card(),
        "learning": found.history,
    }


@app.command("compare")
def compare(first: NameArgument, second: NameArgument, json: JsonOption = False) -> int:
    """Compare two trained models' out-of-sample scores, horizon by horizon."""
    from folkmoot.app.compared import compared
    from folkmoot.app.shelved import shelf, shelved

    facts = compared(shelved(shelf(), first), shelved(shelf(), second))
    if json:
        emit(facts)
    else:
        from folkmoot.app.cli.models_tables import show_comparison

        show_comparison(facts)
    return 0


@app.command("promote")
def promote(
    name: Annotated[str, typer.Argument(help="A trained model.")],
    version: Annotated[int, typer.Argument(min=1, help="The version to put into use.")],
    json: JsonOption = False,
) -> int:
    """Put a version into use: the one that NAME alone means, here and in `Shelf.load(NAME)`.

    Refused without a passed validation or if the file is damaged. `prove`, `analyze` and `serve`
    read no version.
    """
    from folkmoot.app.shelved import shelf, shelved

    shelved(shelf(), f"{name}@{version}")
    shelf().promote(name, version)
    _said({"name": name, "version": version, "status": "in use"}, json)
    return 0


@app.command("rollback")
def rollback(
    name: Annotated[str, typer.Argument(help="A trained model.")], json: JsonOption = False
) -> int:
    """Take the version in use out of use; NAME alone means the one promoted before it again."""
    from folkmoot.app.shelved import shelf, shelved

    shelved(shelf(), name)
    version = shelf().roll_back(name)
    _said({"name": name, "version": version, "status": "in use"}, json)
    return 0


@app.command("export")
def export(
    name: NameArgument,
    path: Annotated[
        Path,
        typer.Argument(
            help="x.onnx: the graph; x.txt or x.json: a booster's own trees; else our file."
        ),
    ],
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
) -> int:
    """Write a trained model to a file: our container, an ONNX graph, or a library's own trees.

    What has to be known to use it goes beside it: net.onnx.json, or NAME.card.json.
    """
    from folkmoot.app.exporting import exported
    from folkmoot.app.load import check_file
    from folkmoot.app.shelved import shelf, shelved

    check_file(path)
    files = exported(shelved(shelf(), name), path, overwrite=overwrite)
    _said({"name": name, "files": [str(file) for file in files]}, json)
    return 0


def _said(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        emit(facts)
        return
    from folkmoot.app.cli.tables import show_facts

    show_facts(facts)
