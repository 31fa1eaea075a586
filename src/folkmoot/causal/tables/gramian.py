"""Numbers of the Gramian angular fields of a window: codes 160 to 169."""

from folkmoot.causal.operator import Operator, Params, window

LAGS = (1, 2, 4, 8, 16)

EVEN = (
    "diagonal_mean",
    "diagonal_std",
    "upper_left_mean",
    "lower_right_mean",
    "gaf_sum_mean",
    "gaf_sum_std",
    "gaf_diff_mean",
    "gaf_diff_std",
    "trend_score",
    "symmetry",
    "recent_strength",
    "historical_strength",
    "momentum",
)
SIGNED = (
    "signed_trend",
    "time_correlation",
    "slope_t",
    *(f"gasf_{lag}" for lag in LAGS),
    *(f"gadf_{lag}" for lag in LAGS),
)
ANGLES = ("last_angle", *(f"dphi_{lag}" for lag in LAGS))
"""Apart from the other signed ones because an arc cosine costs more than all of them."""


def _room(params: Params) -> list[float]:
    """Return the place where a step keeps the scaled window and its sines."""
    return [0.0] * (2 * int(params[0]))


OPERATORS: tuple[Operator, ...] = tuple(
    Operator(name, 1, code, wait=window, windowed=True, outputs=outputs, numbers=_room)
    for name, code, outputs in (
        ("gramian", 160, EVEN),
        ("gramian_signed", 161, SIGNED),
        ("gramian_angles", 162, ANGLES),
    )
)
