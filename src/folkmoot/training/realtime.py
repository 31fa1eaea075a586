"""Bars as they come in, each answered by a `TradingModel`: document 001's real-time processing."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from folkmoot.core.errors import DataError, UsageError
from folkmoot.training.dataset import DOWN, FLAT, UP, Candles
from folkmoot.training.documents_export import predict

SIDES = {DOWN: "SELL", FLAT: "HOLD", UP: "BUY"}
KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Signal:
    """What a network says of a bar: the likeliest class as a `side`, and all three.

    They are the network's own numbers, calibrated by nobody.
    """

    side: str
    p_down: float
    p_flat: float
    p_up: float


@dataclass(slots=True)
class Board:
    """The last signals, oldest first, at most `KEPT`."""

    signals: deque[Signal] = field(default_factory=lambda: deque(maxlen=KEPT))

    @property
    def latest(self) -> Signal | None:
        """The last signal, or None."""
        return self.signals[-1] if self.signals else None


BOARD = Board()
"""Where `update_signals` puts signals if no board is named."""


def calculate_features(data: Any, lookback: int = 100) -> dict[str, Any]:
    """Return `sequence` `[1, lookback, 5]` and `indicators` `[1, 10]` of the last closed bar.

    `data` is what `TradingDataset` takes: the bars up to now, of which the window is the end.
    Raises `DataError` for too few bars, or if something about the last one is unknown.
    """
    import torch

    candles = Candles.of(data)
    if len(candles) < lookback:
        raise DataError(
            f"{len(candles.bars)} bars are too few",
            where="calculate_features",
            allowed=f"{candles.first + lookback} or more",
        )
    if not candles.known[-1]:
        raise DataError(
            "something about the last bar is unknown",
            where="calculate_features",
            allowed="indicators and a volume that are known",
        )
    shown = candles[len(candles) - lookback : len(candles)]
    return {"sequence": shown[None], "indicators": torch.from_numpy(candles.indicators[-1:])}


async def update_signals(prediction: Any, board: Board | None = None) -> Signal:
    """Put the signal of a prediction `[1, 3]` on a board, `BOARD` if none is given; return it.

    Raises `UsageError` for a prediction of another shape, `DataError` if it is no number.
    """
    numbers = np.asarray(prediction.detach().cpu() if hasattr(prediction, "detach") else prediction)
    if numbers.shape != (1, len(SIDES)):
        raise UsageError(
            f"a prediction of shape {numbers.shape}",
            where="update_signals",
            allowed="(1, 3): one window; down, flat, up",
        )
    if not np.isfinite(numbers).all():
        raise DataError("the prediction is no number", where="update_signals", allowed="finite")
    power = np.exp(numbers[0].astype(np.float64) - numbers.max())
    p = power / power.sum()
    signal = Signal(SIDES[int(p.argmax())], *(float(part) for part in p))
    (BOARD if board is None else board).signals.append(signal)
    return signal


async def process_realtime(
    model: Any, data_stream: AsyncIterator[Any], lookback: int = 100, board: Board | None = None
) -> Board:
    """Answer each of the stream's histories for its last bar; return the board of the signals.

    Features and the network are worked out in another thread, so that an event loop goes on.
    Raises what `calculate_features` and `update_signals` raise; the board keeps what came before.
    """
    kept = Board() if board is None else board
    async for data in data_stream:
        prediction = await asyncio.to_thread(_answer, model, data, lookback)
        await update_signals(prediction, kept)
    return kept


def _answer(model: Any, data: Any, lookback: int) -> Any:
    return predict(model, calculate_features(data, lookback))
