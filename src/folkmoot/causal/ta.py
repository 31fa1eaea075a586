"""Every TA-Lib function as an operator: the function over history, its handle bar by bar.

A bar on which any input is unknown is not shown to TA-Lib, in either reading; its value is NaN
and the function goes on over the known bars as if they were adjacent. Bars before the lookback
and results that are not finite are NaN. Outputs are float64, whole numbers too.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from folkmoot.causal.expr import Expr, Value, as_expr, const
from folkmoot.causal.inputs import column
from folkmoot.causal.table import NEVER, TOLERANCE, Param, Params
from folkmoot.core.bars import Floats
from folkmoot.core.errors import UnknownOption, UsageError

PAIR = {"price0": "high", "price1": "low"}
PERIODS = 14.0


def ta(name: str, *inputs: Value, output: str | None = None, **params: float) -> Expr:
    """Return one output of a TA-Lib function.

    `inputs` default to TA-Lib's own: the prices it names, high and low for two series, 14 for
    periods. A function with several outputs needs `output`. Raises `UsageError` for a function,
    an output or a number of inputs that does not exist, `UnknownOption` for a parameter.

    >>> ta("RSI", timeperiod=7).warmup
    7
    >>> ta("MACD", output="macdsignal")
    ta(MACD, close, output=macdsignal)
    """
    info = _info(name.upper())
    names = info["output_names"]
    if output is None and len(names) > 1:
        raise UsageError(f"{name} has {len(names)} outputs", where="ta output", allowed=names)
    if output is not None and output not in names:
        raise UsageError(f"{name} has no output {output!r}", where="ta output", allowed=names)
    defaults = _default_inputs(info)
    if inputs and len(inputs) != len(defaults):
        raise UsageError(
            f"{name} was given {len(inputs)} inputs", where="ta inputs", allowed=_texts(defaults)
        )
    options: list[Param] = []
    for key, value in sorted(_checked(name, info["parameters"], params).items()):
        options += [key, value]
    node = (info["name"], output if output and len(names) > 1 else "", *options)
    if wait_and_fade(node)[0] < 0:
        allowed = [f"{key} (default {value})" for key, value in info["parameters"].items()]
        raise UsageError(f"{name}: {params} is out of range", where="ta", allowed=allowed)
    return Expr("ta", tuple(as_expr(value) for value in inputs) or defaults, node)


def whole(params: Params, inputs: Sequence[Floats]) -> Floats:
    """Return the function over all bars, `float64[n]`."""
    known = _known(inputs)
    values = np.full(len(known), np.nan)
    shown = [np.ascontiguousarray(values_in[known]) for values_in in inputs]
    if len(shown[0]):
        values[known] = _outcome(params, shown)
    return values


class Reading:
    """The function bar by bar: a history until TA-Lib can open a handle on it, then the handle."""

    def __init__(self, params: Params, inputs: Sequence[Floats] = ()) -> None:
        known = _known(inputs) if inputs else np.zeros(0, dtype=bool)
        self._params = params
        self._place = _place(params)
        self._lookback = wait_and_fade(params)[0]
        self._rows: list[tuple[float, ...]] = list(
            zip(*(values[known].tolist() for values in inputs), strict=True)
        )
        self._handle: Any = None
        self._open()

    def push(self, row: tuple[float, ...]) -> float:
        """Take the inputs of the next bar and return its value."""
        if not all(-np.inf < value < np.inf for value in row):
            return np.nan
        if self._handle is not None:
            found = self._handle.update(*row)
            return _finite(found[self._place] if isinstance(found, tuple) else found)
        self._rows.append(row)
        self._open()
        return float(_outcome(self._params, self._history())[-1])

    def _history(self) -> list[Floats]:
        return [np.array(values, dtype=np.float64) for values in zip(*self._rows, strict=True)]

    def _open(self) -> None:
        """Open the handle as soon as there is history enough, which it alone can tell."""
        import talib
        from talib import stream

        if len(self._rows) <= self._lookback:
            return
        make = getattr(stream, str(self._params[0]))
        try:
            self._handle = make(*self._history(), **_options(self._params))
        except talib.InsufficientHistory:
            return


@lru_cache(maxsize=4096)
def wait_and_fade(params: Params) -> tuple[int, int]:
    """Return the lookback and the measured bars until the function's start no longer shows.

    The lookback is negative where TA-Lib does not accept the parameters.
    The second is measured on a fixed series: the function over all of it against the function
    begun later, at three places. `NEVER` where they do not meet.
    """
    lookback = int(_function(str(params[0]), _options(params)).lookback)
    if lookback < 0:
        return lookback, 0
    names = [str(node.params[0]) for node in _default_inputs(_info(str(params[0])))]
    reach = 24 * (lookback + 30)
    series = _series(reach + 400)
    inputs = [series[name] if name in series else series["periods"] for name in names]
    entire = _outcome(params, inputs)
    spans = [
        _meeting(entire[cut:], _outcome(params, [x[cut:] for x in inputs]))
        for cut in (100, 233, 400)
    ]
    longest = max(spans)
    faded = NEVER if longest > reach // 2 else max(0, longest + longest // 4 - lookback)
    return lookback, faded


def _meeting(entire: Floats, later: Floats) -> int:
    close = np.abs(entire - later) <= TOLERANCE * np.maximum(np.abs(entire), 1e-3)
    apart = np.flatnonzero(~(close | np.isnan(later)))
    return int(apart[-1]) + 1 if len(apart) else 0


def _series(n: int) -> dict[str, Floats]:
    noise = np.random.default_rng(20).standard_normal((4, n))
    close = 100.0 * np.exp(np.cumsum(0.005 * noise[0]))
    open_ = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(open_, close) * (1.0 + 0.002 * np.abs(noise[1]))
    low = np.minimum(open_, close) * (1.0 - 0.002 * np.abs(noise[2]))
    volume = 1000.0 * np.exp(0.3 * noise[3])
    series = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
    return {**series, "periods": np.full(n, PERIODS)}


def _outcome(params: Params, shown: Sequence[Floats]) -> Floats:
    import talib

    found = getattr(talib, str(params[0]))(*shown, **_options(params))
    if isinstance(found, (tuple, list)):
        found = found[_place(params)]
    values = np.array(found, dtype=np.float64)
    values[: _function(str(params[0]), _options(params)).lookback] = np.nan
    values[~np.isfinite(values)] = np.nan
    return values


def _known(inputs: Sequence[Floats]) -> Any:
    return np.all(np.isfinite(np.array(inputs)), axis=0)


def _finite(value: float) -> float:
    return float(value) if -np.inf < value < np.inf else np.nan


def _options(params: Params) -> dict[str, Any]:
    return {str(key): value for key, value in zip(params[2::2], params[3::2], strict=True)}


def _function(name: str, options: Mapping[str, Any]) -> Any:
    from talib import abstract

    function: Any = abstract.Function(name)  # type: ignore[attr-defined]  # not in its stub
    function.parameters = dict(options)
    return function


def _place(params: Params) -> int:
    """Return the position of the wanted output among the function's."""
    names: list[str] = _info(str(params[0]))["output_names"]
    return names.index(str(params[1])) if params[1] else 0


