"""Names of the candlestick patterns in the order of the step's outputs, and where it keeps what.

A pattern is named as TA-Lib's function without its CDL. The state of the step is, in order: the
known bars so far, where in the line the newest lies, two pending hikkake (`PENDING`), the running
totals, the patterns of the newest bar, and the line: `ROOM` bars of `BAR` numbers each, of which
the last `KEPT` move to its head when it is full.
"""

ONE_BAR = (
    "belthold",
    "closingmarubozu",
    "doji",
    "dragonflydoji",
    "gravestonedoji",
    "highwave",
    "longleggeddoji",
    "longline",
    "marubozu",
    "rickshawman",
    "shortline",
    "spinningtop",
    "takuri",
)
TWO_BARS = (
    "counterattack",
    "darkcloudcover",
    "dojistar",
    "engulfing",
    "hammer",
    "hangingman",
    "harami",
    "haramicross",
    "homingpigeon",
    "inneck",
    "invertedhammer",
    "kicking",
    "kickingbylength",
    "matchinglow",
    "onneck",
    "piercing",
    "separatinglines",
    "shootingstar",
    "thrusting",
)
THREE_BARS = (
    "2crows",
    "3inside",
    "3outside",
    "3starsinsouth",
    "3whitesoldiers",
    "abandonedbaby",
    "advanceblock",
    "eveningdojistar",
    "eveningstar",
    "gapsidesidewhite",
    "hikkake",
    "identical3crows",
    "morningdojistar",
    "morningstar",
    "stalledpattern",
    "sticksandwich",
    "tasukigap",
    "tristar",
    "unique3river",
    "upsidegap2crows",
    "xsidegap3methods",
)
MORE_BARS = (
    "3blackcrows",
    "3linestrike",
    "breakaway",
    "concealbabyswall",
    "hikkakemod",
    "ladderbottom",
    "mathold",
    "risefall3methods",
)
NAMES = (*ONE_BAR, *TWO_BARS, *THREE_BARS, *MORE_BARS)

BAR = 32
KEPT = 11
ROOM = 40
PENDING = 2
TOTALS = 8
FOUND = TOTALS + 21
LINE = FOUND + len(NAMES)
STATE = LINE + ROOM * BAR
