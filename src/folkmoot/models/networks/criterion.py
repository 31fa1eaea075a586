"""The loss of a network's raw numbers against what came true, horizon by horizon."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS
from folkmoot.models.neural.targets import BOUND, MEDIAN, WIDTH, gaps

Errors = Callable[[Tensor], Tensor]


class Criterion(nn.Module):
    """A weighted sum of losses; unknown labels and rows without weight count for nothing.

    `loss` maps the parts to their weights: bce of the direction; pinball over all quantiles; mse,
    mae and huber of the median against the standardised return. `rate[horizons]`: the share of
    rises, if both directions are to count alike.
    """

    base: Tensor
    gap: Tensor
    middle: Tensor
    levels: Tensor

    rise: Tensor
    fall: Tensor

    def __init__(
        self,
        base: Floats,
        shape: Floats,
        loss: Mapping[str, float],
        rate: Floats | None = None,
    ) -> None:
        super().__init__()
        shares = np.full(len(base), 0.5) if rate is None else rate
        self.register_buffer("rise", torch.tensor(0.5 / shares, dtype=torch.float32))
        self.register_buffer("fall", torch.tensor(0.5 / (1.0 - shares), dtype=torch.float32))
        self.loss = dict(loss)
        self.register_buffer("base", torch.tensor(base, dtype=torch.float32))
        self.register_buffer("gap", torch.tensor(gaps(shape), dtype=torch.float32))
        self.register_buffer("middle", torch.tensor(shape[:, MEDIAN], dtype=torch.float32))
        self.register_buffer("levels", torch.tensor(LEVELS, dtype=torch.float32))

    def forward(self, raw: Tensor, z: Tensor, up: Tensor, weights: Tensor) -> Tensor:
        """Return the loss: `raw[rows, horizons x 8]`, `z`, `up` [rows, horizons], `weights`."""
        parts = raw.float().reshape(len(raw), -1, WIDTH)
        weight = weights[:, None].expand_as(z)
        total = raw.new_zeros((), dtype=torch.float32)
        for name, share in self.loss.items():
            if name == "bce":
                total = total + share * self._direction(parts[:, :, 0], up, weight)
            else:
                total = total + share * self._distance(name, parts[:, :, 1:], z, weight)
        return total

    def _direction(self, logit: Tensor, up: Tensor, weight: Tensor) -> Tensor:
        known = ~torch.isnan(up)
        right = torch.where(known, up, 0.5)
        loss = functional.binary_cross_entropy_with_logits(
            logit + self.base, right, reduction="none"
        )
        alike = torch.where(right > 0.5, self.rise, self.fall)
        return _mean(loss, weight * known * alike)

    def _distance(self, name: str, raw: Tensor, z: Tensor, weight: Tensor) -> Tensor:
        known = ~torch.isnan(z)
        truth = torch.where(known, z, 0.0)
        if name == "pinball":
            error = truth[:, :, None] - self.quantiles(raw)
            loss = torch.maximum(self.levels * error, (self.levels - 1.0) * error).mean(dim=2)
        else:
            middle = self.middle + BOUND * torch.tanh(raw[:, :, MEDIAN] / BOUND)
            loss = POINT_LOSSES[name](middle - truth)
        return _mean(loss, weight * known)

    def quantiles(self, raw: Tensor) -> Tensor:
        """Return `[rows, horizons, levels]` standardised, as `targets.decode` does."""
        bounded = BOUND * torch.tanh(raw / BOUND)
        middle = (self.middle + bounded[:, :, MEDIAN])[:, :, None]
        others = torch.cat((bounded[:, :, :MEDIAN], bounded[:, :, MEDIAN + 1 :]), dim=2)
        steps = self.gap * torch.exp(others)
        below = steps[:, :, :MEDIAN].flip(2).cumsum(2).flip(2)
        above = steps[:, :, MEDIAN:].cumsum(2)
        return torch.cat((middle - below, middle, middle + above), dim=2)


def _mean(loss: Tensor, weight: Tensor) -> Tensor:
    return (loss * weight).sum() / weight.sum().clamp_min(1e-12)


POINT_LOSSES: dict[str, Errors] = {
    "mse": torch.square,
    "mae": torch.abs,
    "huber": lambda error: functional.huber_loss(error, torch.zeros_like(error), reduction="none"),
}
