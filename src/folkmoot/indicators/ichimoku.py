"""Ichimoku Kinko Hyo (Hosoda, 1969)."""

from folkmoot.causal import Expr, close, high, highest, lag, low, lowest
from folkmoot.indicators._checks import checked


@checked()
def ichimoku(
    conversion: int = 9, base: int = 26, span: int = 52, displacement: int = 26
) -> dict[str, Expr]:
    """Return the five lines as known at the close, in price units.

    `conversion`, `base`; `span_a` and `span_b` as computed on this bar, which a chart draws
    `displacement` - 1 bars ahead; `cloud_a` and `cloud_b`, those that lie under this bar on the
    chart; `lagging`, the close less the close it is drawn over, as nothing is shifted back.

    >>> {name: line.warmup for name, line in ichimoku().items() if name != "lagging"}
    {'conversion': 8, 'base': 25, 'span_a': 25, 'span_b': 51, 'cloud_a': 50, 'cloud_b': 76}
    """
    fast, slow, wide = ((highest(high, n) + lowest(low, n)) / 2.0 for n in (conversion, base, span))
    lead, shift = (fast + slow) / 2.0, displacement - 1
    return {
        "conversion": fast,
        "base": slow,
        "span_a": lead,
        "span_b": wide,
        "cloud_a": lag(lead, shift),
        "cloud_b": lag(wide, shift),
        "lagging": close - lag(close, shift),
    }