def _texts(nodes: Sequence[Expr]) -> list[str]:
    return [str(node) for node in nodes]


@lru_cache(maxsize=512)
def _info(name: str) -> Mapping[str, Any]:
    import talib

    functions = sorted(talib.get_functions())
    if name not in functions:
        raise UsageError(f"TA-Lib has no function {name!r}", where="ta", allowed=functions)
    found: Mapping[str, Any] = _function(name, {}).info
    return found


def _default_inputs(info: Mapping[str, Any]) -> tuple[Expr, ...]:
    nodes: list[Expr] = []
    for kind, wanted in info["input_names"].items():
        if kind == "periods":
            nodes.append(const(PERIODS))
        elif kind in PAIR:
            nodes.append(column(PAIR[kind]))
        else:
            names = [wanted] if isinstance(wanted, str) else wanted
            nodes += [column(name) for name in names]
    return tuple(nodes)


def _checked(
    name: str, defaults: Mapping[str, float], params: Mapping[str, float]
) -> dict[str, float]:
    """Return the parameters that differ from their defaults, each in its default's type."""
    unknown = sorted(set(params) - set(defaults))
    if unknown:
        raise UnknownOption(
            f"{name} has no parameter {', '.join(unknown)}",
            where="ta parameters",
            allowed=list(defaults) or "none",
        )
    typed = {key: type(defaults[key])(value) for key, value in params.items()}
    return {key: value for key, value in typed.items() if value != defaults[key]}
