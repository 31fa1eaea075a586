"""Accumulation / distribution line (Chaikin) and its slope."""

from folkmoot.causal import Expr, mean, running, volume
from folkmoot.indicators._checks import checked
from folkmoot.indicators._money import money_flow, slope_of_sum


@checked()
def accumulation(n: int = 20) -> dict[str, Expr]:
    """Return the running sum of money flow volume, and its slope over n bars.

    `line`, in units of volume, depends on where the history begins and is never stable; `slope`,
    in mean volumes of the n bars and mostly within 1 of 0, does not. A bar without range adds 0.

    >>> {name: line.warmup for name, line in accumulation().items()}
    {'line': 0, 'slope': 19}
    """
    flow = money_flow()
    return {"line": running(flow), "slope": slope_of_sum(flow, n) / mean(volume, n)}
