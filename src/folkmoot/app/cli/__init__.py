"""The command line: exit code 0 done, 1 the answer is no, 2 wrong use, 3 data or environment.

A bug shows its traceback and is 70, an interrupt 130, a reader that has gone 141. What a command
needs is imported when it runs, so that help answers at once.
"""

import sys
import traceback
from contextlib import ExitStack
from types import TracebackType
from typing import Annotated, Any

import typer

from folkmoot.app.cli import (
    analyze,
    data,
    demo,
    doctor,
    features,
    models,
    prove,
    serve,
    train,
    tune,
)
from folkmoot.app.cli.output import emit_error

INTERRUPTED = 130
BROKEN_PIPE = 141
BUG = 70

app = typer.Typer(
    name="folkmoot",
    help="Find out honestly whether a signal works, then run exactly that.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.run)
app.command("prove")(prove.run)
app.command("analyze")(analyze.run)
app.add_typer(data.app, name="data")
app.add_typer(features.app, name="features")
app.command("train")(train.run)
app.command("tune")(tune.run)
app.add_typer(models.app, name="models")
app.command("doctor")(doctor.run)
app.command("serve")(serve.run)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("folkmoot"))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Find out honestly whether a signal works, then run exactly that."""
    from folkmoot.app.log import configure
    from folkmoot.core.settings import settings

    # Twice: reading the settings may warn already, and only then are level and secrets known.
    configure()
    held = settings()
    secrets = held.llm_key.get_secret_value(), held.api_secret.get_secret_value()
    configure(held.log_level, secrets)


def main() -> None:
    """Run the command line of this process and exit with its code."""
    with ExitStack() as watched:
        watched.push(_shown)
        sys.exit(run(sys.argv[1:]))


def _shown(
    kind: type[BaseException] | None, bug: BaseException | None, trace: TracebackType | None
) -> None:
    """Show a bug and leave with a code of its own: Python's 1 would mean that the answer is no."""
    if kind is not None and issubclass(kind, Exception):
        traceback.print_exception(kind, bug, trace)
        raise SystemExit(BUG) from None


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; a bug passes through."""
    as_json = "--json" in arguments
    try:
        code = app(args=arguments, prog_name="folkmoot", standalone_mode=False)
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        return _misuse(error, as_json)
    except _expected() as error:
        emit_error(error.as_dict(), as_json)
        return int(error.exit_code)
    except SystemExit:
        # Raised by typer alone, with 1, once whoever read the output has gone.
        return BROKEN_PIPE
    except BrokenPipeError:
        return BROKEN_PIPE
    except OSError as error:
        emit_error(_refusal(error.strerror or str(error), error), as_json)
        return 3
    except MemoryError as error:
        emit_error(_refusal(f"memory ran out: {error}".rstrip(": "), error), as_json)
        return 3
    return code if isinstance(code, int) else 0


def _expected() -> Any:
    # Looked up only once something was raised: help does not pay for the import.
    from folkmoot.core.errors import FolkmootError

    return FolkmootError


def _refusal(message: str, error: OSError | MemoryError) -> dict[str, Any]:
    place = getattr(error, "filename", None)
    return {
        "type": "EnvironmentProblem",
        "message": message or type(error).__name__,
        "where": None if place is None else str(place),
        "allowed": "fewer bars or smaller options" if isinstance(error, MemoryError) else None,
    }


def _misuse(error: typer.TyperException, as_json: bool) -> int:
    """Report what typer found wrong with the arguments; it has no say in the exit code."""
    context = getattr(error, "ctx", None)
    if not as_json and hasattr(error, "show"):
        error.show()
        return 2
    allowed = getattr(error, "possibilities", None)
    where = context.command_path if context else "folkmoot"
    facts = {
        "type": "UsageError",
        "message": error.format_message(),
        "where": where,
        "allowed": list(allowed) if allowed else None,
    }
    emit_error(facts, as_json)
    return 2
