"""Trend, bands and state: where the market stands against its own past, and how it travels."""

import math

from folkmoot.causal import (
    Expr,
    close,
    correlation,
    ema,
    equal,
    hold,
    kurtosis,
    lag,
    line,
    log,
    mean,
    negate,
    rank,
    skewness,
    slope,
    std,
)
from folkmoot.features.column import Column
from folkmoot.features.families.units import (
    SIGMA,
    from_line,
    in_ranges,
    in_sigmas,
    in_usual,
)
from folkmoot.features.ranges import Range
from folkmoot.features.volatility import (
    close_to_close,
    garman_klass,
    log_close,
    log_return,
    parkinson,
    rogers_satchell,
    yang_zhang,
)
from folkmoot.indicators.bollinger import bollinger
from folkmoot.indicators.chandelier import chandelier
from folkmoot.indicators.donchian import donchian
from folkmoot.indicators.efficiency_ratio import efficiency_ratio
from folkmoot.indicators.heikin_ashi import heikin_ashi
from folkmoot.indicators.hull import hull
from folkmoot.indicators.hurst import hurst
from folkmoot.indicators.ichimoku import ichimoku
from folkmoot.indicators.keltner import keltner
from folkmoot.indicators.kernel_regression import kernel_regression
from folkmoot.indicators.permutation_entropy import permutation_entropy
from folkmoot.indicators.regime import REGIMES, regime
from folkmoot.indicators.squeeze import squeeze
from folkmoot.indicators.supertrend import supertrend
from folkmoot.indicators.variance_ratio import variance_ratio
from folkmoot.indicators.zlema import zlema
from folkmoot.indicators.zscore import zscore

SHARE, HALF, SIDES = (0.0, 1.0), (-0.5, 0.5), (-1.0, 1.0)
ESTIMATES = {
    "close": close_to_close,
    "parkinson": parkinson,
    "garman_klass": garman_klass,
    "rogers_satchell": rogers_satchell,
    "yang_zhang": yang_zhang,
}


def windowed() -> tuple[Column, ...]:
    """Return the columns that read a window and nothing before it."""
    cloud, kernel = ichimoku(), kernel_regression(log_close)
    smooth = kernel["rational_quadratic"]
    echo, burst = correlation(log_return, lag(log_return), 50), parkinson(5) / close_to_close(50)
    return (
        in_usual("sma_20", log_close - mean(log_close, 20), "trend"),
        in_usual("sma_50", log_close - mean(log_close, 50), "trend"),
        in_usual("hull_9", log_close - hull(log_close), "trend"),
        in_usual("slope_20", slope(log_close, 20), "trend"),
        in_usual("slope_50", slope(log_close, 50), "trend"),
        in_usual("line_50", log_close - line(log_close, 50), "trend"),
        in_usual("kernel_slope", smooth - lag(smooth), "trend"),
        in_usual("kernel_gap", kernel["gaussian"] - smooth, "trend"),
        _fitted(30),
        _efficiency(10),
        _efficiency(20),
        in_ranges("tenkan_kijun", cloud["conversion"] - cloud["base"], "trend"),
        from_line("kijun", cloud["base"], "trend"),
        _placed("donchian_20", donchian()["place"], HALF),
        _placed("donchian_55", donchian(55)["place"], HALF),
        _scored(50),
        Column("squeeze_on", squeeze()["on"], "event", "even", "bands"),
        *_moments(50),
        Column("echo_50", echo, "correlation with the bar before", "even", "trend"),
        Column("range_burst", burst, "range of 5 bars over moves of 50", "even", "volatility"),
    )


