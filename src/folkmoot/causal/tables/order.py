"""Windows whose terms are ordered, weighted or counted: codes 100 to 119."""

from folkmoot.causal.operator import Operator

OPERATORS: tuple[Operator, ...] = ()
