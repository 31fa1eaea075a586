"""Training rows of several markets in one table: a member of a panel learns from all of them.

The other markets come first and are counted in `Features.others`, so that a member that holds rows
out holds out its own market's. Windows that would reach from one market into the next have no
label, and so teach nobody.
"""

from dataclasses import replace

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import Features
from folkmoot.features import Table, windows
from folkmoot.training.material import Material


def pooled(
    own: Features, y: Floats, material: Material, horizons: tuple[int, ...], moment: int
) -> tuple[Features, Floats]:
    """Return the training rows of all markets and their labels, the own market's last.

    `own[rows]` with labels `y[rows, horizons]` is the market that is forecast; a row of another
    market teaches only if its labels were known by `moment`, epoch ms.
    """
    lookback = own.values.shape[1]
    tables, labels = [], []
    for other in material.others:
        table, known = _market(other, own.names, horizons, moment)
        tables.append(table)
        labels.append(known)
    tables.append(_bars(own))
    labels.append(np.concatenate((np.full((lookback - 1, y.shape[1]), np.nan), y)))
    whole = Table(
        np.concatenate([table.values for table in tables]),
        own.names,
        np.concatenate([table.known_at for table in tables]),
    )
    for first in np.cumsum([len(table) for table in tables])[:-1]:
        tables_edge = slice(int(first), int(first) + lookback - 1)
        _blank(labels, tables_edge)
    x = replace(windows(whole, lookback), others=sum(len(table) for table in tables[:-1]))
    return x, np.concatenate(labels)[lookback - 1 :]


def _market(
    other: Material, names: tuple[str, ...], horizons: tuple[int, ...], until: int
) -> tuple[Table, Floats]:
    stop = int(np.searchsorted(other.table.known_at, until, side="right"))
    places = [other.horizons.index(horizon) for horizon in horizons]
    y = other.y[:stop, places].copy()
    y[other.label_known_at[:stop, places] > until] = np.nan
    y[: min(other.start, stop)] = np.nan
    return Table(other.table.of(*names)[:stop], names, other.table.known_at[:stop]), y


def _bars(own: Features) -> Table:
    """Return the bars that the windows of `own` show, the first window's whole."""
    lookback = own.values.shape[1]
    values = np.concatenate((own.values[0, :-1], own.last()))
    # Nobody asks when the bars before the first row were known.
    early = np.full(lookback - 1, own.known_at[0])
    return Table(values, own.names, np.concatenate((early, own.known_at)))


def _blank(labels: list[Floats], rows: slice) -> None:
    """Take the labels of `rows`, counted over all markets, away."""
    start = 0
    for part in labels:
        first, last = max(rows.start - start, 0), rows.stop - start
        if last > 0 and first < len(part):
            part[first:last] = np.nan
        start += len(part)
