"""One example or more of every operator of the families, for the laws."""

from collections.abc import Callable

from folkmoot.causal import (
    Expr,
    at,
    blend,
    close,
    column,
    const,
    floor,
    high,
    highest_ever,
    highest_since,
    lag,
    leak,
    low,
    lowest_ever,
    lowest_since,
    otherwise,
    ratchet,
    starts,
    steady,
    tanh,
    total_since,
    valuewhen,
    volume,
)

x = column("x")

ONE: dict[str, Callable[[Expr], Expr]] = {
    "blend": lambda a: blend(0.3, a),
    "blend of a series": lambda a: blend(abs(tanh(a)), a),
    "leak": lambda a: leak(a, 0.9),
    "leak of a series": lambda a: leak(a, tanh(a), most=0.9),
    "ratchet": lambda a: ratchet(a - 0.5, a),
    "ratchet of a short": lambda a: ratchet(a + 0.5, a, "short"),
    "total_since": lambda a: total_since(a > 0.5, a),
    "highest_since": lambda a: highest_since(a > 0.5, -a),
    "lowest_since": lambda a: lowest_since(a > 0.5, -a),
    "highest_ever": highest_ever,
    "lowest_ever": lowest_ever,
    "valuewhen": lambda a: valuewhen(a > 0.5, a),
    "valuewhen of three events": lambda a: valuewhen(a > 0.5, a, 2),
    "steady": lambda a: steady(a > 0.0, 4),
    "floor": lambda a: floor(a * 10.0),
}
TWO: dict[str, Callable[[Expr, Expr], Expr]] = {
    "blend": lambda a, b: blend(abs(tanh(a)), b, least=0.1),
    "leak": lambda a, b: leak(a, tanh(b)),
    "ratchet": lambda a, b: ratchet(a - 1.0, b),
    "total_since": lambda a, b: total_since(a > 0.5, b),
    "highest_since": lambda a, b: highest_since(a > 0.5, b),
    "lowest_since": lambda a, b: lowest_since(a > 0.5, b),
    "valuewhen": lambda a, b: valuewhen(a > 0.3, b, 1),
}
WHOLE: dict[str, Expr] = {
    "otherwise": otherwise(lag(x, 2), lag(close, 2)),
    "otherwise of a volume": otherwise(volume, const(0.0)),
    "starts of a day": starts("1d"),
    "starts of a week": starts("1w"),
    "starts at 2h": at("2h", starts("1d") + lag(x)),
    "chandelier": ratchet(high - 0.02 * close, close) - ratchet(low + 0.02 * close, close, "short"),
    "total_since of a day": total_since(starts("1d"), close * volume),
}
RARE = ("hold", "barssince", "total_since", "highest_since", "lowest_since", "valuewhen")
"""First words of the examples that wait for an event."""
