"""Which training rows a member holds out, to stop early or to choose among settings.

The first rows of a panel are other markets'. The share that is held out is a share of the own rows,
the newest, and no row of any market teaches whose label was not known before the first of them.
"""

import numpy as np
import numpy.typing as npt

from folkmoot.core.forecast import Features

Index = npt.NDArray[np.int64]


def split(x: Features, usable: Index, share: float, life: int) -> tuple[Index, Index]:
    """Return (taught, held out) of the rows `usable`, rising positions in `x`.

    A label is known `life` rows after the row that it decides. With a `share` of 0, or too few rows
    for one of them to be held out, all teach.
    """
    own = usable[usable >= x.others]
    held_out = own[int(len(own) * (1.0 - share)) :]
    if not share or not len(held_out):
        return usable, usable[:0]
    others = usable[usable < x.others]
    if len(others):
        others = others[_label_known_at(x, others, life) < x.known_at[held_out[0]]]
    taught: Index = np.concatenate((others, own[own + life < held_out[0]]))
    return taught, held_out


def _label_known_at(x: Features, index: Index, life: int) -> npt.NDArray[np.int64]:
    """Return when the labels of these rows were known; never, where their market ends before.

    Time goes back where the next market begins, or else it is later there, which is safe.
    """
    last = len(x) - 1
    ends = np.append(np.flatnonzero(np.diff(x.known_at) < 0), last)
    end = ends[np.searchsorted(ends, index)]
    known = x.known_at[np.minimum(index + life, last)]
    never = np.iinfo(np.int64).max
    found: npt.NDArray[np.int64] = np.where(index + life <= end, known, never)
    return found
