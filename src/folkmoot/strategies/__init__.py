"""Beliefs to wanted weights, one file each; a file in this folder is a registration."""

from typing import Any

from folkmoot.core import plugins
from folkmoot.core.protocols import Strategy


def names() -> list[str]:
    """Return the names of every strategy, sorted.

    >>> "half_kelly" in names()
    True
    """
    return plugins.names(__name__)


def build(name: str, **options: Any) -> Strategy:
    """Construct a strategy by name; raise `UnknownOption` that lists the valid options."""
    made: Strategy = plugins.build(__name__, name, **options)
    return made
