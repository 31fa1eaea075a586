"""Steps of the family `order`: order statistics and weighted windows."""

from folkmoot.causal.kernels.fma import Index, step
from folkmoot.core.bars import Floats


@step
def order(
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