def recursive() -> tuple[Column, ...]:
    """Return the columns that remember, or look back too far to be copied."""
    cloud, stops, candle = ichimoku(), chandelier(), heikin_ashi()
    middle = (cloud["cloud_a"] + cloud["cloud_b"]) / 2.0
    follow, bands = supertrend(), bollinger(log_close)
    breadth = bands["upper"] - bands["lower"]
    return (
        in_usual("return_34", log_close - lag(log_close, 34), "returns"),
        in_usual("return_55", log_close - lag(log_close, 55), "returns"),
        in_sigmas("sma_200", log_close - mean(log_close, 200), "trend"),
        in_sigmas("ema_100", log_close - ema(log_close, 100), "trend"),
        in_sigmas("zlema_20", log_close - zlema(log_close), "trend"),
        in_usual("slope_100", slope(log_close, 100), "trend"),
        _fitted(100),
        from_line("supertrend", follow["line"], "trend"),
        Column("supertrend_side", follow["direction"], "side", "level", "trend", limits=SIDES),
        Column("chandelier_side", _chandelier_side(stops), "side", "level", "trend", limits=SIDES),
        in_ranges("chandelier", 2.0 * close - stops["long_stop"] - stops["short_stop"], "trend"),
        from_line("cloud", middle, "trend"),
        in_ranges("cloud_width", abs(cloud["cloud_a"] - cloud["cloud_b"]), "trend", "even"),
        in_ranges("heikin_body", candle["close"] - candle["open"], "candle"),
        _placed("keltner", keltner()["place"]),
        Column(
            "band_rank",
            rank(breadth, 200),
            "share of 200 bars",
            "none",
            "bands",
        ),
        Column("variance_ratio_4", variance_ratio(), "ratio", "even", "state"),
        Column("variance_ratio_16", variance_ratio(q=16, n=120), "ratio", "even", "state"),
        Column("hurst_100", hurst(), "exponent", "even", "state"),
        Column("order_100", _disorder(), "entropy, 1 is disorder", "even", "state", limits=SHARE),
        *_volatility(),
        *_regimes(),
    )


def _fitted(n: int) -> Column:
    """Return the share of n log closes' variance that a line explains, from parts shared anyway."""
    steepness, spread = slope(log_close, n), std(log_close, n)
    share = steepness * steepness * ((n * n - 1.0) / 12.0) / (spread * spread)
    return Column(f"fit_{n}", share, "r squared", "even", "trend", limits=SHARE)


def _efficiency(n: int) -> Column:
    ratio = efficiency_ratio(log_close, n)
    return Column(f"efficiency_{n}", ratio, "net over way", "even", "trend", limits=SHARE)


def _chandelier_side(stops: dict[str, Expr]) -> Expr:
    """Return on which side of the stops the close is, kept where it has passed both or neither.

    The script looks at the short stop first, so that its direction of a chart turned upside down
    is not always the opposite.
    """
    up, down = close > lag(stops["short_stop"]), close < lag(stops["long_stop"])
    return hold(negate(equal(up, down)), up - down)


def _disorder() -> Expr:
    """Return the permutation entropy of 100 returns, a tie read both as a rise and as a fall.

    The orderings of equal returns, of which ticks make many, go by their age: read one way alone
    they would differ between a chart and its mirror image.
    """
    return 0.5 * (permutation_entropy(log_return) + permutation_entropy(-log_return))


def _placed(name: str, place: Expr, limits: Range | None = None) -> Column:
    unit = "channels from the middle"
    return Column(name, place - 0.5, unit, "level", "bands", limits=limits)


def _scored(n: int) -> Column:
    most = math.sqrt(n - 1.0)
    unit, score = "standard deviations", zscore(log_close, n)
    return Column(f"zscore_{n}", score, unit, "ratio", "bands", limits=(-most, most))


def _moments(n: int) -> tuple[Column, ...]:
    """Return the third and fourth moments of n returns, largest where one alone differs."""
    third = (n - 2.0) / math.sqrt(n - 1.0)
    skew, fat = skewness(log_return, n), kurtosis(log_return, n)
    most = third * third - 2.0
    group = "volatility"
    return (
        Column(f"skew_{n}", skew, "skewness", "ratio", group, limits=(-third, third)),
        Column(f"kurtosis_{n}", fat, "excess kurtosis", "even", group, limits=(-2.0, most)),
    )


def _volatility() -> tuple[Column, ...]:
    windows = tuple(
        Column(f"vol_{name}_{n}", estimate(n) / SIGMA, "ratio to ewma_vol", "even", "volatility")
        for n in (10, 60)
        for name, estimate in ESTIMATES.items()
    )
    return (
        *windows,
        Column("vol_of_vol", std(log(SIGMA), 50), "log volatility", "even", "volatility"),
        Column("vol_rank", rank(SIGMA, 500), "share of 500 bars", "none", "volatility"),
    )


def _regimes() -> tuple[Column, ...]:
    """Return the states as flags, without a law of mirrors: ranks decide them, see `core`."""
    state = regime()
    return tuple(
        Column(f"is_{name}", equal(state, float(code)), "event", "none", "state")
        for code, name in enumerate(REGIMES)
        if name != "quiet"
    )
