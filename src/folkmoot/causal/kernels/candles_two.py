"""Patterns of two bars: y, then z."""

from folkmoot.causal.kernels.candles_anatomy import (
    BODY,
    BODY_10,
    BODY_11,
    BOTTOM,
    CLOSE,
    COLOUR,
    EQUAL,
    HIGH,
    LOW,
    LOWER,
    NEAR,
    OPEN,
    SPAN_5,
    SPAN_10,
    THIN_10,
    THIN_11,
    TOP,
    UPPER,
)
from folkmoot.causal.kernels.candles_layout import NAMES, TWO_BARS
from folkmoot.causal.kernels.fma import Index, step
from folkmoot.core.bars import Floats

(
    COUNTERATTACK,
    DARKCLOUDCOVER,
    DOJISTAR,
    ENGULFING,
    HAMMER,
    HANGINGMAN,
    HARAMI,
    HARAMICROSS,
    HOMINGPIGEON,
    INNECK,
    INVERTEDHAMMER,
    KICKING,
    KICKINGBYLENGTH,
    MATCHINGLOW,
    ONNECK,
    PIERCING,
    SEPARATINGLINES,
    SHOOTINGSTAR,
    THRUSTING,
) = (Index(NAMES.index(name)) for name in TWO_BARS)


@step
def _small_with_a_tail(mem: Floats, r: Index, z: Index, y: Index) -> None:
    body, upper, lower = mem[z + BODY], mem[z + UPPER], mem[z + LOWER]
    thin, near = mem[z + THIN_11], NEAR * mem[y + SPAN_10]
    small = body < mem[z + BODY_11]
    hanging = small & (lower > body) & (upper < thin)
    standing = small & (upper > body) & (lower < thin)
    bottom, top = mem[z + BOTTOM], mem[z + TOP]
    mem[r + HAMMER] = 100.0 if hanging & (bottom <= mem[y + LOW] + near) else 0.0
    mem[r + HANGINGMAN] = -100.0 if hanging & (bottom >= mem[y + HIGH] - near) else 0.0
    mem[r + INVERTEDHAMMER] = 100.0 if standing & (top < mem[y + BOTTOM]) else 0.0
    mem[r + SHOOTINGSTAR] = -100.0 if standing & (bottom > mem[y + TOP]) else 0.0


@step
def _engulfing(mem: Floats, z: Index, y: Index) -> float:
    opposite = mem[z + COLOUR] != mem[y + COLOUR]
    top, bottom, outer, inner = mem[z + TOP], mem[z + BOTTOM], mem[y + TOP], mem[y + BOTTOM]
    within = (top >= outer) & (bottom <= inner) & ((top > outer) | (bottom < inner))
    if not (opposite & within):
        return 0.0
    strict = (top != outer) & (bottom != inner)
    value: float = (100.0 if strict else 80.0) * mem[z + COLOUR]
    return value


@step
def _within(mem: Floats, r: Index, z: Index, y: Index) -> None:
    top, bottom, outer, inner = mem[z + TOP], mem[z + BOTTOM], mem[y + TOP], mem[y + BOTTOM]
    body, colour = mem[z + BODY], mem[y + COLOUR]
    value = 100.0 if (top < outer) & (bottom > inner) else 80.0
    held = (mem[y + BODY] > mem[y + BODY_10]) & (top <= outer) & (bottom >= inner)
    small = body <= mem[z + BODY_11]
    mem[r + HARAMI] = -colour * value if held & small else 0.0
    mem[r + HARAMICROSS] = -colour * value if held & (body <= mem[z + THIN_11]) else 0.0
    falling = (colour < 0.0) & (mem[z + COLOUR] < 0.0)
    inside = (mem[z + OPEN] < mem[y + OPEN]) & (mem[z + CLOSE] > mem[y + CLOSE])
    long = mem[y + BODY] > mem[y + BODY_10]
    mem[r + HOMINGPIGEON] = 100.0 if falling & long & small & inside else 0.0


