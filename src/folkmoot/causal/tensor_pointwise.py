"""Steps of the torch reading that look at one bar: arithmetic, comparisons, events.

NaN in, NaN out. The gradient of an unknown value is zero: a step is computed a second time on
harmless numbers where its first result is unknown, because 0 x NaN would spoil a whole history.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Rule = Callable[..., "Tensor"]


def tracked(*values: "Tensor") -> bool:
    """Tell whether a gradient is wanted of any of the values."""
    return any(value.requires_grad for value in values)


def root(x: "Tensor") -> "Tensor":
    """Return the square root, NaN below zero; its gradient at zero is zero, not infinite."""
    above = x > 0.0
    still = x.detach().where(x == 0.0, math.nan)
    return x.where(above, 1.0).sqrt().where(above, still)


def _guarded(rule: Rule, known: Rule) -> Rule:
    def guarded(*values: "Tensor") -> "Tensor":
        first = rule(*(value.detach() for value in values))
        good = known(first)
        if tracked(*values):
            first = rule(*(value.where(good, 1.0) for value in values))
        return first.where(good, math.nan)

    return guarded


def _known(rule: Rule) -> Rule:
    """Return the rule with gradients that an unknown value does not spoil."""
    safe = _guarded(rule, lambda value: ~value.isnan())

    def choose(*values: "Tensor") -> "Tensor":
        return safe(*values) if tracked(*values) else rule(*values)

    return choose


def _finite(rule: Rule) -> Rule:
    """Return the rule with NaN where its result is not finite."""
    return _guarded(rule, lambda value: value.isfinite())


def _event(rule: Rule) -> Rule:
    def event(*values: "Tensor") -> "Tensor":
        unknown = values[0].isnan()
        for value in values[1:]:
            unknown = unknown | value.isnan()
        # A constant has no dimension, which must not decide the type of the result.
        kind = max(values, key=lambda value: value.dim()).dtype
        return rule(*values).to(kind).masked_fill(unknown, math.nan)

    return event


def _power(x: "Tensor", y: "Tensor") -> "Tensor":
    power = x**y
    return power.where(~(x.isnan() | y.isnan()), math.nan)


def _where(event: "Tensor", a: "Tensor", b: "Tensor") -> "Tensor":
    return a.where(event != 0.0, b).where(~event.isnan(), math.nan)


RULES: dict[str, Rule] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": _known(lambda x, y: x * y),
    "div": _finite(lambda x, y: x / y),
    "pow": _finite(_power),
    "maximum": lambda x, y: x.maximum(y),
    "minimum": lambda x, y: x.minimum(y),
    "lt": _event(lambda x, y: x < y),
    "le": _event(lambda x, y: x <= y),
    "equal": _event(lambda x, y: x == y),
    "both": _event(lambda x, y: (x != 0.0) & (y != 0.0)),
    "either": _event(lambda x, y: (x != 0.0) | (y != 0.0)),
    "negate": _event(lambda x: x == 0.0),
    "neg": lambda x: -x,
    "abs": _known(lambda x: x.abs()),
    "log": _finite(lambda x: x.log()),
    "exp": _finite(lambda x: x.exp()),
    "sqrt": root,
    "sign": lambda x: x.sign().where(~x.isnan(), math.nan),
    "relu": lambda x: x.relu(),
    "sin": _known(lambda x: x.sin()),
    "cos": _known(lambda x: x.cos()),
    "tanh": _known(lambda x: x.tanh()),
    "where": _where,
}
"""The rule of every operator that reads one bar, by its name."""
