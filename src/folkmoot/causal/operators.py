"""The operators. Each reads the present and the past; none can read what comes later."""

from typing import Literal

from folkmoot.causal.counts import count
from folkmoot.causal.expr import Expr, Value, as_expr, walk
from folkmoot.causal.inputs import close, high, low
from folkmoot.causal.other import of_others
from folkmoot.core.errors import UsageError
from folkmoot.core.timeframe import Timeframe


def log(x: Value) -> Expr:
    """Return the natural logarithm; NaN for zero and below."""
    return Expr("log", (as_expr(x),))


def exp(x: Value) -> Expr:
    """Return e to the power of x; NaN where that is not finite."""
    return Expr("exp", (as_expr(x),))


def sqrt(x: Value) -> Expr:
    """Return the square root; NaN below zero."""
    return Expr("sqrt", (as_expr(x),))


def sign(x: Value) -> Expr:
    """Return 1.0, 0.0 or -1.0."""
    return Expr("sign", (as_expr(x),))


def relu(x: Value) -> Expr:
    """Return x where it is positive, else 0.0."""
    return Expr("relu", (as_expr(x),))


def sin(x: Value) -> Expr:
    """Return the sine of x in radians."""
    return Expr("sin", (as_expr(x),))


def cos(x: Value) -> Expr:
    """Return the cosine of x in radians."""
    return Expr("cos", (as_expr(x),))


def tanh(x: Value) -> Expr:
    """Return the hyperbolic tangent."""
    return Expr("tanh", (as_expr(x),))


def maximum(a: Value, b: Value) -> Expr:
    """Return the larger of two values on each bar; NaN if either is unknown."""
    return Expr("maximum", (as_expr(a), as_expr(b)))


def minimum(a: Value, b: Value) -> Expr:
    """Return the smaller of two values on each bar; NaN if either is unknown."""
    return Expr("minimum", (as_expr(a), as_expr(b)))


def clip(x: Value, lo: Value, hi: Value) -> Expr:
    """Return x held between `lo` and `hi`."""
    return minimum(maximum(x, lo), hi)


def equal(a: Value, b: Value) -> Expr:
    """Return the event that two values are equal (`==` compares expressions, not bars)."""
    return Expr("equal", (as_expr(a), as_expr(b)))


def both(a: Value, b: Value) -> Expr:
    """Return the event that a and b hold; NaN if either is unknown."""
    return Expr("both", (as_expr(a), as_expr(b)))


def either(a: Value, b: Value) -> Expr:
    """Return the event that a or b holds; NaN if either is unknown."""
    return Expr("either", (as_expr(a), as_expr(b)))


def negate(a: Value) -> Expr:
    """Return the event that a does not hold."""
    return Expr("negate", (as_expr(a),))


def where(cond: Value, a: Value, b: Value) -> Expr:
    """Return a where the event holds, else b; NaN where the event is unknown.

    Only the branch that is taken needs to be known.
    """
    return Expr("where", (as_expr(cond), as_expr(a), as_expr(b)))


def lag(x: Value, k: int = 1) -> Expr:
    """Return x of k bars ago."""
    bars = count(k, "lag", "k", least=0)
    return Expr("lag", (as_expr(x),), (bars,)) if bars else as_expr(x)


def ema(x: Value, n: int) -> Expr:
    """Return the exponential mean of weight 2 / (n + 1), begun with the mean of n known values."""
    bars = count(n, "ema")
    return as_expr(x) if bars == 1 else Expr("ema", (as_expr(x),), (bars,))


def wilder(x: Value, n: int) -> Expr:
    """Return Wilder's mean (RMA), weight 1 / n, begun with the mean of n known values."""
    bars = count(n, "wilder")
    return as_expr(x) if bars == 1 else Expr("wilder", (as_expr(x),), (bars,))


