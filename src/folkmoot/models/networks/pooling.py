"""Attention over the states of a window: one vector from many, and what was looked at."""

import torch
from torch import Tensor, nn


class Pooling(nn.Module):
    """Average the states `[rows, steps, width]` with weights that the states decide."""

    def weights(self, states: Tensor) -> Tensor:
        """Return `[rows, steps]`, above zero and summing to one in each row."""
        return torch.softmax(self.scores(states), dim=1)

    def scores(self, states: Tensor) -> Tensor:
        """Return how much each step matters, `[rows, steps]`."""
        raise NotImplementedError

    def forward(self, states: Tensor) -> Tensor:
        """Return `[rows, width]`."""
        return (self.weights(states).unsqueeze(2) * states).sum(dim=1)

    def so_far(self, states: Tensor) -> Tensor:
        """Return `[rows, steps, width]`: at each step what the steps up to it come to.

        Only where a step's score is the same whatever comes after it.
        """
        raise NotImplementedError


class Additive(Pooling):
    """Score a state by v . tanh(W h + b) (Bahdanau et al. 2015, without a query)."""

    def __init__(self, width: int, attention: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, attention)
        self.score = nn.Linear(attention, 1, bias=False)

    def scores(self, states: Tensor) -> Tensor:
        """Return `[rows, steps]`."""
        return self.score(torch.tanh(self.hidden(states))).squeeze(2)

    def so_far(self, states: Tensor) -> Tensor:
        """Return `[rows, steps, width]`; scores lie within the sum of |v|, so none vanishes."""
        scores = self.scores(states)
        paid = torch.exp(scores - scores.amax(dim=1, keepdim=True)).unsqueeze(2)
        return (paid * states).cumsum(dim=1) / paid.cumsum(dim=1)


class Dot(Pooling):
    """Score a state by its key's product with the last state's query, over sqrt(attention)."""

    def __init__(self, width: int, attention: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, attention)
        # A bias would move all scores of a row alike.
        self.key = nn.Linear(width, attention, bias=False)
        self.scale = attention**-0.5

    def scores(self, states: Tensor) -> Tensor:
        """Return `[rows, steps]`."""
        query = self.query(states[:, -1:])
        return (self.key(states) * query).sum(dim=2) * self.scale


KINDS = {"additive": Additive, "dot": Dot}


def pooling(kind: str, width: int, attention: int) -> Pooling:
    """Build the pooling of that kind over states of `width`, `attention` numbers inside."""
    return KINDS[kind](width, attention)
