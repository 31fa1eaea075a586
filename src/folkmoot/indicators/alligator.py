"""Alligator (Williams, 1995)."""

from folkmoot.causal import Expr, hl2, lag, wilder
from folkmoot.indicators._checks import checked


@checked()
def alligator(x: Expr = hl2, jaw: int = 13, teeth: int = 8, lips: int = 5) -> dict[str, Expr]:
    """Return three Wilder means of x, each as of some bars ago, in the unit of x.

    The keys are `jaw` (as of 8 bars ago), `teeth` (5) and `lips` (3): what a chart that shifts
    the lines forward shows under the present bar.

    >>> {name: line.warmup for name, line in alligator().items()}
    {'jaw': 20, 'teeth': 12, 'lips': 7}
    """
    return {
        "jaw": lag(wilder(x, jaw), 8),
        "teeth": lag(wilder(x, teeth), 5),
        "lips": lag(wilder(x, lips), 3),
    }
