"""Golden values of the written-out series of algorithms.md, section 38, at bars 70, 150, 299.

They are one independent implementation's, to ten digits; those of the Gramian fields are pyts'.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tests.indicators.oracles import Case
from tests.indicators.test_golden import written_out

from folkmoot.causal import Expr, close, ema, otherwise
from folkmoot.indicators import (
    adx,
    atr,
    cci,
    chandelier,
    cipher_b,
    gaf,
    kernel_regression,
    rsi,
    rsimfi,
    stc,
    stochastic_rsi,
    wavetrend,
)

Values = tuple[float, float, float]
ROWS = (70, 150, 299)


def cases(oracles: Path) -> Iterator[Case]:
    """Yield a case for every golden value that a function of ours has."""
    market = written_out()
    for function, ours, values in rows():
        theirs = np.full(len(market), np.nan)
        theirs[list(ROWS)] = values
        yield Case(function, "golden values", ours, market, theirs, 2e-9, sampled=True)
    for function, ours, bars in events():
        theirs = np.zeros(len(market))
        theirs[list(bars)] = 1.0
        note = "events on the bars that make them known; unknown is counted as none"
        yield Case(function, "golden events", otherwise(ours, 0.0), market, theirs, 0.0, 0, note)
    for name, value in GAF.items():
        theirs = np.full(len(market), np.nan)
        theirs[-1] = value
        reference = "pyts GramianAngularField"
        yield Case(f"gaf.{name}", reference, gaf(n=64)[name], market, theirs, 1e-8, sampled=True)


def rows() -> Iterator[tuple[str, Expr, Values]]:
    fast, places = wavetrend(channel=9, average=12, d=3), stochastic_rsi()
    stops, kernels, sides = chandelier(), kernel_regression(), adx()
    yield "ema", ema(close, 10), (99.90617349, 111.4799595, 97.65009323)
    yield "rsi", rsi(), (23.10567367, 60.58944501, 16.90607892)
    yield "atr", atr(), (2.61484443, 2.233588572, 2.299892661)
    yield "adx.plus_di", sides["plus_di"], (11.67767444, 25.68156469, 7.748660472)
    yield "adx.adx", sides["adx"], (41.61415082, 48.12409194, 46.33910802)
    yield "cci", cci(), (-171.5873511, 37.49243933, -127.5406875)
    yield "cci(close)", cci(close), (-162.3183053, 13.8419361, -130.1801071)
    yield "wavetrend.wt1", wavetrend()["wt1"], (-35.74515075, 39.55786472, -49.47840254)
    yield "wavetrend.wt2", wavetrend()["wt2"], (-26.23415299, 44.81127553, -45.60997586)
    yield "wavetrend.wt1(9, 12)", fast["wt1"], (-63.21469046, 37.85674848, -63.02032304)
    yield "wavetrend.wt2(9, 12, 3)", fast["wt2"], (-58.77527236, 47.53533526, -61.39346635)
    yield "rsimfi", rsimfi(), (-11.49858859, 1.017951913, -16.30205169)
    yield "stochastic_rsi.k", places["k"], (0.0, 20.01706021, 0.0)
    yield "stochastic_rsi.d", places["d"], (0.0, 53.35039354, 0.0)
    yield "stc", stc(), (0.0, 49.99998808, 0.0001907348178)
    yield "chandelier.long_stop", stops["long_stop"], (103.6416189, 107.3272218, 110.5757311)
    yield "chandelier.short_stop", stops["short_stop"], (101.007216, 103.9520832, 100.6476179)
    yield "chandelier.direction", stops["direction"], (-1.0, 1.0, -1.0)
    rational, gaussian = kernels["rational_quadratic"], kernels["gaussian"]
    yield "kernel_regression.rational_quadratic", rational, (102.8473402, 110.9657576, 99.51138212)
    yield "kernel_regression.gaussian", gaussian, (100.8452379, 111.9247223, 97.72070833)


def events() -> Iterator[tuple[str, Expr, tuple[int, ...]]]:
    told, stops = cipher_b(), chandelier()
    yield "cipher_b.buy", told["buy"], (72, 116, 160, 170, 203, 213, 257)
    yield "cipher_b.sell", told["sell"], (50, 94, 138, 148, 181, 192, 225, 235, 279)
    yield "cipher_b.wt_bear", told["wt_bear"], (63, 106, 150)
    yield "cipher_b.wt_second_bear", told["wt_second_bear"], (63, 106, 150)
    yield "cipher_b.wt_second_bull", told["wt_second_bull"], (85, 128, 172)
    yield "chandelier.buy", stops["buy"], (43, 86, 130, 173, 217, 261)
    yield "chandelier.sell", stops["sell"], (65, 109, 152, 196, 240, 283)


GAF = {
    "diagonal_mean": -0.29473595,
    "diagonal_std": 0.63074367,
    "upper_left_mean": -0.52615021,
    "lower_right_mean": -0.53417390,
    "gaf_sum_mean": -0.56560793,
    "gaf_sum_std": 0.46503781,
    "gaf_diff_mean": 0.0,
    "gaf_diff_std": 0.67030084,
    "trend_score": -0.56560793,
    "symmetry": 0.0,
    "recent_strength": -0.15784279,
    "historical_strength": -0.80097645,
    "momentum": 0.64313366,
    "gadf_1": -0.03418766,
    "gadf_4": -0.10260736,
    "gadf_16": -0.07591866,
}
