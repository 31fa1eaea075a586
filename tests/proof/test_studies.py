"""Studies are found again by what they were of, and by nothing less."""

from folkmoot.market import world
from folkmoot.proof.keys import lineage


def test_a_lineage_outlives_appended_bars_and_tells_series_of_one_market_apart() -> None:
    bars = world("martingale", n=1_400, seed=0).bars
    assert lineage(bars.until(1_000)) == lineage(bars.until(1_001)) == lineage(bars)
    other = world("martingale", n=1_400, seed=1).bars
    assert (bars.symbol, bars.open_time[0]) == (other.symbol, other.open_time[0])
    assert lineage(bars) != lineage(other)
    assert lineage(bars) != lineage(bars.rows(1, len(bars)))
