"""Read expressions over data of any kind: numpy and pandas compiled, tensors with torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from folkmoot.causal import Expr, compile
from folkmoot.core.errors import UsageError
from folkmoot.indicators.classes.given import Given, given, of_kind

DTYPES = ("float32", "float64")
EVENTS = ("buy_signals", "sell_signals")


class Indicator:
    """Named lines with the events that a trader acts on, over data of any kind.

    Every bar of `buy_signals` and `sell_signals` is True on the one bar on which its event
    happens and False on all others, those on which it is unknown among them.
    """

    def __init__(
        self,
        lines: Mapping[str, Expr],
        buy: Expr,
        sell: Expr,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.exprs = {**lines, "buy_signals": buy, "sell_signals": sell}
        self.device = device
        self.dtype = _dtype_name(dtype)

    def calculate(self, data: Any) -> dict[str, Any]:
        """Return the lines, then `buy_signals` and `sell_signals` (bool), of the kind of `data`.

        `data` is a pandas frame or a mapping with high, low and close, an array or tensor
        `[n, 4 or 5]` of open, high, low, close (volume), or closes `[n]` where nothing else is
        needed; a mapping of tensors may hold `[symbols, n]`. NaN is unknown. A pandas result is
        a series with the index of the data. Numpy and pandas are read compiled, tensors and data
        for a `device` other than the processor with torch.

        Raises `UsageError` for data of another form, `DataError` for what are no prices.
        """
        return read_data(self.exprs, data, self.device, self.dtype, EVENTS)


def read_data(
    exprs: Mapping[str, Expr],
    data: Any,
    device: Any = None,
    dtype: Any = None,
    events: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return every expression over the data, of their kind; `events` as bool, unknown as False.

    `dtype` is float32 or float64 of numpy or torch; by default that of tensors, else float64.
    Raises what `Indicator.calculate` raises.
    """
    wanted = sorted(frozenset[str]().union(*(expr.inputs for expr in exprs.values())))
    columns = given(data, wanted)
    kind = _dtype_name(dtype)
    if columns.kind == "torch" or str(device or "cpu") != "cpu":
        found = _with_torch(exprs, columns, device, kind)
    else:
        found = _compiled(exprs, columns, kind)
    # NaN > 0 is False: an event that is unknown did not happen.
    made = {name: x > 0.0 if name in events else x for name, x in found.items()}
    return {name: of_kind(name, values, columns) for name, values in made.items()}


def _compiled(exprs: Mapping[str, Expr], columns: Given, dtype: str | None) -> dict[str, Any]:
    found = compile(exprs).over(columns.columns)
    return {name: values.astype(dtype or "float64") for name, values in found.items()}


def _with_torch(
    exprs: Mapping[str, Expr], columns: Given, device: Any, dtype: str | None
) -> dict[str, Any]:
    import torch

    from folkmoot.causal.tensors import read

    tensors = {name: torch.as_tensor(values) for name, values in columns.columns.items()}
    own = str(next(iter(tensors.values())).dtype).rpartition(".")[-1]
    chosen = getattr(torch, dtype or (own if own in DTYPES else "float64"))
    return read(exprs, tensors, device=device, dtype=chosen)


def _dtype_name(dtype: Any) -> str | None:
    """Return the name of a dtype of numpy or torch, or raise `UsageError`."""
    if dtype is None:
        return None
    text = str(dtype)
    name = text.rpartition(".")[-1] if text.startswith("torch.") else _numpy_name(dtype)
    if name not in DTYPES:
        raise UsageError(f"dtype is {dtype}", where="indicator", allowed=list(DTYPES))
    return name


def _numpy_name(dtype: Any) -> str:
    try:
        return str(np.dtype(dtype))
    except TypeError:
        return str(dtype)
