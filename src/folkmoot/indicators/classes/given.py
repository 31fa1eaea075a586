"""What may be handed over as prices: a frame, a mapping, an array, a tensor, or closes alone."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from folkmoot.core.bars import COLUMNS, PRICES
from folkmoot.core.errors import DataError, UsageError

Kind = Literal["numpy", "pandas", "torch"]
FORMS = (
    "a frame or mapping with open, high, low, close (volume)",
    "an array [n, 4 or 5] in that order",
    "closes [n]",
)


@dataclass(frozen=True, slots=True)
class Given:
    """The wanted columns as float64 arrays `[n]`, or as tensors `[n]` or `[symbols, n]`.

    `index` is the pandas index, None for other kinds.
    """

    kind: Kind
    columns: dict[str, Any]
    index: Any = None


def given(data: Any, wanted: Iterable[str]) -> Given:
    """Return the wanted columns of whatever was handed over; names count in any case.

    Raises `UsageError` for a form, a kind or a column that does not fit, `DataError` for what are
    no numbers and for a high below its low, with the row.
    """
    table = _table(data)
    missing = [name for name in wanted if name not in table]
    if missing:
        raise UsageError(
            f"the data have no {', '.join(missing)}", where="indicator data", allowed=list(FORMS)
        )
    chosen = {name: table[name] for name in wanted}
    kinds = {name: _kind(values) for name, values in chosen.items()}
    if len(set(kinds.values())) != 1:
        raise UsageError(f"kinds are mixed: {kinds}", where="indicator data", allowed="one kind")
    kind = next(iter(kinds.values()))
    index: Any = next(iter(chosen.values())).index if kind == "pandas" else None
    if kind == "pandas" and not all(index.equals(values.index) for values in chosen.values()):
        raise UsageError("indices differ", where="indicator data", allowed="one index")
    lines = {name: _line(name, values, kind) for name, values in chosen.items()}
    _check(lines)
    return Given(kind, lines, index)


def of_kind(name: str, values: Any, like: Given) -> Any:
    """Return an array or tensor as the kind of `like`; a pandas series keeps the index."""
    if like.kind == "torch":
        return values
    if _is(values, "torch", "Tensor"):
        values = values.cpu().numpy()
    if like.kind == "numpy":
        return values
    import pandas as pd

    return pd.Series(values, index=like.index, name=name)


def _table(data: Any) -> dict[str, Any]:
    if isinstance(data, Mapping) or _is(data, "pandas", "DataFrame"):
        return {str(name).lower(): data[name] for name in data}
    if _is(data, "pandas", "Series"):
        return {"close": data}
    values = data if _is(data, "torch", "Tensor") else np.asarray(data)
    if values.ndim == 1:
        return {"close": values}
    if values.ndim == 2 and values.shape[1] in (len(PRICES), len(COLUMNS)):
        return {name: values[:, place] for place, name in enumerate(COLUMNS[: values.shape[1]])}
    raise UsageError(
        f"data of shape {tuple(values.shape)}", where="indicator data", allowed=list(FORMS)
    )


def _is(value: Any, module: str, name: str) -> bool:
    """Tell whether a value is of a library's class, without loading the library."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


def _kind(values: Any) -> Kind:
    if _is(values, "torch", "Tensor"):
        return "torch"
    return "pandas" if _is(values, "pandas", "Series") else "numpy"


def _line(name: str, values: Any, kind: Kind) -> Any:
    if kind == "torch":
        if values.ndim not in (1, 2) or values.is_complex():
            raise UsageError(
                f"{name} has shape {tuple(values.shape)}",
                where="indicator data",
                allowed="real numbers [n] or [symbols, n]",
            )
        return values
    try:
        if kind == "pandas":
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)
        line = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is not numeric: {error}", where="indicator data") from error
    if line.ndim != 1:
        raise UsageError(
            f"{name} has shape {line.shape}", where="indicator data", allowed="one series [n]"
        )
    return line


def _check(lines: Mapping[str, Any]) -> None:
    shapes = {name: tuple(values.shape) for name, values in lines.items()}
    if len(set(shapes.values())) > 1:
        raise UsageError(f"columns differ in shape: {shapes}", where="indicator data")
    if "high" in lines and "low" in lines:
        crossed = lines["high"] < lines["low"]
        if bool(crossed.any()):
            places = np.argwhere(crossed if isinstance(crossed, np.ndarray) else crossed.cpu())
            row = np.asarray(places).reshape(-1, crossed.ndim)[0].tolist()
            raise DataError(f"high is below low at {row}", where="indicator data")
