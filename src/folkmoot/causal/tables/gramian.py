"""Numbers of the Gramian angular fields of a window: codes 160 to 169."""

from folkmoot.causal.operator import Operator

OPERATORS: tuple[Operator, ...] = ()
