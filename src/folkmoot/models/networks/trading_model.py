"""The TradingModel of document 001, its layout mended.

1. A causal convolution, padded on the left only, reads `[rows, steps, channels]`.
2. Two layers of LSTM.
3. Attention over the steps of one row (the document's would have mixed the rows of a batch), with a
   causal mask, normalised before and added after.
4. The state h of the last step is joined by the indicators: g = sigmoid(W [h; ind]) decides how
   much of each, out = MLP(h + g x ind).
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, cat, nn

from folkmoot.models.networks.cells import Layer
from folkmoot.models.networks.head import Head, recompute, run, stacked
from folkmoot.models.networks.norm import Norm1d

CLIP = 8.0
SMALLEST_VOLATILITY = 1e-8


class Attend(nn.Module):
    """Let each step of `[rows, steps, width]` look at itself and the steps before it."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, every: bool = True) -> Tensor:
        """Return `states` and what each found; not `every`: of the last step alone."""
        found, _ = self._look(states, every, weights=False)
        return (states if every else states[:, -1:]) + self.dropout(found)

    def weights(self, states: Tensor) -> Tensor:
        """Return `[rows, heads, steps, steps]`: what each step (third) paid to each (last)."""
        return self._look(states, True, weights=True)[1]

    def _look(self, states: Tensor, every: bool, weights: bool) -> tuple[Tensor, Any]:
        x = self.norm(states)
        steps = x.shape[1]
        hidden = None
        if every:
            ahead = torch.ones(steps, steps, dtype=torch.bool, device=x.device)
            hidden = ahead.triu(1)
        # The last step may see all, and only it is asked for an answer.
        query = x if every else x[:, -1:]
        found: tuple[Tensor, Any] = self.attention(
            query, x, x, attn_mask=hidden, need_weights=weights, average_attn_weights=False
        )
        return found


class TradingModel(nn.Module):
    """Answer `[rows, output_dim]` from sequences and the indicators of their last bar.

    `config`: an object or a mapping with `input_channels`, `n_indicators` and `output_dim`.
    """

    def __init__(
        self,
        config: Any,
        channels: int = 64,
        hidden: int = 128,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.config = config
        self.feature_extractor = nn.Sequential(
            nn.ConstantPad1d((2, 0), 0.0),
            nn.Conv1d(_setting(config, "input_channels"), channels, kernel_size=3),
            nn.ReLU(),
            Norm1d(channels),
            nn.Dropout(dropout),
        )
        self.lstm = nn.ModuleList(
            Layer("lstm", hidden if k else channels, hidden, dropout=dropout if k else 0.0)
            for k in range(layers)
        )
        self.attention = nn.ModuleList([Attend(hidden, heads, dropout)])
        self.technical_layer = nn.Linear(_setting(config, "n_indicators"), hidden)
        self.gate = nn.Linear(2 * hidden, hidden)
        self.predictor = Head(hidden, _setting(config, "output_dim"), dropout, hidden=(64,))

    def forward(self, sequences: Tensor, indicators: Tensor) -> Tensor:
        """Return `[rows, output_dim]` from `[rows, steps, channels]` and `[rows, indicators]`."""
        last = run(self.attention[0], self._remember(sequences), False).squeeze(1)
        told, gate = self._weigh(last, indicators)
        return self.predictor(last + gate * told)

    def encode(self, sequences: Tensor) -> Tensor:
        """Return the state of every step, `[rows, steps, hidden]`, from itself and those before."""
        return self.attention[0](self._remember(sequences))

    def explain(self, sequences: Tensor, indicators: Tensor) -> dict[str, Tensor]:
        """Return `attention` `[rows, heads, steps, steps]` and the indicators' `gate`."""
        states = self._remember(sequences)
        last = self.attention[0](states, False).squeeze(1)
        _, gate = self._weigh(last, indicators)
        return {"attention": self.attention[0].weights(states), "gate": gate}

    def gradient_checkpointing_enable(self) -> None:
        """Keep no activations of the LSTM and the attention: the backward pass makes them again."""
        recompute(self)

    def _remember(self, sequences: Tensor) -> Tensor:
        found = self.feature_extractor(sequences.transpose(1, 2))
        return stacked(self.lstm, found.transpose(1, 2))

    def _weigh(self, last: Tensor, indicators: Tensor) -> tuple[Tensor, Tensor]:
        told = self.technical_layer(indicators)
        return told, torch.sigmoid(self.gate(cat((last, told), dim=1)))


class TradingMember(nn.Module):
    """A `TradingModel` that reads candles as its sequence and the last step's features.

    The candle of a bar is its open, high, low and close, less the close before it, over the bar's
    own volatility, and its log volume less the window's mean. The first bar of a window, whose
    close before is not shown, is told from its open.
    """

    def __init__(self, features: int, out: int, **size: Any) -> None:
        super().__init__()
        config = {"input_channels": 5, "n_indicators": features, "output_dim": out}
        self.model = TradingModel(config, **size)

    def forward(self, x: Tensor, raw: Tensor) -> Tensor:
        """Return `[rows, out]`.

        `x[rows, steps, features]`; `raw[rows, steps, 6]`: log open, high, low, close, volume, and
        volatility.
        """
        return self.model(candles(raw), x[:, -1])

    def explain(self, x: Tensor, raw: Tensor) -> dict[str, Tensor]:
        """Return what the model's attention paid and how far its gate was open."""
        return self.model.explain(candles(raw), x[:, -1])


def candles(raw: Tensor) -> Tensor:
    """Return `[rows, steps, 5]` numbers of the order of one from `raw[rows, steps, 6]`."""
    before = cat((raw[:, :1, :1], raw[:, :-1, 3:4]), dim=1)
    scale = raw[:, :, 5:6].clamp(min=SMALLEST_VOLATILITY)
    volume = raw[:, :, 4:5] - raw[:, :, 4:5].mean(dim=1, keepdim=True)
    return cat(((raw[:, :, :4] - before) / scale, volume), dim=2).clamp(-CLIP, CLIP)


def _setting(config: Any, name: str) -> int:
    return int(config[name] if isinstance(config, Mapping) else getattr(config, name))
