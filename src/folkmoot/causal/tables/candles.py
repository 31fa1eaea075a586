"""The 61 candlestick patterns in one step: code 140."""

from folkmoot.causal.operator import Operator

OPERATORS: tuple[Operator, ...] = ()
