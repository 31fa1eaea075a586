"""A fitted Engram, one bar at a time, with what it needs of the past and no more.

It keeps the bars that measure a token, the last tokens of an n-gram, the last keys and values of
each attention layer, and the rings of the convolutions. The answers are those of the window, to
the rounding of float32.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import UsageError
from folkmoot.models.engram.tokens import PAD

if TYPE_CHECKING:
    from folkmoot.models.engram.member import Engram


class EngramStream:
    """Raw numbers of the member's first network after every bar.

    Raises `UsageError` for a member whose attention sees further than its window, as the window
    then answers something else.
    """

    def __init__(self, member: "Engram") -> None:
        self._member = member
        self._network: Any = member.networks()[0]
        if self._network.receptive > member.steps:
            raise UsageError(
                f"the newest token sees {self._network.receptive} tokens",
                where="stream",
                allowed=f"at most the window's {member.steps}",
            )
        self._book = member.book
        self.reset()

    def reset(self) -> None:
        """Forget all bars."""
        member = self._member
        self._bars = np.full((member.lookback - member.steps + 1, len(member.needs)), np.nan)
        self._tokens = np.full(max(member.orders), PAD, dtype=np.int64)
        self._caches = self._network.caches()
        self._known = 0
        self._told = 0

    def push(self, bar: Floats) -> Floats:
        """Show the next bar, `[len(member.needs)]`; return `[horizons x 8]` raw numbers.

        NaN until `lookback` bars in a row were known: one that is not makes the stream start anew.
        """
        import torch

        if bar.shape != (len(self._member.needs),):
            raise UsageError(
                f"a bar of shape {bar.shape}", where="push", allowed=list(self._member.needs)
            )
        if not np.isfinite(bar).all():
            self.reset()
            return self._unknown()
        self._bars = np.concatenate((self._bars[1:], bar[None]))
        self._known += 1
        tokens, known = self._member.tokens(self._bars)
        if not known[-1]:
            if self._told:
                self.reset()
            return self._unknown()
        self._tokens = np.concatenate((self._tokens[1:], tokens[-1:]))
        self._told += 1
        if self._told < len(self._tokens):
            return self._unknown()
        codes = torch.from_numpy(self._book.codes(self._tokens)[None, -1:])
        with torch.inference_mode():
            raw: Floats = self._network.step(codes, self._caches)[0].numpy()
        return raw if self._known >= self._member.lookback else self._unknown()

    def _unknown(self) -> Floats:
        return np.full(8 * len(self._member.horizons), np.nan, dtype=np.float32)
