"""Steps of the family `gramian`: Gramian angular fields."""

from folkmoot.causal.kernels.fma import Index, step
from folkmoot.core.bars import Floats


@step
def gramian(
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
