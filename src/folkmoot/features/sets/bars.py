"""The set `bars`: the bar itself, unscaled, always available to a member by name."""

from folkmoot.causal import gap, log, volume
from folkmoot.core.timeframe import Timeframe
from folkmoot.features.column import Column
from folkmoot.features.volatility import ewma_vol, log_close, log_high, log_low, log_open

COLUMNS = (
    Column("log_open", log_open, "log price", "none", "bars"),
    Column("log_high", log_high, "log price", "none", "bars"),
    Column("log_low", log_low, "log price", "none", "bars"),
    Column("log_close", log_close, "log price", "none", "bars"),
    Column("log_volume", log(volume), "log volume", "even", "bars"),
    Column("gap", gap, "bars missing before this one", "even", "bars"),
    Column("ewma_vol", ewma_vol(), "log return per bar", "even", "bars"),
)

BARS_SET: tuple[str, ...] = tuple(column.name for column in COLUMNS)
"""The names that every member may ask for."""


def bars(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the columns, which are the same in every timeframe."""
    return COLUMNS


PLUGIN = bars
