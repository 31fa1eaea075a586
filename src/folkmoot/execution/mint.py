"""Fast construction of the frozen nouns on the desk's hot path."""

from collections.abc import Callable
from dataclasses import fields, make_dataclass
from typing import TypeVar

Noun = TypeVar("Noun")


def mint(noun: type[Noun]) -> Callable[..., Noun]:
    """Return a constructor of a frozen, slotted noun from all its fields by position.

    A frozen dataclass sets each field through `object.__setattr__`, which is most of its cost: a
    plain twin with the same slots is filled instead and then becomes the noun (a Decision of 17
    fields takes 0.4 instead of 1.9 microseconds). `__post_init__` does not run: for values that
    were checked before.

    >>> from folkmoot.core.decision import Target
    >>> mint(Target)(0.5, "why") == Target(0.5, "why")
    True
    """
    names = [field.name for field in fields(noun)]  # type: ignore[arg-type]  # a dataclass
    twin = make_dataclass(noun.__name__, names, slots=True, eq=False, repr=False)

    def minted(*values: object) -> Noun:
        made = twin(*values)
        made.__class__ = noun
        return made  # type: ignore[no-any-return]  # it has just become one

    return minted
