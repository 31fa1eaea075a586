"""What the parameters of an indicator may be: read off their defaults, else refused in words."""

import inspect
import math
from collections.abc import Callable, Mapping
from functools import wraps
from numbers import Real
from typing import Any, ParamSpec, TypeVar

from folkmoot.causal import Expr, const
from folkmoot.causal.counts import LONGEST, count
from folkmoot.core.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")
Rule = Callable[[Any, str, str], Any]
"""From a value, its name and the indicator's to the value; raises `UsageError`."""


def checked(**rules: Rule) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Hold the arguments of an indicator to rules before it sees them.

    A parameter without a rule of its own follows its default: a whole number from 1, a finite
    number, an expression, or a tuple of such of the same length. A whole float such as 9.0 comes
    as 9 everywhere.
    """

    def hold(function: Callable[P, R]) -> Callable[P, R]:
        signature, name = inspect.signature(function), function.__name__
        known = {**_implied(signature.parameters), **rules}

        @wraps(function)
        def held(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs)
            for key in given.arguments.keys() & known.keys():
                given.arguments[key] = known[key](given.arguments[key], key, name)
            return function(*given.args, **given.kwargs)

        return held

    return hold


def whole(least: int = 1, most: int = LONGEST) -> Rule:
    """Return the rule of a whole number from `least` to `most`."""
    return lambda value, name, where: count(value, where, name, least, most)


def number(least: float = -math.inf, most: float = math.inf, *, above: float = -math.inf) -> Rule:
    """Return the rule of a finite number from `least` to `most`, or greater than `above`."""
    bounds = [f"> {above:g}"] * (above > -math.inf) + [f">= {least:g}"] * (least > -math.inf)
    bounds += [f"<= {most:g}"] * (most < math.inf)

    def rule(value: Any, name: str, where: str) -> float:
        known = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not known or not (least <= value <= most and value > above):
            raise UsageError(
                f"{name} is {value!r}", where=where, allowed=", ".join(["finite", *bounds])
            )
        return float(value)

    return rule


def several(*rules: Rule) -> Rule:
    """Return the rule of a tuple or list that has one value for each of the rules."""

    def rule(value: Any, name: str, where: str) -> tuple[Any, ...]:
        if not isinstance(value, (tuple, list)) or len(value) != len(rules):
            allowed = f"{len(rules)} numbers"
            raise UsageError(f"{name} is {value!r}", where=where, allowed=allowed)
        places = zip(rules, value, strict=True)
        return tuple(own(part, f"{name}[{k}]", where) for k, (own, part) in enumerate(places))

    return rule


def optional(rule: Rule) -> Rule:
    """Return the rule of a value that follows another one or is None."""
    return lambda value, name, where: None if value is None else rule(value, name, where)


def expression(value: Any, name: str, where: str) -> Any:
    """Be the rule of an expression, or of a number in its place."""
    if not isinstance(value, (Expr, Real)) or isinstance(value, bool):
        raise UsageError(f"{name} is {value!r}", where=where, allowed="an expression")
    return value if isinstance(value, Expr) else const(float(value))


def _implied(parameters: Mapping[str, inspect.Parameter]) -> dict[str, Rule]:
    rules = {name: _of(parameter.default) for name, parameter in parameters.items()}
    return {name: rule for name, rule in rules.items() if rule is not None}


def _of(default: Any) -> Rule | None:
    if isinstance(default, Expr):
        return expression
    if isinstance(default, tuple):
        return several(*(rule for rule in map(_of, default) if rule is not None))
    if isinstance(default, bool) or not isinstance(default, Real):
        return None
    return whole() if isinstance(default, int) else number()
