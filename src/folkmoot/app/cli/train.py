"""`folkmoot train`: fit members, validate them through time, keep them as versions."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from folkmoot.app.cli.output import (
    DataArgument,
    FeaturesOption,
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

if TYPE_CHECKING:
    from folkmoot.core.frames import Reading
    from folkmoot.proof.schooling import Version

SPELLINGS = {"True": "true", "False": "false", "None": "null", "none": "null"}
"""How else JSON's words are typed."""

TrainedOption = Annotated[
    str,
    typer.Option(
        "--models",
        help="Members to train, separated by commas (see `models`), or a TOML file of a committee.",
    ),
]
HorizonsOption = Annotated[
    str | None,
    typer.Option(
        "--horizons",
        help="Bars ahead, separated by commas, all in one fit; default: the committee file's, "
        "or else 1,5,15,30.",
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help="Versions are kept as NAME_MEMBER; default: market_timeframe."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="OPTION=VALUE",
        help="An option of every member that has it, e.g. hidden=32 or training.epochs=3.",
    ),
]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, help="Processes.")]
PromoteOption = Annotated[
    bool,
    typer.Option(
        "--promote", help="Put each version whose validation passed into use: NAME alone means it."
    ),
]


def run(
    bars: DataArgument,
    models: TrainedOption,
    features: FeaturesOption = "core",
    horizons: HorizonsOption = None,
    name: NameOption = None,
    options: SetOption = None,
    workers: WorkersOption = None,
    promote: PromoteOption = False,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    source: SourceOption = None,
    lenient: LenientOption = False,
    json: JsonOption = False,
) -> int:
    """Train members on six blocks of the bars, validate each, and keep the last block's fit.

    A killed run goes on where it was. Exit code 1 if a validation could not be passed: that version
    is kept but cannot be loaded. `prove`, `analyze` and `serve` read no version.
    """
    from folkmoot.app.load import load
    from folkmoot.app.shelf_names import check_names
    from folkmoot.app.shelved import shelf

    members, ahead = chosen(models, options or [], horizons)
    found = load(bars, symbol, timeframe, source, lenient=lenient)
    note_reading(found)
    prefix = _prefix(name, found)
    check_names(members, prefix, shelf())
    trained = _trained(found, members, prefix, features, ahead, workers)
    if promote:
        _promote(trained)
    if json:
        emit({"trained": [_facts(one) for one in trained]})
    else:
        from folkmoot.app.cli.models_tables import show_trained

        show_trained([_facts(one) for one in trained])
    return 0 if all(one.passed for one in trained) else 1


def _trained(
    found: "Reading",
    chosen: dict[str, dict[str, Any]],
    prefix: str,
    features: str,
    horizons: tuple[int, ...],
    workers: int | None,
) -> "list[Version]":
    from folkmoot.app.machine import workers_wanted
    from folkmoot.app.shelf_names import named
    from folkmoot.app.shelved import shelf
    from folkmoot.core.settings import settings
    from folkmoot.proof.schooling import school
    from folkmoot.proof.tried import Ledger
    from folkmoot.training import TaskStore

    with progress() as tell:
        return school(
            found.bars,
            chosen,
            names={model: f"{prefix}_{named(model)}" for model in chosen},
            features=features,
            horizons=horizons,
            store=TaskStore(settings().data_root / "tasks"),
            shelf=shelf(),
            ledger=Ledger(settings().data_root),
            workers=workers_wanted(workers),
            progress=tell,
        )


def chosen(
    models: str, words: list[str], horizons: str | None
) -> tuple[dict[str, dict[str, Any]], tuple[int, ...]]:
    """Return each member's options and the horizons; a member that cannot be made is refused."""
    from folkmoot import models as zoo
    from folkmoot.app.committee_file import is_committee, tells_horizon
    from folkmoot.app.load import committee_of
    from folkmoot.proof.schooling import HORIZONS

    committee = committee_of(models, 1)
    told = is_committee(models) and tells_horizon(models)
    ahead = _horizons(horizons, committee.horizons if told else None) or HORIZONS
    chosen = given(committee.models, words, committee.options)
    for model, options in chosen.items():
        zoo.build(model, horizons=ahead, **options)
    return chosen, ahead


