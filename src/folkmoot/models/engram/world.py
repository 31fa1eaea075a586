"""World N: a market that speaks in n-grams, some of which tell the direction that follows.

1. Four times in ten one of 64 fixed trigrams of 32 tokens is said, else a single random token.
2. A trigram has a sign of its own: the bar after it has that sign with chance 0.70.
3. Every other bar's sign is a coin toss. Sizes are half-normal, of 0.006.

Tokens say nothing but this: a reader has to know which trigrams there are.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError

Ints = npt.NDArray[np.int64]

TOKENS, TRIGRAMS, SHARE, P = 32, 64, 0.4, 0.70
SIGMA = 0.006
COLUMN = "token"


@dataclass(frozen=True, slots=True, eq=False)
class NGramWorld:
    """`token[bars]` from 0 to 31; `sign[bars]` in {-1, 0, 1}, planted for the bar after, known at
    its close; `log_close[bars]`.
    """

    token: Ints
    sign: Ints
    log_close: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of `values`."""
        bars = ("log_open", "log_high", "log_low", "log_close", "log_volume", "gap", "ewma_vol")
        return (COLUMN, *bars)

    @property
    def values(self) -> Floats:
        """`[bars, 8]`: the token and the set `bars`, as a member is shown them."""
        close = self.log_close
        opened = np.concatenate(([0.0], close[:-1]))
        same = np.ones(len(close))
        columns = (opened, np.maximum(opened, close), np.minimum(opened, close), close)
        return np.column_stack((self.token, *columns, 0.0 * same, 0.0 * same, SIGMA * same))

    def labels(self, horizon: int = 1) -> Floats:
        """Return `[bars]`: the log return of the next `horizon` bars, NaN at the end."""
        y = np.full(len(self.log_close), np.nan)
        y[:-horizon] = self.log_close[horizon:] - self.log_close[:-horizon]
        return y


def ngram_world(n: int = 60_000, seed: int = 0) -> NGramWorld:
    """Make `n` bars of world N, the same for the same seed; which trigrams differs by seed.

    Source: conventions.md, worlds for members. Raises `UsageError` below 1 bar.

    >>> int(ngram_world(500).token.max()) < 32
    True
    """
    if n < 1:
        raise UsageError(f"a world of {n} bars", where="world", allowed="at least 1 bar")
    rng = np.random.default_rng([seed, 0x4E])
    codes = rng.choice(TOKENS**3, TRIGRAMS, replace=False)
    trigrams = np.stack(np.unravel_index(codes, (TOKENS,) * 3), axis=1)
    signs = np.where(rng.permutation(TRIGRAMS) < TRIGRAMS // 2, 1, -1)
    said = rng.random(n) < SHARE
    which = rng.integers(0, TRIGRAMS, n)
    alone = rng.integers(0, TOKENS, n)
    length = np.where(said, 3, 1)
    start = np.cumsum(length) - length
    token = np.empty(int(length.sum()), dtype=np.int64)
    token[start] = np.where(said, trigrams[which, 0], alone)
    for k in (1, 2):
        token[start[said] + k] = trigrams[which[said], k]
    sign = np.zeros(len(token), dtype=np.int64)
    sign[start[said] + 2] = signs[which[said]]
    token, sign = token[:n], sign[:n]
    agrees = rng.random(n) < np.where(np.concatenate(([0], sign[:-1])) != 0, P, 0.5)
    planted = np.concatenate(([0], sign[:-1]))
    wanted = np.where(planted != 0, planted, 1)
    move = np.where(agrees, wanted, -wanted) * SIGMA * np.abs(rng.standard_normal(n))
    return NGramWorld(token, sign, np.cumsum(move))
