"""The last so many rows of a table as a model's input, without copying them."""

from collections.abc import Sequence

import numpy as np

from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Features
from folkmoot.features.feature_set import Table


def windows(table: Table, lookback: int = 1, names: Sequence[str] | None = None) -> Features:
    """Return every run of `lookback` rows of the table, oldest first.

    The result has n - lookback + 1 rows: its row i ends at the table's row i + lookback - 1, whose
    `known_at` it carries. It is a read-only strided view; choosing other `names` than the table's
    own copies that one table of `[n, names]`, never the windows.

    Raises `UsageError` for a name that the table lacks or a lookback that is not 1 or more.
    """
    if lookback < 1:
        raise UsageError(f"lookback is {lookback}", where="windows", allowed=">= 1")
    wanted = table.names if names is None else tuple(names)
    missing = [name for name in wanted if name not in table.names]
    if missing:
        raise UsageError(f"no columns {missing}", where="windows", allowed=list(table.names))
    values = table.values if wanted == table.names else table.of(*wanted)
    rows = max(len(values) - lookback + 1, 0)
    step, across = values.strides
    view = np.lib.stride_tricks.as_strided(
        values, (rows, lookback, len(wanted)), (step, step, across), writeable=False
    )
    return Features(view, wanted, table.known_at[lookback - 1 :] if rows else table.known_at[:0])
