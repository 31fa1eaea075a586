"""From a wanted weight to an order whose id a retry cannot change."""

import hashlib


def order_id(strategy: str, symbol: str, timeframe: str, open_time: int) -> str:
    """Return the client id of the one order that this bar may cause, 22 characters.

    >>> order_id("half_kelly", "BTC/USDT", "1h", 0) == order_id("half_kelly", "BTC/USDT", "1h", 0)
    True
    """
    name = "\n".join((strategy, symbol, timeframe, str(open_time))).encode()
    return "fm" + hashlib.blake2b(name, digest_size=10).hexdigest()


def order_for(weight: float, held: float, price: float, equity: float, band: float) -> float:
    """Return the signed quantity that moves a holding to `weight` of equity, 0.0 for no order.

    `held` in units, `price` and `equity` in quote currency at the decision's close. A change of
    no more than `band` (share of equity) is not worth an order; closing a position always is.
    """
    if weight == 0.0:
        return -held if held else 0.0
    if equity <= 0.0 or abs(weight - held * price / equity) <= band:
        return 0.0
    return weight * equity / price - held