@step
def _answered_from_below(mem: Floats, r: Index, z: Index, y: Index) -> None:
    """Write the patterns of a long falling bar and a rising one that opens below its low."""
    close, before, low = mem[z + CLOSE], mem[y + CLOSE], mem[y + LOW]
    equal, half = EQUAL * mem[y + SPAN_10], mem[y + BODY] * 0.5
    begun = (mem[y + COLOUR] < 0.0) & (mem[z + COLOUR] > 0.0) & (mem[z + OPEN] < low)
    begun &= mem[y + BODY] > mem[y + BODY_10]
    inneck = begun & (close <= before + equal) & (close >= before)
    onneck = begun & (close <= low + equal) & (close >= low - equal)
    thrusting = begun & (close > before + equal) & (close <= before + half)
    mem[r + INNECK] = -100.0 if inneck else 0.0
    mem[r + ONNECK] = -100.0 if onneck else 0.0
    mem[r + THRUSTING] = -100.0 if thrusting else 0.0
    through = (close < mem[y + OPEN]) & (close > before + half)
    piercing = begun & through & (mem[z + BODY] > mem[z + BODY_11])
    mem[r + PIERCING] = 100.0 if piercing else 0.0


@step
def _kicking(mem: Floats, r: Index, z: Index, y: Index) -> None:
    up = (mem[y + COLOUR] < 0.0) & (mem[z + COLOUR] > 0.0) & (mem[z + LOW] > mem[y + HIGH])
    down = (mem[y + COLOUR] > 0.0) & (mem[z + COLOUR] < 0.0) & (mem[z + HIGH] < mem[y + LOW])
    bare = (mem[y + BODY] > mem[y + BODY_10]) & (mem[z + BODY] > mem[z + BODY_11])
    bare &= (mem[y + UPPER] < mem[y + THIN_10]) & (mem[y + LOWER] < mem[y + THIN_10])
    bare &= (mem[z + UPPER] < mem[z + THIN_11]) & (mem[z + LOWER] < mem[z + THIN_11])
    longer = z if mem[z + BODY] > mem[y + BODY] else y
    found = bare & (up | down)
    mem[r + KICKING] = 100.0 * mem[z + COLOUR] if found else 0.0
    mem[r + KICKINGBYLENGTH] = 100.0 * mem[longer + COLOUR] if found else 0.0


@step
def _other_colour(mem: Floats, r: Index, z: Index, y: Index) -> None:
    colour = mem[z + COLOUR]
    opposite = colour != mem[y + COLOUR]
    long, long_before = mem[z + BODY] > mem[z + BODY_11], mem[y + BODY] > mem[y + BODY_10]
    equal = EQUAL * mem[y + SPAN_10]
    close, before = mem[z + CLOSE], mem[y + CLOSE]
    met = (close <= before + equal) & (close >= before - equal)
    counter = opposite & long & long_before & met
    mem[r + COUNTERATTACK] = 100.0 * colour if counter else 0.0
    start, other = mem[z + OPEN], mem[y + OPEN]
    level = (start <= other + equal) & (start >= other - equal)
    shadow = mem[z + LOWER] if colour > 0.0 else mem[z + UPPER]
    separating = opposite & level & long & (shadow < mem[z + THIN_11])
    mem[r + SEPARATINGLINES] = 100.0 * colour if separating else 0.0
    covered = opposite & (colour < 0.0) & long_before & (start > mem[y + HIGH])
    covered &= (close > other) & (close < before - mem[y + BODY] * 0.5)
    mem[r + DARKCLOUDCOVER] = -100.0 if covered else 0.0


@step
def two_bars(mem: Floats, r: Index, z: Index, y: Index) -> None:
    """Write the patterns of the bars at y and z from r on."""
    _small_with_a_tail(mem, r, z, y)
    mem[r + ENGULFING] = _engulfing(mem, z, y)
    _within(mem, r, z, y)
    _answered_from_below(mem, r, z, y)
    _kicking(mem, r, z, y)
    _other_colour(mem, r, z, y)
    colour = mem[y + COLOUR]
    up, down = mem[z + BOTTOM] > mem[y + TOP], mem[z + TOP] < mem[y + BOTTOM]
    star = (mem[y + BODY] > mem[y + BODY_10]) & (mem[z + BODY] <= mem[z + THIN_11])
    star &= up if colour > 0.0 else down
    mem[r + DOJISTAR] = -100.0 * colour if star else 0.0
    equal = EQUAL * mem[y + SPAN_5]
    close, before = mem[z + CLOSE], mem[y + CLOSE]
    falling = (colour < 0.0) & (mem[z + COLOUR] < 0.0)
    met = (close <= before + equal) & (close >= before - equal)
    mem[r + MATCHINGLOW] = 100.0 if falling & met else 0.0
