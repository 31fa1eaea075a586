"""Average Directional Index and directional movement (Wilder, 1978)."""

from folkmoot.causal import Expr, high, lag, low, relu, true_range, where, wilder
from folkmoot.indicators._checks import checked


@checked()
def adx(n: int = 14, smoothing: int = 14) -> dict[str, Expr]:
    """Return the strength of directional movement and its two sides, each from 0 to 100.

    The keys are `adx`, `plus_di` and `minus_di`, as TradingView's `ta.dmi`: means begin with the
    second bar, and a market that ranges without direction has a directional index of 0. A market
    with no range at all yields NaN.

    >>> {name: line.warmup for name, line in adx(14).items()}
    {'adx': 27, 'plus_di': 14, 'minus_di': 14}
    """
    rise, fall = high - lag(high), lag(low) - low
    span = wilder(true_range("nan"), n)
    plus = 100.0 * wilder(where(rise > fall, relu(rise), 0.0), n) / span
    minus = 100.0 * wilder(where(fall > rise, relu(fall), 0.0), n) / span
    both = plus + minus
    index = where(both > 0.0, 100.0 * abs(plus - minus) / both, 0.0)
    return {"adx": wilder(index, smoothing), "plus_di": plus, "minus_di": minus}
