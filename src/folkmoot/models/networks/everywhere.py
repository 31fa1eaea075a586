"""The loss of a direction that is taught at every bar of a window."""

import torch
import torch.nn.functional as functional
from torch import Tensor


def direction_loss(raw: Tensor, up: Tensor, base: Tensor) -> Tensor:
    """Return the mean log loss of P(up) at the bars whose direction is known.

    `raw[rows, steps, out]` are a network's raw numbers as of each bar, `up[rows, steps, horizons]`
    what came true, NaN where unknown, and `base[rows, horizons]` the log odds that an answer of
    zero stands for.
    """
    logits = raw.float().unflatten(-1, (up.shape[2], -1))[..., 0] + base[:, None]
    known = ~torch.isnan(up)
    return functional.binary_cross_entropy_with_logits(logits[known], up[known])
