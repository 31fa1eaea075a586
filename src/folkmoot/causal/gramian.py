"""Gramian angular fields as numbers: what their matrices would say, in one walk of the window."""

from folkmoot.causal.counts import count
from folkmoot.causal.expr import Expr, Value, as_expr
from folkmoot.causal.operators import highest, lag, log, lowest, mean, sqrt
from folkmoot.causal.tables.gramian import ANGLES, EVEN, SIGNED
from folkmoot.core.errors import UsageError

GRAMIAN_EVEN = EVEN
"""Outputs of `gramian` that are the same for a chart and its mirror image."""

GRAMIAN_SIGNED = (*SIGNED, *ANGLES)
"""Outputs of `gramian` that see the direction, and the band means of GASF, which do not."""

GRAMIAN_SIZE = ("log_range", "realised_vol")
"""Outputs of `gramian` that the scaling of the window throws away; x has to be positive."""

GRAMIAN_OUTPUTS = (*EVEN, *SIGNED, *ANGLES, *GRAMIAN_SIZE)


def gramian(x: Value, n: int, output: str) -> Expr:
    """Return one number of the Gramian angular fields of the last n values of x.

    The window is scaled to z in -1 .. 1, angle phi = arccos z (Wang & Oates, 2015); GASF[i, j] =
    cos(phi[i] + phi[j]), GADF[i, j] = sin(phi[i] - phi[j]). A window that did not move is NaN.

    Blind to the sign of a move, all of GASF or of GADF's spread: `diagonal_mean`, `diagonal_std`,
    `upper_left_mean` and `lower_right_mean` (the first n // 2 bars, the rest), `gaf_sum_mean`,
    `gaf_sum_std`, `gaf_diff_mean` (always 0), `gaf_diff_std`, `trend_score` (that is
    `gaf_sum_mean`), `symmetry` (always 0), `recent_strength` and `historical_strength` (the last
    and the first ten bars), `momentum` (their difference), `gasf_k` (mean of GASF[i, i + k]).

    Turned over with the chart: `signed_trend` (mean of GADF above the diagonal), `gadf_k` (mean of
    GADF[i, i + k]), `dphi_k` (phi now less phi of k bars ago), `time_correlation` (of z with
    time), `slope_t` (its t statistic; NaN for a straight line); `last_angle` is phi now and turns
    into pi - phi. k is 1, 2, 4, 8 or 16; a lag that the window does not hold is NaN.

    Of positive x, not of z: `log_range`, ln(largest / smallest), and `realised_vol`, the root of
    the mean squared log change over the window.

    Raises `UsageError` for another output or for n outside 3 .. 1,000,000.

    >>> from folkmoot.causal import close
    >>> gramian(close, 64, "trend_score").warmup
    63
    """
    bars = count(n, "gramian", least=3)
    if output not in GRAMIAN_OUTPUTS:
        raise UsageError(f"output is {output!r}", where="gramian", allowed=list(GRAMIAN_OUTPUTS))
    series = as_expr(x)
    if output == "log_range":
        return log(highest(series, bars) / lowest(series, bars))
    if output == "realised_vol":
        return sqrt(mean(log(series / lag(series)) ** 2, bars - 1))
    signed = "gramian_angles" if output in ANGLES else "gramian_signed"
    return Expr("gramian" if output in EVEN else signed, (series,), (bars, output))
