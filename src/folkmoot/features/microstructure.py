"""What the order book and the trades of a bar say, free of units.

The expressions read the extra columns that `folkmoot.market.microstructure` makes: `spread`,
`depth_imbalance`, `microprice`, `order_flow`, `signed_volume`, `trades` and `vwap_distance`.
"""

from folkmoot.causal import Expr, column, correlation, log, mean, std, total, volume
from folkmoot.features.volatility import ewma_vol, log_return

spread = column("spread")
depth_imbalance = column("depth_imbalance")
microprice = column("microprice")
order_flow = column("order_flow")
signed_volume = column("signed_volume")
trades = column("trades")
vwap_distance = column("vwap_distance")


def spread_score(n: int = 50) -> Expr:
    """Return how many standard deviations the logarithm of the spread is from its mean.

    >>> spread_score(50).warmup
    49
    """
    size = log(spread)
    return (size - mean(size, n)) / std(size, n)


def spread_cost() -> Expr:
    """Return the spread in units of the market's movement per bar."""
    return spread / ewma_vol()


def book_pressure(n: int = 20) -> Expr:
    """Return the mean depth imbalance of n bars, -1 (all asks) to 1 (all bids)."""
    return mean(depth_imbalance, n)


def half_spreads(n: int = 1) -> Expr:
    """Return the mean distance of the microprice from the mid in half spreads, -1 to 1."""
    return mean(2.0 * microprice / spread, n)


def flow_share(n: int = 1) -> Expr:
    """Return the share of n bars' volume that aggressive buyers took, less that of sellers."""
    return total(signed_volume, n) / total(volume, n)


def flow_pressure(n: int = 1, usual: int = 50) -> Expr:
    """Return the order flow of the last n bars in units of a bar's usual volume."""
    return mean(order_flow, n) / mean(volume, usual)


def trade_pace(n: int = 20) -> Expr:
    """Return the number of trades over its mean of n bars."""
    return trades / mean(trades, n)


def trade_size(n: int = 20) -> Expr:
    """Return the size of a trade over the mean size of n bars' trades."""
    return (volume / trades) / (total(volume, n) / total(trades, n))


def impact(flow: Expr = signed_volume, n: int = 50) -> Expr:
    """Return the slope of the return on the flow, for the bars' usual volume and movement.

    Kyle's lambda as a regression over n bars: how many standard deviations a flow as large as the
    mean volume moves the price.

    >>> impact().warmup
    50
    """
    slope = correlation(log_return, flow, n) * std(log_return, n) / std(flow, n)
    return slope * mean(volume, n) / ewma_vol()


def agreement(flow: Expr = order_flow, n: int = 50) -> Expr:
    """Return the correlation of the return and the flow over n bars."""
    return correlation(log_return, flow, n)


def vwap_gap() -> Expr:
    """Return the distance of the close from the bar's own mean price, in its usual movement."""
    return vwap_distance / ewma_vol()
