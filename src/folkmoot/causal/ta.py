"""Every TA-Lib function as an operator: the function over history, its handle bar by bar.

A bar on which any input is unknown is not shown to TA-Lib, in either reading; its value is NaN
and the function goes on over the known bars as if they were adjacent. Bars before the lookback
and results that are not finite are NaN. Outputs are float64, whole numbers too.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from numbers import Real
from operator import itemgetter
from typing import Any

import numpy as np

from folkmoot.causal.expr import Expr, Value, as_expr, const
from folkmoot.causal.inputs import column
from folkmoot.causal.table import NEVER, TOLERANCE, Param, Params
from folkmoot.core.bars import Floats
from folkmoot.core.errors import UnknownOption, UsageError

PAIR = {"price0": "high", "price1": "low"}
PERIODS = 14.0
LARGEST = 1e9
"""More than TA-Lib takes for a whole parameter; what is within goes to it to be judged."""


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


def answers(nodes: Sequence[Expr], known: Mapping[Expr, Floats]) -> dict[Expr, Floats]:
    """Return the value of each call over all bars, `float64[n]`, from those of what it reads."""
    values: dict[Expr, Floats] = {}
    for inputs, calls in _shared(nodes).items():
        columns = [known[node] for node in inputs]
        rows = np.flatnonzero(np.all(np.isfinite(columns), axis=0))
        shown = [np.ascontiguousarray(column[rows]) for column in columns]
        for call in calls:
            found = _outputs(call[0].params, shown) if len(rows) else []
            for node in call:
                values[node] = np.full(len(columns[0]), np.nan)
                if len(rows):
                    values[node][rows] = found[_place(node.params)]
    return values


class Readings:
    """The calls that read one stage, bar by bar: each function once, however many its outputs."""

    def __init__(self, nodes: Sequence[Expr], known: Mapping[Expr, Floats]) -> None:
        self._groups = [
            (
                _picked(inputs),
                [node for call in calls for node in call],
                [_Reading(call, known) for call in calls],
            )
            for inputs, calls in _shared(nodes).items()
        ]

    def push(self, known: dict[Expr, float]) -> None:
        """Add the value of every call on the next bar to what is known of it."""
        for row_of, nodes, readings in self._groups:
            row = row_of(known)
            # One sum tells of most bars that nothing is missing; it may overflow where nothing is.
            if not -math.inf < sum(row) < math.inf and not all(map(math.isfinite, row)):
                known.update(dict.fromkeys(nodes, math.nan))
                continue
            for reading in readings:
                single, found = reading.single, reading.update(*row)
                if single:
                    found = (found,)
                for place, node in reading.wanted:
                    value = found[place]
                    known[node] = value if -math.inf < value < math.inf else math.nan


class _Reading:
    """One function: a history until TA-Lib can open a handle on it, then the handle."""

    __slots__ = ("_lookback", "_params", "_rows", "single", "update", "wanted")

    def __init__(self, nodes: Sequence[Expr], known: Mapping[Expr, Floats]) -> None:
        self._params = nodes[0].params
        self._lookback = wait_and_fade(self._params)[0]
        self.wanted = [(_place(node.params), node) for node in nodes]
        self.single = False
        self.update: Callable[..., Any] = self._before
        columns = [known[node] for node in nodes[0].args if node in known]
        rows = np.all(np.isfinite(columns), axis=0) if columns else []
        history = [column[rows] for column in columns]
        self._rows: list[tuple[float, ...]] = list(
            zip(*(column.tolist() for column in history), strict=True)
        )
        self._open(history)

    def _before(self, *row: float) -> list[float]:
        self._rows.append(row)
        history = [np.array(values, dtype=np.float64) for values in zip(*self._rows, strict=True)]
        self._open(history)
        return [float(values[-1]) for values in _outputs(self._params, history)]

    def _open(self, history: list[Floats]) -> None:
        """Open the handle as soon as there is history enough, which it alone can tell."""
        import talib
        from talib import stream

        if not history or len(history[0]) <= self._lookback:
            return
        make = getattr(stream, str(self._params[0]))
        try:
            handle = make(*history, **_options(self._params))
        except talib.InsufficientHistory:
            return
        self.update, self._rows = handle.update, []
        self.single = len(_info(str(self._params[0]))["output_names"]) == 1


@lru_cache(maxsize=4096)
def wait_and_fade(params: Params) -> tuple[int, int]:
    """Return the lookback and the measured bars until the function's start no longer shows.

    The lookback is negative where TA-Lib does not accept the parameters.
    The second is measured on a fixed series: the function over all of it against the function
    begun later, at three places. `NEVER` where they do not meet.
    """
    lookback = _lookback(params[:1] + params[2:])
    if lookback < 0:
        return lookback, 0
    names = [str(node.params[0]) for node in _default_inputs(_info(str(params[0])))]
    reach = 24 * (lookback + 30)
    series = _series(reach + 400)
    inputs = [series[name] if name in series else series["periods"] for name in names]
    place = _place(params)
    entire = _outputs(params, inputs)[place]
    spans = [
        _meeting(entire[cut:], _outputs(params, [x[cut:] for x in inputs])[place])
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


def _shared(nodes: Sequence[Expr]) -> dict[tuple[Expr, ...], list[list[Expr]]]:
    """Return, for each set of inputs, the calls on it; of a call, the nodes of its outputs."""
    found: dict[tuple[Expr, ...], dict[Params, list[Expr]]] = {}
    for node in nodes:
        name, _, *options = node.params
        found.setdefault(node.args, {}).setdefault((name, *options), []).append(node)
    return {inputs: list(calls.values()) for inputs, calls in found.items()}


def _picked(inputs: tuple[Expr, ...]) -> Callable[[Mapping[Expr, float]], tuple[float, ...]]:
    """Return what takes the values of `inputs` out of what is known, always as a tuple."""
    if len(inputs) > 1:
        return itemgetter(*inputs)
    only = inputs[0]
    return lambda known: (known[only],)


def _outputs(params: Params, shown: Sequence[Floats]) -> list[Floats]:
    """Return every output of the function over the inputs `shown`, which are all known."""
    import talib

    name, options = str(params[0]), _options(params)
    found = getattr(talib, name)(*shown, **options)
    lookback = _lookback(params[:1] + params[2:])
    outputs = []
    for values in found if isinstance(found, (tuple, list)) else [found]:
        output = np.array(values, dtype=np.float64)
        output[:lookback] = np.nan
        output[~np.isfinite(output)] = np.nan
        outputs.append(output)
    return outputs


@lru_cache(maxsize=1024)
def _lookback(call: Params) -> int:
    return int(_function(str(call[0]), _options((call[0], "", *call[1:]))).lookback)


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
    typed = {key: _typed(name, key, value, defaults) for key, value in params.items()}
    return {key: value for key, value in typed.items() if value != defaults[key]}


def _typed(name: str, key: str, value: float, defaults: Mapping[str, float]) -> float:
    whole = isinstance(defaults[key], int)
    known = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not known or (whole and (value != math.floor(value) or abs(value) > LARGEST)):
        allowed = [f"{key} (default {defaults[key]}): {'whole' if whole else 'a number'}"]
        raise UsageError(f"{name}: {key} is {value!r}", where="ta", allowed=allowed)
    return int(value) if whole else float(value)
