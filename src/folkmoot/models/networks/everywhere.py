"""Networks that are taught the direction at every bar of a window."""

import torch
import torch.nn.functional as functional
from torch import Tensor, nn


def direction_loss(raw: Tensor, up: Tensor, base: Tensor) -> Tensor:
    """Return the mean log loss of P(up) at the bars whose direction is known.

    `raw[rows, steps, out]` are a network's raw numbers as of each bar, `up[rows, steps, horizons]`
    what came true, NaN where unknown, and `base[rows, horizons]` the log odds that an answer of
    zero stands for.
    """
    logits = raw.float().unflatten(-1, (up.shape[2], -1))[..., 0] + base[:, None]
    known = ~torch.isnan(up)
    return functional.binary_cross_entropy_with_logits(logits[known], up[known])


class OneWay(nn.Module):
    """A network that can answer as of every bar of a window, and be taught at every one."""

    def every(self, x: Tensor) -> Tensor:
        """Return `[rows, steps, out]`: what is answered of each bar by the bars up to it."""
        raise NotImplementedError

    def learn(
        self, inputs: tuple[Tensor, ...], extras: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor | float]:
        """Return the answer at the last bar, and the loss of the direction at every bar."""
        if not extras:
            return self(*inputs), 0.0
        raw = self.every(*inputs)
        return raw[:, -1], direction_loss(raw, *extras)
