"""What every network ends in, and how its repeated layers are called."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

HIDDEN = (64, 32)


class Head(nn.Sequential):
    """Map `[rows, width]` to `[rows, out]` raw numbers by way of two small ReLU layers.

    The last layer starts near zero, so that an unfitted network answers what it would answer if its
    input said nothing.
    """

    def __init__(
        self, width: int, out: int, dropout: float = 0.0, hidden: Sequence[int] = HIDDEN
    ) -> None:
        layers: list[nn.Module] = []
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
            width = size
        last = nn.Linear(width, out)
        with_little = 0.1
        nn.init.uniform_(last.weight, -with_little / width**0.5, with_little / width**0.5)
        nn.init.zeros_(last.bias)
        super().__init__(*layers, last)


def run(layer: nn.Module, *inputs: Any) -> Any:
    """Call a layer; one whose `recompute` is true keeps no activations for the backward pass."""
    if getattr(layer, "recompute", False) and layer.training:
        return checkpoint(layer, *inputs, use_reentrant=False)
    return layer(*inputs)


def count(network: nn.Module) -> int:
    """Return the number of trainable numbers, a weight norm's magnitudes folded away."""
    return sum(
        parameter.numel()
        for name, parameter in network.named_parameters()
        if parameter.requires_grad and not name.endswith("parametrizations.weight.original0")
    )


def recompute(network: nn.Module) -> int:
    """Mark every repeated layer of `network` to be recomputed; return how many there are.

    A repeated layer is a member of an `nn.ModuleList`.
    """
    marked = 0
    for module in network.modules():
        if isinstance(module, nn.ModuleList):
            for layer in module:
                layer.recompute = True
                marked += 1
    return marked


def stacked(layers: nn.ModuleList, x: Tensor) -> Tensor:
    """Run `x` through the layers, one after the other."""
    for layer in layers:
        x = run(layer, x)
    return x
