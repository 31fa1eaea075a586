"""Tulip Indicators' test tables: inputs and expected outputs, most to three decimals."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from tests.indicators.oracles import Case, at_end, bars_of

from folkmoot.causal import (
    Expr,
    close,
    deviation,
    highest,
    lowest,
    mean,
    slope,
    std,
    total,
    wilder,
)
from folkmoot.core.bars import Bars, Floats
from folkmoot.indicators import (
    accumulation,
    alma,
    aroon,
    awesome,
    balance_of_power,
    bollinger,
    cci,
    cmf,
    cmo,
    fisher,
    hull,
    kama,
    linear_regression,
    mfi,
    momentum,
    obv,
    psar,
    qstick,
    roc,
    rsi,
    stochastic,
    stochastic_rsi,
    ultimate,
    vwma,
    williams_r,
    wma,
)

HLC, CLOSE = ("high", "low", "close"), ("close",)
FILES = ("untest", "atoz", "extra")
ROUNDED = "to three decimals"

Lines = list[Floats]
Make = Callable[..., list[tuple[str, Expr]]]


def cases(oracles: Path) -> Iterator[Case]:
    """Yield a case for every output of a table that a function of ours computes."""
    for name, numbers, lines in tables(oracles / "tulip"):
        if name not in KNOWN:
            continue
        inputs, make = KNOWN[name]
        market = bars_of(dict(zip(inputs, lines, strict=False)), name=name)
        for (function, ours), theirs in zip(make(*numbers), lines[len(inputs) :], strict=True):
            if len(theirs):
                yield one(name, numbers, function, ours, market, theirs)


def one(
    name: str, numbers: list[float], function: str, ours: Expr, market: Bars, theirs: Floats
) -> Case:
    """Return the case of one output."""
    values = at_end(theirs.tolist(), len(market))
    note, start = NOTES.get(name, (ROUNDED, 0))
    reference = f"Tulip {' '.join([name, *(f'{number:g}' for number in numbers)])}"
    return Case(function, reference, ours, market, values, 6e-4, start, note)


def tables(folder: Path) -> Iterator[tuple[str, list[float], Lines]]:
    """Yield name, parameters and rows of every table of the files."""
    for file in FILES:
        name, numbers, lines = "", [], []
        for text in (folder / f"{file}.txt").read_text().splitlines():
            row = text.strip()
            if row.startswith("{"):
                lines.append(np.array([float(x) for x in row.strip("{};").split(",") if x.strip()]))
            elif row and not row.startswith("#"):
                if name:
                    yield name, numbers, lines
                name, *rest = row.split()
                numbers, lines = [float(x) for x in rest], []
        yield name, numbers, lines


def _one(function: str, make: Callable[..., Expr]) -> Make:
    return lambda *numbers: [(function, make(*(int(n) if n == int(n) else n for n in numbers)))]


def _several(function: str, outputs: str, make: Callable[..., dict[str, Expr]]) -> Make:
    def made(*numbers: float) -> list[tuple[str, Expr]]:
        lines = make(*(int(n) if n == int(n) else n for n in numbers))
        return [(f"{function}.{output}", lines[output]) for output in outputs.split()]

    return made


def whole(offset: float, n: int) -> float:
    """Return the offset of the whole bar at or below that place."""
    return (offset * (n - 1) // 1) / (n - 1)


KNOWN: dict[str, tuple[tuple[str, ...], Make]] = {
    "ad": ((*HLC, "volume"), _one("accumulation.line", lambda: accumulation()["line"])),
    "alma": (CLOSE, _one("alma", lambda n, place, sigma: alma(close, n, whole(place, n), sigma))),
    "ao": (("high", "low"), _one("awesome", awesome)),
    "aroon": (("high", "low"), _several("aroon", "down up", aroon)),
    "aroonosc": (("high", "low"), _several("aroon", "oscillator", aroon)),
    "bbands": (
        CLOSE,
        _several("bollinger", "lower middle upper", lambda n, w: bollinger(close, n, w)),
    ),
    "bop": (("open", *HLC), _one("balance_of_power", balance_of_power)),
    "cci": (HLC, _one("cci", lambda n: cci(n=n))),
    "cmf": ((*HLC, "volume"), _one("cmf", cmf)),
    "cmo": (CLOSE, _one("cmo", lambda n: cmo(n=n))),
    "fisher": (("high", "low"), _several("fisher", "fisher trigger", lambda n: fisher(n=n))),
    "hma": (CLOSE, _one("hull", lambda n: hull(n=n))),
    "kama": (CLOSE, _one("kama", lambda n: kama(n=n))),
    "linreg": (
        CLOSE,
        _one("linear_regression.value", lambda n: linear_regression(n=n)["value"]),
    ),
    "linregslope": (CLOSE, _one("slope", lambda n: slope(close, n))),
    "max": (CLOSE, _one("highest", lambda n: highest(close, n))),
    "md": (CLOSE, _one("deviation", lambda n: deviation(close, n))),
    "mfi": ((*HLC, "volume"), _one("mfi", lambda n: mfi(n=n))),
    "min": (CLOSE, _one("lowest", lambda n: lowest(close, n))),
    "mom": (CLOSE, _one("momentum", lambda n: momentum(n=n))),
    "obv": (("close", "volume"), _one("obv", obv)),
    "psar": (("high", "low"), _one("psar", psar)),
    "qstick": (("open", "close"), _one("qstick", qstick)),
    "roc": (CLOSE, _one("roc", lambda n: roc(n=n) / 100.0)),
    "rsi": (CLOSE, _one("rsi", lambda n: rsi(n=n))),
    "sma": (CLOSE, _one("mean", lambda n: mean(close, n))),
    "stddev": (CLOSE, _one("std", lambda n: std(close, n))),
    "stoch": (HLC, _several("stochastic", "k d", stochastic)),
    "stochrsi": (
        CLOSE,
        _one("stochastic_rsi.k", lambda n: stochastic_rsi(close, n, n, 1)["k"] / 100.0),
    ),
    "sum": (CLOSE, _one("total", lambda n: total(close, n))),
    "ultosc": (HLC, _one("ultimate", ultimate)),
    "vwma": (("close", "volume"), _one("vwma", lambda n: vwma(n=n))),
    "wilders": (CLOSE, _one("wilder", lambda n: wilder(close, n))),
    "willr": (HLC, _one("williams_r", williams_r)),
    "wma": (CLOSE, _one("wma", lambda n: wma(n=n))),
}
NOTES: dict[str, tuple[str, int]] = {
    "alma": ("to three decimals; its bell stands on a whole bar, so ours is asked for that one", 0),
    "fisher": ("to three decimals; its first trigger is 0", 5),
    "kama": ("to three decimals; shows the bar that it begins with", 5),
    "obv": ("to three decimals; shows the 0 that it begins with", 1),
    "psar": ("to three decimals; begins with the other side", 8),
}