def decay(x: Value, lam: float) -> Expr:
    """Return y = lam y + (1 - lam) x, begun with the first known value."""
    if not 0.0 < lam < 1.0:
        raise UsageError(f"lam is {lam}", where="decay", allowed="0 < lam < 1")
    return Expr("decay", (as_expr(x),), (float(lam),))


def mean(x: Value, n: int) -> Expr:
    """Return the mean of the last n values."""
    return Expr("mean", (as_expr(x),), (count(n, "mean"),))


def total(x: Value, n: int) -> Expr:
    """Return the sum of the last n values."""
    return Expr("total", (as_expr(x),), (count(n, "total"),))


def std(x: Value, n: int) -> Expr:
    """Return the standard deviation of the last n values (divided by n)."""
    return Expr("std", (as_expr(x),), (count(n, "std"),))


def highest(x: Value, n: int) -> Expr:
    """Return the largest of the last n values."""
    return Expr("highest", (as_expr(x),), (count(n, "highest"),))


def lowest(x: Value, n: int) -> Expr:
    """Return the smallest of the last n values."""
    return Expr("lowest", (as_expr(x),), (count(n, "lowest"),))


def rank(x: Value, n: int) -> Expr:
    """Return the share of the last n values at or below the present one, a tie counting half.

    That is (smaller + equal / 2) / n; the present value is among its own equals.
    """
    return Expr("rank", (as_expr(x),), (count(n, "rank"),))


def deviation(x: Value, n: int) -> Expr:
    """Return the mean distance of the last n values from their mean."""
    return Expr("deviation", (as_expr(x),), (count(n, "deviation"),))


def slope(x: Value, n: int) -> Expr:
    """Return the slope per bar of the least-squares line through the last n values."""
    return Expr("slope", (as_expr(x),), (count(n, "slope", least=2),))


def correlation(x: Value, y: Value, n: int) -> Expr:
    """Return Pearson's correlation over the last n bars; NaN if one of them did not move."""
    return Expr("correlation", (as_expr(x), as_expr(y)), (count(n, "correlation", least=2),))


def running(x: Value) -> Expr:
    """Return the sum of all known values so far."""
    return Expr("running", (as_expr(x),))


def hold(cond: Value, x: Value) -> Expr:
    """Return x as it was on the most recent bar on which the event held and x was known."""
    return Expr("hold", (as_expr(cond), as_expr(x)))


def barssince(cond: Value) -> Expr:
    """Return the known bars since the event last held: 0 on its own bar, NaN before the first."""
    return Expr("barssince", (as_expr(cond),))


def crossover(a: Value, b: Value) -> Expr:
    """Return the event that a rose above b: above now, not above one bar ago."""
    a, b = as_expr(a), as_expr(b)
    return both(a > b, lag(a <= b))


def crossunder(a: Value, b: Value) -> Expr:
    """Return the event that a fell below b: below now, not below one bar ago."""
    a, b = as_expr(a), as_expr(b)
    return both(a < b, lag(a >= b))


def true_range(first: Literal["range", "nan"] = "range") -> Expr:
    """Return Wilder's true range.

    Where the close before is unknown, as on the first bar, it is high - low, or NaN.
    """
    if first not in ("range", "nan"):
        raise UsageError(f"first is {first!r}", where="true_range", allowed=["range", "nan"])
    return Expr("true_range", (high, low, close), (first,))


def at(timeframe: str | Timeframe, expr: Value) -> Expr:
    """Return an expression of closed bars of a coarser timeframe, held until the next is known.

    A coarse bar is known on the first bar that closes at or after its calendar end.
    """
    inner = as_expr(expr)
    if any(node.op == "at" for node in walk(inner)):
        raise UsageError("at() inside at()", where=str(inner), allowed="one timeframe each")
    if of_others(inner):
        raise UsageError("of() inside at()", where=str(inner), allowed="expressions of own bars")
    return Expr("at", (inner,), (Timeframe.of(timeframe).label,))
