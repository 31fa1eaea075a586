"""Relative volume."""

from folkmoot.causal import Expr, mean, volume
from folkmoot.indicators._checks import checked


@checked()
def relative_volume(n: int = 20) -> Expr:
    """Return the volume as a multiple of its mean over n bars, the present one included.

    NaN where nothing was traded in n bars.

    >>> relative_volume(n=20).warmup
    19
    """
    return volume / mean(volume, n)
