"""Steps of the family `candles`: candlestick patterns."""

from folkmoot.causal.kernels.fma import Index, step
from folkmoot.core.bars import Floats


@step
def candles(
    op: int,
    mem: Floats,
    o: Index,
    a: Index,
    b: Index,
    c: Index,
    s: Index,
    n: Index,
    p: Index,
    width: Index,
    m: Index,
) -> None:
    """Walk one row of the family over a tile of `m` bars."""
