"""Shapes: confirmed swings, chart patterns, and the angles of a window of log prices."""

from folkmoot.causal import Expr, gramian, minimum
from folkmoot.features.column import Column
from folkmoot.features.families.units import from_line
from folkmoot.features.volatility import log_close
from folkmoot.indicators.fibonacci import fibonacci
from folkmoot.indicators.patterns import patterns
from folkmoot.indicators.swings import swings

WINDOW = 32
SIGNED = ("signed_trend", "time_correlation", "gadf_1", "gadf_4", "gadf_8", "gadf_16", "slope_t")
EVEN = ("diagonal_mean", "gaf_sum_mean", "momentum", "gasf_4")
ANGLES = {
    **dict.fromkeys((*SIGNED, *EVEN), (-1.0, 1.0)),
    "momentum": (-2.0, 2.0),
    "slope_t": None,
}
"""Ranges: means of sines and cosines, a difference of two such, a statistic without bounds."""

LONGEST_AGE = 200.0
UNIT = "quality of patterns, halving every 20 bars"
SIGNED_PATTERNS = {
    "pattern_score": ("head_and_shoulders", "double", "triple", "triangle", "wedge", "flag"),
    "pattern_breakouts": ("breakouts",),
}


def angles() -> tuple[Column, ...]:
    """Return Gramian numbers of 32 log closes: seven signed ones, four blind to the sign."""
    signed = (
        Column(
            f"gaf_{name}",
            gramian(log_close, WINDOW, name),
            "angle",
            "ratio",
            "gaf",
            limits=ANGLES.get(name),
        )
        for name in SIGNED
    )
    even = (
        Column(
            f"gaf_{name}",
            gramian(log_close, WINDOW, name),
            "angle",
            "even",
            "gaf",
            limits=ANGLES.get(name),
        )
        for name in EVEN
    )
    return (*signed, *even)


def recursive() -> tuple[Column, ...]:
    """Return what hangs on swings, whose memory reaches back to an event, not to a bar."""
    last, told, within = swings(), patterns(), fibonacci()["position"]
    age = minimum(last["bars"], LONGEST_AGE) / LONGEST_AGE
    return (
        from_line("swing", last["price"], "swings"),
        Column("swing_leg", last["leg"], "mean true ranges of 14 bars", "level", "swings"),
        Column("swing_age", age, "share of 200 bars", "even", "swings", limits=(0.0, 1.0)),
        Column("fibonacci", within - 0.5, "legs from the middle", "even", "swings"),
        *(
            Column(name, _together(told, kinds), UNIT, "level", "patterns")
            for name, kinds in SIGNED_PATTERNS.items()
        ),
    )


def _together(told: dict[str, Expr], kinds: tuple[str, ...]) -> Expr:
    first, *rest = (told[kind] for kind in kinds)
    return sum(rest, start=first)
