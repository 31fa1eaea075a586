"""Recursions whose weight or reset is itself a series: codes 120 to 139."""

from folkmoot.causal.operator import Operator

OPERATORS: tuple[Operator, ...] = ()
