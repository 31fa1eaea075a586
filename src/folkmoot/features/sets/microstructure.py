"""The set `microstructure`: spread, depth, order flow and trades, for bars that carry them.

It reads extra columns that only some sources have; `folkmoot.market.microstructure` makes them of
recorded messages. A copy on a higher timeframe would need them aggregated: there is none.
"""

from folkmoot.core.timeframe import Timeframe
from folkmoot.features.column import Column
from folkmoot.features.microstructure import (
    agreement,
    book_pressure,
    depth_imbalance,
    flow_pressure,
    flow_share,
    half_spreads,
    impact,
    order_flow,
    signed_volume,
    spread_cost,
    spread_score,
    trade_pace,
    trade_size,
    vwap_gap,
)

COLUMNS = (
    Column("spread_score", spread_score(), "standard deviations of log spread", "even", "spread"),
    Column("spread_cost", spread_cost(), "ratio to ewma_vol", "even", "spread"),
    Column("book_pressure", depth_imbalance, "share of bids less asks", "ratio", "depth"),
    Column("book_pressure_20", book_pressure(20), "share of bids less asks", "ratio", "depth"),
    Column("half_spreads", half_spreads(), "half spreads from the mid", "ratio", "depth"),
    Column("half_spreads_5", half_spreads(5), "half spreads from the mid", "ratio", "depth"),
    Column("flow_share", flow_share(), "share bought less sold", "ratio", "flow"),
    Column("flow_share_20", flow_share(20), "share bought less sold", "ratio", "flow"),
    Column("order_pressure", flow_pressure(), "usual volumes", "ratio", "flow"),
    Column("order_pressure_5", flow_pressure(5), "usual volumes", "ratio", "flow"),
    Column("vwap_gap", vwap_gap(), "standard deviations of one bar", "ratio", "flow"),
    Column("trade_pace", trade_pace(), "ratio to the mean of 20 bars", "even", "trades"),
    Column("trade_size", trade_size(), "ratio to the mean of 20 bars", "even", "trades"),
    Column("impact", impact(signed_volume), "moves by a usual volume", "even", "impact"),
    Column("order_impact", impact(order_flow), "moves by a usual volume", "even", "impact"),
    Column("order_agreement", agreement(order_flow), "correlation", "even", "impact"),
)


def microstructure(timeframe: Timeframe) -> tuple[Column, ...]:
    """Return the columns, which are the same in every timeframe."""
    return COLUMNS


PLUGIN = microstructure
