"""Swings and the bars on which they are confirmed: codes 150 to 159."""

from folkmoot.causal.operator import Operator

OPERATORS: tuple[Operator, ...] = ()
