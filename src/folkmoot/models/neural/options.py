"""What the options of many families must be, checked in one place."""

from typing import Any

from folkmoot.core.errors import UsageError


def check_sizes(member: Any, where: str, *names: str) -> None:
    """Raise `UsageError` unless the named options are 1 or more and `dropout` is in [0, 1)."""
    told = {name: getattr(member, name) for name in names}
    sizes = [n for size in told.values() for n in (size if isinstance(size, tuple) else (size,))]
    if min(sizes) < 1 or not 0.0 <= member.dropout < 1.0:
        said = ", ".join(f"{name} {size}" for name, size in told.items())
        raise UsageError(
            f"{said}, dropout {member.dropout}",
            where=where,
            allowed="sizes of 1 or more, dropout from 0 to below 1",
        )


def check_heads(where: str, name: str, width: int, heads: int) -> None:
    """Raise `UsageError` unless the heads of an attention share `width` evenly."""
    if width % heads:
        raise UsageError(
            f"{name} = {width} is divided among {heads} heads",
            where=where,
            allowed="a multiple of heads",
        )
