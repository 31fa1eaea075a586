"""Volume by price over a window: codes 170 to 179."""

from folkmoot.causal.operator import Operator

OPERATORS: tuple[Operator, ...] = ()
