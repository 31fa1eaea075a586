"""Windows whose terms are ordered, weighted or counted: codes 100 to 119."""

import math

from folkmoot.causal.operator import Operator, Params, window

NAN = math.nan


def _places(params: Params) -> tuple[float, float]:
    """Return the place below a quantile among n sorted values, and the share to the next."""
    place = (int(params[0]) - 1) * float(params[1])
    return math.floor(place), place - math.floor(place)


def _weights(params: Params) -> list[float]:
    return [float(weight) for weight in params[:0:-1]]


def _ends(params: Params) -> list[float]:
    """Return the weights, oldest first, whose sum is the least-squares line's newest value."""
    n = int(params[0])
    return [2.0 * (2 * n - 1 - 3 * k) / (n * (n + 1)) for k in range(n - 1, -1, -1)]


def _terms(params: Params) -> list[float]:
    """Return order, patterns, and the share of a whole entropy for each count of a pattern."""
    n, order = int(params[0]), int(params[1])
    patterns, kinds = n - order + 1, math.factorial(order)
    shares = [count / patterns for count in range(1, patterns + 1)]
    terms = [-share * math.log(share) / math.log(kinds) + 0.0 for share in shares]
    return [float(order), float(kinds), 0.0, *terms]


def _windowed(name: str, code: int, arity: int = 1) -> Operator:
    return Operator(name, arity, code, wait=window, windowed=True)


def _kept(name: str, code: int) -> Operator:
    return Operator(name, 1, code, wait=window, windowed=True, memory=lambda params: (0.0, 0.0))


OPERATORS: tuple[Operator, ...] = (
    Operator(
        "quantile",
        1,
        100,
        wait=window,
        windowed=True,
        numbers=_places,
        memory=lambda params: [NAN] * (int(params[0]) + 1),
    ),
    _kept("since_highest", 101),
    _kept("since_lowest", 102),
    Operator("weighted", 1, 103, wait=window, windowed=True, numbers=_weights),
    Operator("line", 1, 104, wait=window, windowed=True, numbers=_ends),
    _windowed("fit", 105),
    _windowed("skewness", 106),
    _windowed("kurtosis", 107),
    _windowed("covariance", 108, arity=2),
    Operator(
        "entropy",
        1,
        109,
        wait=window,
        windowed=True,
        numbers=_terms,
        memory=lambda params: [0.0] * (math.factorial(int(params[1])) + 1),
    ),
)
