"""Williams fractals (Williams, 1995)."""

from folkmoot.causal import Expr, both, high, highest, hold, lag, low, lowest
from folkmoot.indicators._checks import checked
from folkmoot.indicators._events import with_ages


@checked()
def fractals(n: int = 2) -> dict[str, Expr]:
    """Return the tops and bottoms that n bars on either side confirm, n bars after they stood.

    `top` and `bottom` are events on the bar that confirms, with `top_age` and `bottom_age` since;
    `top_price` and `bottom_price` are the prices of the latest, held. Equal neighbours make none.

    >>> fractals()["top"].warmup
    4
    """
    peak, trough, far = lag(high, n), lag(low, n), n + 1
    top = both(peak > highest(high, n), peak > lag(highest(high, n), far))
    bottom = both(trough < lowest(low, n), trough < lag(lowest(low, n), far))
    prices = {"top_price": hold(top, peak), "bottom_price": hold(bottom, trough)}
    return with_ages({"top": top, "bottom": bottom}) | prices
