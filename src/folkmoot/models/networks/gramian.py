"""Gramian angular fields drawn inside a network, and the numbers that their scaling throws away.

The images are those of `folkmoot.features.gaf_images` of the window's closes, but made of what a
network is told of them: log closes less the last one, in float32.

    x = close / last close,  averaged into pieces
    z = (2x - high - low) / (high - low)
    s = sqrt(1 - z^2) = 2 sqrt((x - low) (high - x)) / (high - low)

Up to z and s everything is float64: a window's range may be a thousandth of its prices.
"""

import torch
from torch import Tensor, nn

from folkmoot.core.errors import UsageError
from folkmoot.features.gaf_image import TYPICAL_RANGE

SIDES = 6
"""Numbers beside the image."""

BOUND = 5.0
RECENT = 8
"""Bars of the later of two realised volatilities."""


class Gramian(nn.Module):
    """Draw windows of `steps` log closes as images of `size` pixels."""

    def __init__(self, steps: int, size: int) -> None:
        super().__init__()
        if not 2 <= size <= steps:
            raise UsageError(f"size is {size}", where="gramian", allowed=f"2 .. {steps}, the steps")
        bounds = torch.arange(size + 1) * steps // size
        bars = torch.arange(steps)
        inside = (bars >= bounds[:-1, None]) & (bars < bounds[1:, None])
        self.whole = size == steps
        share = inside.double() / inside.sum(1, keepdim=True)
        self.register_buffer("pieces", share, persistent=False)

    def forward(self, moves: Tensor) -> Tensor:
        """Return `[rows, 3, size, size]` of `moves[rows, steps]`, log closes less the last one.

        The planes are GASF, GADF and the scale; a flat window is 0 in all three.
        """
        x = moves.double().exp()
        if not self.whole:
            x = (x[:, None, :] * self.pieces).sum(dim=2)
        low, high = x.amin(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)
        flat = high <= low
        span = torch.where(flat, 1.0, high - low)
        z = torch.where(flat, 0.0, ((x - low) - (high - x)) / span).to(moves.dtype)
        s = torch.where(flat, 0.0, 2.0 * torch.sqrt((x - low) * (high - x)) / span).to(moves.dtype)
        zi, zj, si, sj = z[:, :, None], z[:, None, :], s[:, :, None], s[:, None, :]
        scale = torch.where(flat, 0.0, _share(_range(moves), TYPICAL_RANGE))
        plane = scale[:, :, None].expand_as(zi * zj)
        return torch.stack((zi * zj - si * sj, si * zj - zi * sj, plane), dim=1)


def sides(moves: Tensor, volatility: Tensor) -> Tensor:
    """Return `[rows, 6]`, what the images do not tell, each within +-5.

    The window's log range, and its realised volatility over all bars and over the last 8, as a
    share of what `volatility[rows]` a bar expects; the log range as the scale plane has it; the
    moves of the whole window and of the last bar in standard deviations.
    """
    expected = volatility.clamp(min=1e-8)[:, None]
    width = expected * moves.shape[1] ** 0.5
    change = moves[:, 1:] - moves[:, :-1]
    around = [
        _share(_range(moves), width),
        _share(change.square().mean(dim=1, keepdim=True).sqrt(), expected),
        _share(change[:, -RECENT:].square().mean(dim=1, keepdim=True).sqrt(), expected),
        _share(_range(moves), TYPICAL_RANGE),
    ]
    signed = [(moves[:, -1:] - moves[:, :1]) / width, change[:, -1:] / expected]
    return torch.cat((*around, *(number.clamp(-BOUND, BOUND) for number in signed)), dim=1)


def _range(moves: Tensor) -> Tensor:
    return moves.amax(dim=1, keepdim=True) - moves.amin(dim=1, keepdim=True)


def _share(number: Tensor, usual: Tensor | float) -> Tensor:
    """Return tanh(log(number / usual) / 2), which is -1 at 0."""
    return (number - usual) / (number + usual)
