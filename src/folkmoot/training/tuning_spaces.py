"""What may be tried: the options of a family, each with its range, and a person's own in TOML.

[hidden]                 # an option of the member: a range of whole numbers
low = 16
high = 96
step = 16
[training.rate]          # an option of a network's fit: a range, even on the logarithm
low = 1e-4
high = 1e-2
log = true
[dropout]
choices = [0.0, 0.1, 0.3]
[training]
epochs = 4               # a plain value is fixed

What a file says of an option stands in place of the family's range; the other ranges stay.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.errors import DataError, UnknownOption, UsageError
from folkmoot.core.hashing import canonical_json

NESTED = "training"
"""The one option whose own options can be tried: how a network is fitted."""
ASKED = ("horizons",)
"""Options that are the question, not a way to answer it."""
KEYS = ("low", "high", "step", "log", "choices")
BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML takes without quotes."""


@dataclass(frozen=True, slots=True)
class Span:
    """Every number from `low` to `high`; whole ones, `step` apart, if all are whole."""

    low: float
    high: float
    step: int | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def holds(self, value: Any) -> bool:
        """Return whether a value is one of these."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        inside = self.low <= value <= self.high
        if not self.whole:
            return inside
        return inside and isinstance(value, int) and (value - int(self.low)) % (self.step or 1) == 0


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these values, in no order."""

    values: tuple[Any, ...]

    def holds(self, value: Any) -> bool:
        """Return whether a value is one of these."""
        return canonical_json(value) in [canonical_json(known) for known in self.values]


@dataclass(frozen=True, slots=True)
class Fixed:
    """One value that is not tried."""

    value: Any

    def holds(self, value: Any) -> bool:
        """Return whether it is this value."""
        return canonical_json(value) == canonical_json(self.value)


Space = dict[str, Span | Choice | Fixed]

FIT: Space = {
    "training.rate": Span(1e-4, 1e-2, log=True),
    "training.weight_decay": Span(1e-4, 1e-1, log=True),
}
NET: Space = FIT | {"dropout": Span(0.0, 0.5)}
WINDOW: Space = NET | {"lookback": Span(24, 120, 12)}
TREES: Space = {
    "trees": Span(20, 400, 10),
    "rate": Span(0.005, 0.3, log=True),
    "column_share": Span(0.1, 1.0),
}
PENALTY = Span(1e-5, 1.0, log=True)

SPACES: dict[str, Space] = {
    "logistic": {"c": PENALTY},
    "logistic_ftrl": {"c": PENALTY, "rate": Span(1e-4, 1e-1, log=True)},
    "lightgbm": TREES | {"leaves": Span(3, 63, log=True)},
    "xgboost": TREES | {"depth": Span(2, 8)},
    "catboost": TREES | {"depth": Span(2, 8)},
    "lorentzian": {"neighbours": Span(4, 64, log=True), "candidates": Span(200, 4_000, 100)},
    "kernel": {"analogues": Span(500, 8_000, 500), "prior": Span(5.0, 500.0, log=True)},
    "gru": WINDOW | {"hidden": Span(16, 160, 4)},
    "lstm": WINDOW | {"hidden": Span(16, 160, 4)},
    "lstm_model": WINDOW | {"hidden": Span(32, 160, 4)},
    "cnn": WINDOW | {"width": Span(16, 128, 4)},
    "cnn_lstm": WINDOW | {"hidden": Span(16, 160, 4)},
    "transformer": WINDOW | {"width": Span(32, 192, 16)},
    "patchtst": WINDOW | {"width": Span(32, 192, 16)},
    "tft": WINDOW | {"hidden": Span(8, 64, 4)},
    "trading_model": WINDOW | {"hidden": Span(32, 192, 4)},
    "nhits": WINDOW | {"width": Span(32, 256, 8)},
    "dlinear": FIT | {"lookback": Span(24, 120, 12), "filters": Span(2, 16)},
    "engram": NET | {"lookback": Span(40, 136, 12), "width": Span(16, 64, 4)},
    "convnext": NET,
    "convnext_lstm": NET | {"hidden": Span(16, 128, 4)},
}
"""The range of each option by family: the longest name that a member's name begins with."""


def space_of(model: str, path: str | Path | None = None) -> Space:
    """Return what may be tried of a member, with what the TOML file at `path` says in its place.

    Raises `UsageError` for a member that does not exist, one without a range, a file that is none
    or a range that is none; `UnknownOption` for an option that the member does not have.
    """
    plugins.load("folkmoot.models", model)
    fits = [name for name in SPACES if model == name or model.startswith(f"{name}_")]
    space = dict(SPACES[max(fits, key=len)]) if fits else {}
    if path is not None:
        space |= _read(Path(path))
    if all(isinstance(entry, Fixed) for entry in space.values()):
        raise UsageError(
            f"nothing of {model} may be tried",
            where="tune",
            allowed=f"--space FILE, or a member of {sorted(SPACES)}",
        )
    _check(model, space)
    return space


def default_point(model: str, space: Space) -> dict[str, Any] | None:
    """Return the member's own value of each option that is tried; None if one lies outside."""
    plugin = plugins.load("folkmoot.models", model)
    own = plugins.options(plugin) | plugins.preset("folkmoot.models", model)
    plan = getattr(models.build(model), "plan", None)
    point = {}
    for name, entry in space.items():
        outer, _, inner = name.partition(".")
        value = getattr(plan, inner, None) if inner else own[outer]
        if not isinstance(entry, Fixed):
            point[name] = value
            if not entry.holds(value):
                return None
    return point


