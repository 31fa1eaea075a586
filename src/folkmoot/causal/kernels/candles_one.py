"""Patterns of one bar: its body and shadows against what was usual."""

from folkmoot.causal.kernels.candles_anatomy import (
    BODY,
    BODY_10,
    BOTTOM,
    COLOUR,
    LOW,
    LOWER,
    NEAR,
    SHORT_10,
    SPAN,
    SPAN_10,
    THIN_10,
    TOP,
    UPPER,
)
from folkmoot.causal.kernels.candles_layout import NAMES, ONE_BAR
from folkmoot.causal.kernels.fma import Index, step
from folkmoot.core.bars import Floats

(
    BELTHOLD,
    CLOSINGMARUBOZU,
    DOJI,
    DRAGONFLYDOJI,
    GRAVESTONEDOJI,
    HIGHWAVE,
    LONGLEGGEDDOJI,
    LONGLINE,
    MARUBOZU,
    RICKSHAWMAN,
    SHORTLINE,
    SPINNINGTOP,
    TAKURI,
) = (Index(NAMES.index(name)) for name in ONE_BAR)


@step
def one_bar(mem: Floats, r: Index, z: Index) -> None:
    """Write the patterns of the bar at z from r on."""
    body, upper, lower = mem[z + BODY], mem[z + UPPER], mem[z + LOWER]
    thin, short = mem[z + THIN_10], mem[z + SHORT_10]
    rising = mem[z + COLOUR] > 0.0
    sign = 100.0 * mem[z + COLOUR]
    above, below = upper < thin, lower < thin
    stubby = (upper < short) & (lower < short)
    long, small = body > mem[z + BODY_10], body < mem[z + BODY_10]
    mem[r + BELTHOLD] = sign if long & (below if rising else above) else 0.0
    mem[r + CLOSINGMARUBOZU] = sign if long & (above if rising else below) else 0.0
    mem[r + MARUBOZU] = sign if long & above & below else 0.0
    mem[r + LONGLINE] = sign if long & stubby else 0.0
    mem[r + SHORTLINE] = sign if small & stubby else 0.0
    mem[r + HIGHWAVE] = sign if small & (upper > 2.0 * body) & (lower > 2.0 * body) else 0.0
    mem[r + SPINNINGTOP] = sign if small & (upper > body) & (lower > body) else 0.0
    doji = body <= thin
    mem[r + DOJI] = 100.0 if doji else 0.0
    mem[r + DRAGONFLYDOJI] = 100.0 if doji & above & (lower > thin) else 0.0
    mem[r + GRAVESTONEDOJI] = 100.0 if doji & below & (upper > thin) else 0.0
    mem[r + TAKURI] = 100.0 if doji & above & (lower > 2.0 * body) else 0.0
    mem[r + LONGLEGGEDDOJI] = 100.0 if doji & ((lower > body) | (upper > body)) else 0.0
    middle, near = mem[z + LOW] + mem[z + SPAN] / 2.0, NEAR * mem[z + SPAN_10]
    centred = (mem[z + BOTTOM] <= middle + near) & (mem[z + TOP] >= middle - near)
    found = doji & (lower > body) & (upper > body) & centred
    mem[r + RICKSHAWMAN] = 100.0 if found else 0.0
