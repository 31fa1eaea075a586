"""The largest numbers that may be asked for; it imports nothing, so that help answers at once."""

FARTHEST = 999_999
"""Bars ahead."""
LARGEST_SEED = 2**32 - 1
"""Optuna's and numpy's older generators take no larger seed."""