def suggest(trial: Any, space: Space) -> dict[str, Any]:
    """Return one value for each option, chosen by an Optuna trial."""
    found: dict[str, Any] = {}
    for name, entry in space.items():
        if isinstance(entry, Fixed):
            found[name] = entry.value
        elif isinstance(entry, Choice):
            labels = [label(value) for value in entry.values]
            found[name] = entry.values[labels.index(trial.suggest_categorical(name, labels))]
        elif entry.whole:
            step = entry.step or 1
            found[name] = trial.suggest_int(
                name, int(entry.low), int(entry.high), step=step, log=entry.log
            )
        else:
            found[name] = trial.suggest_float(name, entry.low, entry.high, log=entry.log)
    return found


def label(value: Any) -> str:
    """Return a choice as text: what a study in Optuna's storage shows."""
    return canonical_json(value).decode()


def nested(point: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as the member takes them: those of the fit in a table of their own.

    >>> nested({"hidden": 16, "training.rate": 0.01})
    {'hidden': 16, 'training': {'rate': 0.01}}
    """
    found: dict[str, Any] = {}
    for name, value in point.items():
        outer, _, inner = name.partition(".")
        if inner:
            found.setdefault(outer, {})[inner] = value
        else:
            found[outer] = value
    return found


def described(space: Space) -> dict[str, Any]:
    """Return a space as JSON values."""
    return {name: asdict(entry) for name, entry in space.items()}


def toml(model: str, horizon: int, options: Mapping[str, Any]) -> str:
    """Return the TOML table `committee`: the arguments of a `Committee` of this member.

    An option of None is left out: TOML has no word for it, and only a default is None.
    """
    place = f"committee.options.{_key(model)}"
    told = {name: value for name, value in options.items() if value is not None}
    tables = {name: value for name, value in told.items() if isinstance(value, Mapping)}
    lines = ["[committee]", f"models = {_toml([model])}", f"horizon = {horizon}", "", f"[{place}]"]
    lines += [
        f"{_key(name)} = {_toml(value)}" for name, value in told.items() if name not in tables
    ]
    for name, table in tables.items():
        lines += ["", f"[{place}.{_key(name)}]"]
        lines += [f"{_key(key)} = {_toml(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    """Return a name as a TOML key, in quotes unless its letters do without."""
    return name if BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    """Return a text as TOML, which is JSON's but for the one control character JSON lets stand."""
    return label(value).replace("\x7f", "\\u007f")


def _toml(value: Any) -> str:
    """Return a value as TOML, of which JSON's whole numbers and true and false are a part."""
    if isinstance(value, float):
        whole = math.isfinite(value) and value == int(value) and abs(value) < 1e15
        return f"{value:.1f}" if whole else repr(float(value))
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {_toml(part)}" for key, part in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return _text(value) if isinstance(value, str) else label(value)


def _read(path: Path) -> Space:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise DataError(str(problem), where=str(path), allowed="a TOML file in UTF-8") from problem
    space: Space = {}
    for name, entry in tables.items():
        if name == NESTED:
            if not isinstance(entry, dict):
                raise _no_range(name, {"training": entry})
            space |= {f"{NESTED}.{key}": _entry(f"{NESTED}.{key}", e) for key, e in entry.items()}
        else:
            space[name] = _entry(name, entry)
    return space


def _entry(name: str, given: Any) -> Span | Choice | Fixed:
    if not isinstance(given, dict):
        return Fixed(given)
    unknown = [key for key in given if key not in KEYS]
    if unknown:
        raise UnknownOption(
            f"a range has no {', '.join(unknown)}", where=f"space.{name}", allowed=list(KEYS)
        )
    if "choices" in given:
        values = given["choices"]
        if len(given) > 1 or not isinstance(values, list) or not values:
            raise _no_range(name, given)
        return Choice(tuple(values))
    return _span(name, given)


def _span(name: str, given: dict[str, Any]) -> Span:
    numbers = [given.get("low"), given.get("high"), given.get("step", 1)]
    log = given.get("log", False)
    good = all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
    if not good or not isinstance(log, bool) or not all(map(math.isfinite, numbers)):
        raise _no_range(name, given)
    low, high, step = numbers
    span = Span(low, high, given.get("step"), log)
    stepped = "step" in given
    if not low < high or (log and not low > 0) or (stepped and (log or not span.whole)):
        raise _no_range(name, given)
    if not isinstance(step, int) or step < 1:
        raise _no_range(name, given)
    # Otherwise the top of the range could never be tried.
    if span.whole and (high - low) % step:
        raise _no_range(name, given)
    return span if span.whole else Span(float(low), float(high), None, log)


def _no_range(name: str, given: dict[str, Any]) -> UsageError:
    return UsageError(
        f"{given} is no range",
        where=f"space.{name}",
        allowed="low < high (above 0 with log), whole ones with a step that leads from low to "
        "high; or choices = [one, or, more]",
    )


def _check(model: str, space: Space) -> None:
    """Refuse options that the member, or the fit of a network, does not have."""
    known = list(plugins.options(plugins.load("folkmoot.models", model)))
    for name in space:
        outer, _, inner = name.partition(".")
        if outer in ASKED:
            raise UsageError(f"{outer} is asked, not tried", where="space", allowed="--horizon")
        if outer not in known:
            raise UnknownOption(
                f"{model} has no option {outer!r}",
                where="space",
                allowed=sorted(set(known) - set(ASKED)),
            )
        if inner:
            _check_fit(inner)


def _check_fit(inner: str) -> None:
    from folkmoot.models.neural.plan import Plan

    if inner not in Plan.__dataclass_fields__:
        raise UnknownOption(
            f"a fit has no option {inner!r}",
            where="space.training",
            allowed=sorted(Plan.__dataclass_fields__),
        )
