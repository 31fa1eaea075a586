"""All chart patterns as a few signed numbers that fade with age."""

from collections.abc import Iterable, Mapping

from folkmoot.causal import Expr, leak, where
from folkmoot.indicators._checks import checked, number
from folkmoot.indicators.double_tops import double_tops
from folkmoot.indicators.flags import flags
from folkmoot.indicators.head_and_shoulders import head_and_shoulders
from folkmoot.indicators.rectangles import rectangles
from folkmoot.indicators.triangles import triangles

SIGNED = {
    "head_and_shoulders": (("bottom",), ("top",)),
    "double": (("double_bottom",), ("double_top",)),
    "triple": (("triple_bottom",), ("triple_top",)),
    "triangle": (("ascending",), ("descending",)),
    "wedge": (("falling_wedge",), ("rising_wedge",)),
    "flag": (("bull",), ("bear",)),
}
"""What each number adds up: patterns that point upwards, patterns that point downwards."""

SYMMETRICAL = ("symmetrical", "rectangle")
"""Patterns that point nowhere until price leaves them."""


@checked(half=number(above=0.0))
def patterns(half: float = 20.0, log: bool = False) -> dict[str, Expr]:
    """Return every chart pattern at its defaults as numbers for a model.

    A pattern adds its quality, 0 to 1, on the bar that confirms it, with the sign of where it
    points; what was added halves every `half` bars. `head_and_shoulders`, `double`, `triple`,
    `triangle`, `wedge` and `flag` are positive for patterns that point upwards; `symmetrical` and
    `rectangle` point nowhere and count as they are. `breakouts` adds 1 for a breakout upwards and
    takes 1 for one downwards, of any pattern. 0 when nothing has happened. With `log` on
    logarithms of prices.

    >>> patterns()["wedge"].warmup
    13
    """
    found = {
        **head_and_shoulders(log=log),
        **double_tops(log=log),
        **triangles(log=log),
        **rectangles(log=log),
        **flags(log=log),
    }
    kept = 0.5 ** (1.0 / half)
    told = {
        name: leak(_weighed(found, up) - _weighed(found, down), kept)
        for name, (up, down) in SIGNED.items()
    }
    told |= {name: leak(_weighed(found, (name,)), kept) for name in SYMMETRICAL}
    rises, falls = _breakouts(found)
    told["breakouts"] = leak(_count(found, rises) - _count(found, falls), kept)
    return told


def _weighed(found: Mapping[str, Expr], names: Iterable[str]) -> Expr:
    return _added(where(found[name], found[f"{name}_quality"], 0.0) for name in names)


def _count(found: Mapping[str, Expr], names: Iterable[str]) -> Expr:
    return _added(found[name] for name in names)


def _added(terms: Iterable[Expr]) -> Expr:
    first, *others = terms
    for term in others:
        first = first + term
    return first


def _breakouts(found: Mapping[str, Expr]) -> tuple[list[str], list[str]]:
    """Return the names of the breakout events upwards and downwards."""
    rises = [name for name in found if name.endswith("_breakout_up")]
    falls = [name for name in found if name.endswith("_breakout_down")]
    for up, down in SIGNED.values():
        rises += [f"{name}_breakout" for name in up if f"{name}_breakout" in found]
        falls += [f"{name}_breakout" for name in down if f"{name}_breakout" in found]
    return rises, falls
