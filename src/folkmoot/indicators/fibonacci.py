"""Fibonacci levels of the last confirmed leg."""

from folkmoot.causal import Expr, close, log
from folkmoot.indicators._checks import checked, number
from folkmoot.indicators._swings import Swings

RETRACEMENTS = (0.236, 0.382, 0.5, 0.618, 0.786)
EXTENSIONS = (1.272, 1.618)


@checked(reach=number(above=0.0))
def fibonacci(reach: float = 3.0, n: int = 14) -> dict[str, Expr]:
    """Return where the close lies between and beyond the last two confirmed swings.

    All of logarithms, in units of the leg from the swing before to the last swing: `position` is
    the share of the leg that price has taken back, 0 at the last swing and 1 at the one before.
    `back_236` .. `back_786` are the distances of the close from the retracements, measured from
    the last swing back, `beyond_1272` and `beyond_1618` from the extensions, measured from the
    swing before onwards; positive above the level. NaN until two swings are known.

    >>> fibonacci()["position"].warmup
    13
    """
    found = Swings(reach, n, log=True)
    last, before = found.output("price"), found.output("price", 1)
    leg, price = last - before, log(close)
    size = abs(leg)
    levels = {f"back_{1000 * share:.0f}": last - share * leg for share in RETRACEMENTS}
    levels |= {f"beyond_{1000 * share:.0f}": before + share * leg for share in EXTENSIONS}
    return {
        "position": (last - price) / leg,
        **{name: (price - level) / size for name, level in levels.items()},
    }
