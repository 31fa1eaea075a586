"""Named indicators with TradingView's definitions; each file is one function of its own name."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from folkmoot.causal import Expr
from folkmoot.core import plugins
from folkmoot.indicators.adx import adx
from folkmoot.indicators.atr import atr
from folkmoot.indicators.bollinger import bollinger
from folkmoot.indicators.cci import cci
from folkmoot.indicators.macd import macd
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.stochastic import stochastic
from folkmoot.indicators.wavetrend import wavetrend

__all__ = [
    "adx",
    "atr",
    "bollinger",
    "cci",
    "expressions",
    "macd",
    "rsi",
    "stochastic",
    "wavetrend",
]


def expressions() -> dict[str, Expr]:
    """Return every output of every indicator at its defaults, found by file or entry point.

    An indicator of one output has its own name, one of several `indicator.output`.

    >>> sorted(expressions())[:4]
    ['adx.adx', 'adx.minus_di', 'adx.plus_di', 'atr']
    """
    found: dict[str, Expr] = {}
    for name in plugins.names(__name__):
        made = _indicator(name)()
        outputs = {name: made} if isinstance(made, Expr) else _named(name, made)
        found.update(outputs)
    return found


def _named(name: str, outputs: dict[str, Expr]) -> dict[str, Expr]:
    return {f"{name}.{output}": expr for output, expr in outputs.items()}


def _indicator(name: str) -> Any:
    if find_spec(f"{__name__}.{name}") is None:
        return plugins.load(__name__, name)
    return getattr(import_module(f"{__name__}.{name}"), name)
