"""Windows of candles, with indicators and what came of them: document 001's `TradingDataset`.

1. Bars become candles from the first bar on which every indicator is known.
2. A window's candles are told as moves over the window's own volatility, so that no price level
   and no other window is in them; the indicators are those of its last bar.
3. Its target is what a decision at that bar's close earned from the next open on: down, flat or up.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from folkmoot.causal import Expr, Program, close, compile, lag, log, mean, std
from folkmoot.core.bars import COLUMNS, Bars, Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.timeframe import Timeframe
from folkmoot.features import labels
from folkmoot.indicators.adx import adx
from folkmoot.indicators.cci import cci
from folkmoot.indicators.rsi import rsi
from folkmoot.indicators.wavetrend import wavetrend

DOWN, FLAT, UP = 0, 1, 2
"""The classes of a target."""

INDICATORS = (
    *("rsi", "cci", "adx", "direction", "wavetrend", "wavetrend_gap"),
    *("above_5", "above_10", "above_20", "above_50"),
)
"""The indicators of a window, each scaled to the order of one."""

CLIP = 8.0
SMALLEST = 1e-8
_MOVED_OVER = 20


def indicator_expressions() -> dict[str, Expr]:
    """Return the indicators, and `volatility`, the standard deviation of 20 log returns."""
    moves = log(close / lag(close))
    volatility = math.sqrt(_MOVED_OVER / (_MOVED_OVER - 1.0)) * std(moves, _MOVED_OVER)
    directional, waves = adx(14), wavetrend()
    return {
        "rsi": rsi(n=14) / 50.0 - 1.0,
        "cci": cci(n=20) / 100.0,
        "adx": directional["adx"] / 50.0 - 0.5,
        "direction": (directional["plus_di"] - directional["minus_di"]) / 25.0,
        "wavetrend": waves["wt1"] / 50.0,
        "wavetrend_gap": (waves["wt1"] - waves["wt2"]) / 20.0,
        **{
            f"above_{n}": log(close / mean(close, n)) / (volatility * math.sqrt(n))
            for n in (5, 10, 20, 50)
        },
        "volatility": volatility,
    }


class Candles:
    """Bars as windows are cut from them; `candles[a:b]` is the window of rows a to b.

    Row 0 is the first bar on which every indicator is known. A window is a float32 tensor
    `[b - a, 5]`: log open, high, low and close less the close before, over the standard deviation
    of the window's moves, and 2 log((1 + v) / 2) of the volume v over its mean. It knows its last
    row (`until`, exclusive).

    Raises `DataError` if no bar knows every indicator.
    """

    def __init__(self, bars: Bars) -> None:
        lines = _program().batch(bars)
        values = np.column_stack([lines[name] for name in INDICATORS])
        known = np.isfinite(values).all(axis=1) & (lines["volatility"] > 0.0)
        if not known.any():
            raise DataError(
                f"{len(bars)} bars make no indicator known", where="candles", allowed="51 or more"
            )
        self.first = max(1, int(np.argmax(known)))
        own = slice(self.first, None)
        logs = np.log(np.column_stack([bars.column(name) for name in COLUMNS[:4]]))
        self.bars = bars
        self.moves = (logs[1:] - logs[:-1, 3:])[self.first - 1 :]
        self.volume = bars.volume[own]
        self.indicators = np.clip(values[own], -CLIP, CLIP).astype(np.float32)
        self.volatility = lines["volatility"][own]
        self.known = known[own] & np.isfinite(self.volume)

    @classmethod
    def of(cls, data: Any) -> "Candles":
        """Read `Bars`, a frame of any common naming, or `[n, 5]` of open .. volume."""
        return data if isinstance(data, cls) else cls(read_bars(data))

    def __len__(self) -> int:
        return len(self.volume)

    def __getitem__(self, rows: slice) -> Any:
        import torch

        if not isinstance(rows, slice):
            raise UsageError(f"{rows!r} is no span of rows", where="candles", allowed="[a:b]")
        start, stop, step = rows.indices(len(self))
        if step != 1 or stop - start < 2:
            raise UsageError(
                f"rows {start} to {stop} by {step} are no window",
                where="candles",
                allowed=f"2 or more of {len(self)} rows, step 1",
            )
        window = torch.from_numpy(self._window(start, stop))
        window.until = stop
        return window

    def _window(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        moves, volume = self.moves[start:stop], self.volume[start:stop]
        if not np.isfinite(volume).all():
            raise DataError(
                f"the volume of a bar in rows {start} to {stop} is unknown",
                where="candles",
                allowed="bars with a known volume",
            )
        shown = np.zeros((stop - start, 5), dtype=np.float32)
        shown[:, :4] = np.clip(moves / max(float(moves[:, 3].std()), SMALLEST), -CLIP, CLIP)
        usual = float(volume.mean())
        if usual > 0.0:
            shown[:, 4] = 2.0 * (np.log1p(volume / usual) - math.log(2.0))
        return shown


class TradingDataset:
    """Windows of `lookback` bars with what was known at their close and what came of them.

    An item is `{'sequence' [lookback, 5], 'indicators' [10], 'target'}`, float32 and one int64: 0
    if the log return from the next open over `horizon` bars is below -b, 2 if above b, else 1,
    where b is `band` x the volatility known at the close x sqrt(horizon). A window with something
    unknown, or whose target is not known yet, is no item.

    `data` is `Bars`, a frame of any common naming, or an array or tensor `[n, 5]`. Raises
    `DataError` if it makes no window, `UsageError` for an option out of range.

    >>> rng = np.random.default_rng(1)
    >>> close = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(300)))
    >>> rows = np.column_stack([close, close * 1.01, close * 0.99, close, 1.0 + rng.random(300)])
    >>> len(TradingDataset(rows, lookback=50)), TradingDataset(rows)[0]["sequence"].shape
    (200, torch.Size([100, 5]))
    """

    horizon: int = 1
    band: float = 0.25

    def __init__(
        self, data: Any, lookback: int = 100, horizon: int = 1, band: float = 0.25
    ) -> None:
        if lookback < 2 or horizon < 1 or not 0.0 <= band < math.inf:
            raise UsageError(
                f"lookback {lookback}, horizon {horizon}, band {band}",
                where="TradingDataset",
                allowed="lookback of 2 or more, horizon of 1 or more, band not below 0",
            )
        self.data = data
        self.lookback = lookback
        self.horizon = horizon
        self.band = band
        if not len(self):
            raise DataError(
                f"{len(self.data.bars)} bars make no window of {lookback} with a known target",
                where="TradingDataset",
                allowed=f"{self.data.first + lookback + 1 + horizon} bars or more, volume known",
            )

    @property
    def data(self) -> Any:
        """The `Candles`; what is set is read by `Candles.of`."""
        return self._candles

    @data.setter
    def data(self, given: Any) -> None:
        self._candles = Candles.of(given)
        self._returns: dict[int, Floats] = {}
        self._starts: dict[tuple[int, int], npt.NDArray[np.int64]] = {}

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """The row of `data` on which each item's window starts."""
        key = (self.lookback, self.horizon)
        if key not in self._starts:
            candles, last = self._candles, self.lookback - 1
            unknown = np.concatenate(([0], np.cumsum(~np.isfinite(candles.volume))))
            whole = unknown[self.lookback :] == unknown[: -self.lookback]
            good = candles.known[last:] & np.isfinite(self._earned()[last:]) & whole
            self._starts[key] = np.flatnonzero(good)
        return self._starts[key]

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, idx: int) -> dict[str, Any]:
        first = int(self.starts[idx])
        sequence = self.data[first : first + self.lookback]
        return {
            "sequence": sequence,
            "indicators": self.get_indicators(sequence),
            "target": self.get_target(first + self.lookback),
        }

    def get_indicators(self, sequence: Any) -> Any:
        """Return the indicators `[10]` of a window's last bar; the window is one of `data`."""
        import torch

        return torch.from_numpy(self._candles.indicators[sequence.until - 1])

    def get_target(self, row: int) -> Any:
        """Return the class of what a decision before `row` of `data` earned, entered at its open.

        Raises `DataError` where that is not known.
        """
        import torch

        earned = self._earned()[row - 1] if 0 < row <= len(self._candles) else math.nan
        if not math.isfinite(earned):
            raise DataError(f"row {row} has no known target", where="TradingDataset")
        band = self.band * self._candles.volatility[row - 1] * math.sqrt(self.horizon)
        return torch.tensor(DOWN if earned < -band else UP if earned > band else FLAT)

    def _earned(self) -> Floats:
        """Return each row's log return from the next open over the horizon, NaN if unknown."""
        if self.horizon not in self._returns:
            found = labels(self._candles.bars, self.horizon).y
            self._returns[self.horizon] = found[self._candles.first :]
        return self._returns[self.horizon]


def read_bars(data: Any, symbol: str = "market", timeframe: str | Timeframe | None = None) -> Bars:
    """Return `data` as `Bars`: bars, a frame of any common naming, or an array `[n, 5]`.

    An array has no times: its rows count as neighbours. Raises `BadBars` for what no market made,
    `DataError` for data of another form.
    """
    if isinstance(data, Bars):
        return data
    if hasattr(data, "columns"):
        return Bars.from_frame(data, symbol, timeframe)
    table = np.asarray(data, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != 5:
        raise DataError(
            f"data of shape {table.shape}", where="bars", allowed="Bars, a frame, or [n, 5]"
        )
    step = Timeframe.of(timeframe or "1h")
    return Bars(symbol, step, step.ms * np.arange(len(table), dtype=np.int64), *table.T)


@lru_cache(maxsize=1)
def _program() -> Program:
    return compile(indicator_expressions())