def given(
    models: tuple[str, ...],
    words: list[str],
    written: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return each member's options from words like `hidden=32` or `training.epochs=3`.

    They go before those `written` in a file, by member.
    A value is read as JSON, or as text where it is none or the option wants a text; Python's
    spellings of true, false and null count too. Raises `UsageError` for a word without `=`,
    `UnknownOption` for an option that none of the members has.
    """
    from folkmoot import models as zoo
    from folkmoot.core.errors import UnknownOption
    from folkmoot.core.option_types import takes
    from folkmoot.core.plugins import load, options

    has = {model: set(options(load(zoo.__name__, model))) for model in models}
    chosen = {model: dict((written or {}).get(model, {})) for model in models}
    for word in words:
        option, inner, text = _parted(word)
        takers = [model for model in models if option in has[model]]
        if not takers or option == "horizons":
            allowed = sorted(set().union(*has.values()) - {"horizons"})
            raise UnknownOption(f"no option {option!r}", where="--set", allowed=allowed)
        for model in takers:
            if inner:
                whole = chosen[model].get(option, getattr(zoo.build(model), option))
                chosen[model][option] = {**whole, inner: _value(text)}
            else:
                wants_text = takes(load(zoo.__name__, model), option, text)
                chosen[model][option] = text if wants_text else _value(text)
    return chosen


def _parted(word: str) -> tuple[str, str, str]:
    """Return (option, the option inside it or nothing, value as typed)."""
    from folkmoot.core.errors import UsageError

    left, equals, text = word.partition("=")
    option, _, inner = left.strip().partition(".")
    if not equals or not option or (inner and option != "training"):
        raise UsageError(
            f"{word!r} sets nothing", where="--set", allowed="OPTION=VALUE, training.OPTION=VALUE"
        )
    return option, inner, text.strip()


def _value(text: str) -> Any:
    """Return what was typed as JSON, of which True, False, None and none are taken for a part."""
    import orjson

    try:
        return orjson.loads(SPELLINGS.get(text, text))
    except orjson.JSONDecodeError:
        return text


def _horizons(text: str | None, written: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Return the horizons typed, or else those `written` in a committee's file, if any."""
    from folkmoot.app.limits import FARTHEST
    from folkmoot.core.errors import UsageError

    if text is None:
        return written
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(re.fullmatch("0*[1-9][0-9]{0,5}", word) for word in words):
        raise UsageError(
            f"{text[:80]!r} are no horizons",
            where="--horizons",
            allowed=f"e.g. 1,5,15,30, each {FARTHEST} at most",
        )
    found = tuple(sorted({int(word) for word in words}))
    if written is not None and set(found) != set(written):
        raise UsageError(
            f"--horizons {text}, but the committee's file says {', '.join(map(str, written))}",
            where="--horizons",
            allowed="the file's, or a file without horizons",
        )
    return found


def _prefix(name: str | None, found: "Reading") -> str:
    """Return what the versions' names begin with: as given, or the market and the timeframe."""
    if name is not None:
        return name
    from folkmoot.app.load import plain_name
    from folkmoot.app.shelf_names import named

    return named(plain_name(found.bars))[:40].strip("_")


def _promote(trained: "list[Version]") -> None:
    from folkmoot.app.shelved import shelf

    for one in trained:
        if one.passed:
            shelf().promote(one.name, one.version)
        else:
            note(f"{one.name} v{one.version} is not in use: its validation did not pass")


def _facts(one: "Version") -> dict[str, Any]:
    from folkmoot.app.shelved import shelf

    place = shelf().path(one.name, one.version)
    in_use = shelf().current(one.name) == one.version
    return {
        "name": one.name,
        "version": one.version,
        "in_use": in_use,
        "path": str(place),
        "card": one.card,
    }
