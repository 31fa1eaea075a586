"""What a member has learnt, apart from what was set: arrays for safetensors, facts for JSON."""

import inspect
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from folkmoot.core.errors import DataError
from folkmoot.models import rows

Arrays = dict[str, npt.NDArray[Any]]
M = TypeVar("M")


def save(member: rows.Member) -> tuple[Arrays, dict[str, Any]]:
    """Return (arrays, facts) of a fitted member, or raise `Untrained`.

    An option is kept as the attribute of its name; `columns`, if the member has them, are the
    names it was fitted on.
    """
    arrays = {name: np.ascontiguousarray(a) for name, a in rows.learnt(member).items()}
    names = inspect.signature(type(member)).parameters
    facts: dict[str, Any] = {"options": {name: getattr(member, name) for name in names}}
    facts["columns"] = list(getattr(member, "columns", ()))
    return arrays, facts


def load(kind: type[M], arrays: Arrays, facts: dict[str, Any]) -> M:
    """Rebuild a fitted member from what `save` returned.

    Raises `DataError` for arrays that hold a number no fit can produce.
    """
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise DataError(f"array {name!r} is not finite", where=kind.__name__, allowed="finite")
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in facts["options"].items()}
    member: Any = kind(**options)
    wanted = (len(member.horizons), len(member.levels))
    if "shape" in arrays and arrays["shape"].shape != wanted:
        raise DataError(
            f"its quantiles have shape {arrays['shape'].shape}",
            where=kind.__name__,
            allowed=f"{wanted}",
        )
    member.learnt = dict(arrays)
    member.columns = tuple(facts["columns"])
    return member  # type: ignore[no-any-return]  # built from the class it is declared as
