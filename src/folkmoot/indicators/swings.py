"""Swings of the chart by an ATR zigzag, each known on the bar that confirms it."""

from folkmoot.causal import Expr
from folkmoot.indicators._checks import checked, number
from folkmoot.indicators._events import with_ages
from folkmoot.indicators._swings import Swings


@checked(reach=number(above=0.0))
def swings(reach: float = 3.0, n: int = 14, log: bool = False) -> dict[str, Expr]:
    """Return the confirmed swings of legs of at least `reach` times the ATR of `n` bars.

    The keys are the events `high` and `low`, on the bar that confirms a swing, with their ages;
    `price`, the price of the last swing, and `bars`, the bars since its own bar (the age counts
    from its confirmation); `leg`, the signed move between the last two swings in ATR. With `log`
    everything is measured on logarithms of prices.

    >>> swings()["high"].warmup
    13
    """
    found = Swings(reach, n, log)
    turn = found.output("turn")
    leg = (found.output("price") - found.output("price", 1)) / found.unit
    return {
        **with_ages({"high": turn > 0.0, "low": turn < 0.0}),
        "price": found.quoted(found.output("price")),
        "bars": found.output("age"),
        "leg": leg,
    }
