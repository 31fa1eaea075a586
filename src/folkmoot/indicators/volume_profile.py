"""Volume profile: where the volume of the last bars was traded."""

from folkmoot.causal import Expr, close, log
from folkmoot.causal import volume_profile as profile
from folkmoot.indicators._checks import checked
from folkmoot.indicators.atr import atr


@checked()
def volume_profile(n: int = 120, bins: int = 24, share: float = 0.7) -> dict[str, Expr]:
    """Return the point of control and the value area of the last n bars, and how far they are.

    `poc`, `high` and `low` are prices: the middle of the fullest of `bins` price bins, and the
    edges of the bins around it that hold `share` of the volume. `poc_log`, `high_log`, `low_log`
    are ln(close / price), `poc_atr` is close - poc in ATR of 14 bars, `width_atr` the height of
    the value area. A bar's volume is spread evenly over its range.

    >>> volume_profile()["poc"].warmup
    119
    """
    prices = {name: profile(n, name, bins, share) for name in ("poc", "high", "low")}
    unit = atr()
    return {
        **prices,
        **{f"{name}_log": log(close / price) for name, price in prices.items()},
        "poc_atr": (close - prices["poc"]) / unit,
        "width_atr": (prices["high"] - prices["low"]) / unit,
    }
