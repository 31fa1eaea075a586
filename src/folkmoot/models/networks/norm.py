"""Batch normalisation that also works where a batch holds one number of a channel.

Torch refuses to train on it: one number has no variance. Here such a batch passes by the running
mean and variance, as it would be answered, and teaches them nothing.
"""

from torch import Tensor, nn
from torch.nn import functional as F


class Norm1d(nn.BatchNorm1d):
    """Batch normalisation of `[rows, channels, steps]`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` of mean 0 and variance 1 by channel, scaled and shifted."""
        return _by_memory(self, x) if _alone(self, x) else super().forward(x)


class Norm2d(nn.BatchNorm2d):
    """Batch normalisation of `[rows, channels, height, width]`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` of mean 0 and variance 1 by channel, scaled and shifted."""
        return _by_memory(self, x) if _alone(self, x) else super().forward(x)


def _alone(norm: nn.Module, x: Tensor) -> bool:
    return bool(norm.training and x.numel() == x.shape[1])


def _by_memory(norm: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> Tensor:
    return F.batch_norm(
        x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
    )
