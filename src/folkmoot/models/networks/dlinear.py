"""DLinear (Zeng et al. 2023): a moving average, what it leaves over, and nothing but linear maps.

As in the paper every column goes through the same two maps over time. The paper's maps end in each
column's own future; here they end in a few `filters` a column, of which one linear map of all
columns makes the answer. There is no head of ReLU layers: the answer is linear in the window.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from folkmoot.core.errors import UsageError

QUICK = 5.0


def averaging(steps: int, bars: int) -> Tensor:
    """Return `[steps, steps]`: the centred mean of `bars`, the window's ends repeated outwards.

    >>> (3.0 * averaging(3, 3)).round().tolist()
    [[2.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 2.0]]
    """
    reach = torch.arange(bars) - bars // 2
    at = (torch.arange(steps)[:, None] + reach).clamp(0, steps - 1)
    return F.one_hot(at, steps).float().mean(dim=1)


class DLinearNetwork(nn.Module):
    """Split each column into trend and rest, filter both over time, weigh all filters.

    `average`: bars of the trend's centred mean, odd; `filters`: numbers kept of each column.
    """

    def __init__(
        self, features: int, steps: int, out: int, average: int = 25, filters: int = 8
    ) -> None:
        super().__init__()
        if average < 1 or average % 2 == 0:
            raise UsageError(
                f"an average of {average} bars has no middle", where="dlinear", allowed="odd"
            )
        self.trend, self.rest = nn.Linear(steps, filters), nn.Linear(steps, filters)
        self.answer = nn.Linear(features * filters, out)
        # As every head does: unfitted, it answers what it would if its input said nothing.
        nn.init.normal_(self.answer.weight, std=0.1 / (features * filters) ** 0.5)
        nn.init.zeros_(self.answer.bias)
        self.register_buffer("averaging", averaging(steps, average), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[rows, steps, features]` to `[rows, out]`."""
        return self.answer(self._filter(x).flatten(1))

    def groups(self) -> list[dict[str, Any]]:
        """Return all parameters at five times the rate: a linear map learns in larger steps."""
        return [{"params": list(self.parameters()), "lr_factor": QUICK}]

    def explain(self, x: Tensor) -> dict[str, Tensor]:
        """Return what each column adds to the answers: `importance` `[rows, features]`.

        It is the mean size of the column's terms, which with the bias sum to the answer.
        """
        weight = self.answer.weight.unflatten(1, (x.shape[2], -1))
        terms = torch.einsum("rcf,ocf->rco", self._filter(x), weight)
        return {"importance": terms.abs().mean(dim=-1)}

    def _filter(self, x: Tensor) -> Tensor:
        columns = x.transpose(1, 2)
        trend = columns @ self.averaging.T
        return self.trend(trend) + self.rest(columns - trend)
