"""One bar of fills: what the simulated broker and a vectorised engine both call.

1. The queued market order crosses at the open, slippage against it.
2. The position that is then open meets its protective prices inside the bar, the stop first:
   which of two prices was touched first is unknown, so the worse one is taken.
3. A stop that the open has already passed fills at the open; a stop slips, a take does not.
"""

import math

from numba import njit


@njit(cache=True)
def fill_step(
    held: float,
    entry: float,
    quantity: float,
    open_: float,
    high: float,
    low: float,
    stop: float,
    take: float,
    fee: float,
    slippage: float,
) -> tuple[float, float, float, float, float, float]:
    """Return (price, fee paid, entry, exit quantity, exit price, exit fee) of one bar.

    `held` units at average price `entry` before the bar; `quantity` is the market order, 0 for
    none; `stop` and `take` are distances from the entry as shares of it, NaN for none. The entry
    returned is that before the exit; prices and fees of what did not happen are 0.
    """
    price, paid = 0.0, 0.0
    if quantity != 0.0:
        price = open_ * (1.0 + math.copysign(slippage, quantity))
        paid = abs(quantity) * price * fee
        if held * quantity >= 0.0:
            entry = (abs(held) * entry + abs(quantity) * price) / (abs(held) + abs(quantity))
        elif abs(quantity) > abs(held):
            entry = price
    position = held + quantity
    if position == 0.0:
        return price, paid, 0.0, 0.0, 0.0, 0.0
    side = math.copysign(1.0, position)
    worst, best = (low, high) if side > 0.0 else (high, low)
    stop_at, take_at = entry * (1.0 - side * stop), entry * (1.0 + side * take)
    touched = 0.0
    if side * (worst - stop_at) <= 0.0:
        gapped = side * (open_ - stop_at) <= 0.0
        touched = (open_ if gapped else stop_at) * (1.0 - side * slippage)
    elif side * (best - take_at) >= 0.0:
        touched = take_at
    closed = position if touched else 0.0
    return price, paid, entry, -closed, touched, abs(closed) * touched * fee
