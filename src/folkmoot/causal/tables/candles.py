"""The 61 candlestick patterns in one step: code 140."""

from folkmoot.causal.kernels.candles_layout import NAMES, STATE
from folkmoot.causal.operator import Operator, Params

AFTER = {
    2: ("engulfing", "xsidegap3methods"),
    3: ("3outside",),
    5: ("hikkake",),
    6: ("matchinglow",),
    7: ("gapsidesidewhite", "sticksandwich", "tasukigap"),
    8: ("3linestrike",),
    10: (
        "belthold",
        "closingmarubozu",
        "doji",
        "dragonflydoji",
        "gravestonedoji",
        "highwave",
        "hikkakemod",
        "longleggeddoji",
        "longline",
        "marubozu",
        "rickshawman",
        "shortline",
        "spinningtop",
        "takuri",
    ),
    12: (
        "2crows",
        "3inside",
        "3starsinsouth",
        "3whitesoldiers",
        "abandonedbaby",
        "advanceblock",
        "eveningdojistar",
        "eveningstar",
        "identical3crows",
        "morningdojistar",
        "morningstar",
        "stalledpattern",
        "tristar",
        "unique3river",
        "upsidegap2crows",
    ),
    13: ("3blackcrows", "concealbabyswall"),
    14: ("breakaway", "ladderbottom", "mathold", "risefall3methods"),
}
"""The bars that a pattern waits for, for its own bars and what was usual before them; else 11."""

WAIT = {name: next((n for n, names in AFTER.items() if name in names), 11) for name in NAMES}


def _wait(params: Params) -> int:
    return WAIT[str(params[-1])]


OPERATORS: tuple[Operator, ...] = (
    Operator(
        "candle",
        4,
        140,
        wait=_wait,
        outputs=NAMES,
        numbers=lambda params: [float(WAIT[name]) for name in NAMES],
        memory=lambda params: [0.0] * STATE,
    ),
)
