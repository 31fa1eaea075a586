"""A fitted temporal convolutional network, one bar at a time, without torch.

A causal convolution of dilation d asks of a new bar only its k - 1 inputs of d, 2d, ... bars ago,
so each layer keeps a ring of its last (k - 1) d inputs and a bar costs O(layers x width^2 x k)
whatever the window. The numbers are those of the network over a window of `steps` bars, to the
rounding of float32, if no window is shorter than what the newest bar sees: a shorter one shows the
network zeros before its first bar where a stream has bars.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from folkmoot.core.errors import DataError, UsageError

Array = npt.NDArray[Any]
Single = npt.NDArray[np.float32]
Table = npt.NDArray[np.int64]

WEIGHT, BIAS, INPUTS, OUTPUTS, KERNEL, DILATION, RING = range(7)
"""Columns of a plan: where a layer's numbers begin in `numbers` and `rings`, and its sizes."""


class TCNStream:
    """Answer bar by bar what `TCNNetwork` answers of the window of `steps` bars that ends there.

    `weights`: the network's `state_dict` as arrays, weight norm folded or not; `steps`: the window
    that the network was fitted on. Raises `UsageError` where the window is shorter than what the
    newest bar sees, and `DataError` for weights that are not those of such a network.
    """

    def __init__(self, weights: Mapping[str, Array], steps: int) -> None:
        self._weights = weights
        self._numbers: list[Array] = []
        self._plan: list[list[int]] = []
        self._ring = 0
        self._build()
        self.steps = steps
        if steps < self.receptive:
            raise UsageError(
                f"the window is {steps} bars and the newest bar sees {self.receptive}",
                where="stream",
                allowed=f"lookback >= {self.receptive}; ask the window otherwise",
            )
        self._table = np.array(self._plan, dtype=np.int64)
        self._flat = np.concatenate([part.ravel() for part in self._numbers]).astype(np.float32)
        self._rings = np.zeros(self._ring, dtype=np.float32)
        widest = int(self._table[:, [INPUTS, OUTPUTS]].max())
        self._room = np.zeros((3, widest), dtype=np.float32)
        self.seen = 0

    @property
    def features(self) -> int:
        """Numbers of a bar."""
        return self._plan[0][INPUTS]

    @property
    def out(self) -> int:
        """Numbers of an answer."""
        return self._plan[-1][OUTPUTS]

    def push(self, x: Array) -> Single:
        """Show the next bar, `[features]`; return `[out]` raw numbers.

        NaN until `steps` bars in a row were known: one that is not makes the stream start anew.
        Raises `UsageError` for a bar of another size.
        """
        if x.shape != (self.features,):
            raise UsageError(
                f"a bar of shape {x.shape}", where="push", allowed=f"({self.features},)"
            )
        if not np.isfinite(x).all():
            self.reset()
            return np.full(self.out, np.nan, dtype=np.float32)
        out = np.empty(self.out, dtype=np.float32)
        self._room[0, : len(x)] = x
        _push(self._table, self._blocks, self._flat, self._rings, self._room, self.seen, out)
        self.seen += 1
        if self.seen < self.steps:
            out[:] = np.nan
        return out

    def reset(self) -> None:
        """Forget all bars."""
        self._rings[:] = 0.0
        self.seen = 0

    def _build(self) -> None:
        self._blocks = len({key.split(".")[1] for key in self._weights if key[:7] == "blocks."})
        head = [key for key in self._weights if key[:5] == "head." and key[-7:] == ".weight"]
        if not self._blocks or not head:
            raise DataError("there are no blocks or no head", where="weights", allowed="a TCN's")
        self.receptive = 1
        width = 0
        for k in range(self._blocks):
            entered = width
            for name in (f"blocks.{k}.first", f"blocks.{k}.second"):
                taps = self._conv(name)
                width = self._add(taps, f"{name}.bias", 1 << k, width)
                self.receptive += (len(taps) - 1) << k
            past = f"blocks.{k}.shortcut"
            if f"{past}.weight" in self._weights:
                self._add(self._conv(past), f"{past}.bias", 1, entered)
            else:
                self._plan.append([0, 0, 0, 0, 0, 0, 0])
        for name in sorted(head, key=lambda key: int(key.split(".")[1])):
            width = self._add(self._of(name).T[None], f"{name[:-7]}.bias", 1, width)

    def _add(self, taps: Array, bias: str, dilation: int, width: int) -> int:
        """Append a layer of `taps[kernel, inputs, outputs]`, oldest first; return `outputs`.

        `width`: numbers of the layer before, or 0 for the first. Raises `DataError` where sizes do
        not fit, as compiled code would read past them.
        """
        kernel, inputs, outputs = taps.shape
        if self._of(bias).shape != (outputs,) or width not in (0, inputs):
            raise DataError("sizes do not fit", where=bias, allowed=f"({outputs},) of {width}")
        start = sum(part.size for part in self._numbers)
        sizes = [inputs, outputs, kernel, dilation]
        self._plan.append([start, start + taps.size, *sizes, self._ring])
        self._numbers += [np.ascontiguousarray(taps), self._of(bias)]
        self._ring += (kernel - 1) * dilation * inputs
        return int(outputs)

    def _conv(self, name: str) -> Array:
        """Return a convolution's `[kernel, inputs, outputs]`, its weight norm folded."""
        if f"{name}.weight" in self._weights:
            weight = self._of(f"{name}.weight")
        else:
            parts = f"{name}.parametrizations.weight.original"
            size, direction = self._of(f"{parts}0"), self._of(f"{parts}1")
            length = np.sqrt((direction.astype(np.float64) ** 2).sum((1, 2, 3), keepdims=True))
            weight = size * direction / length
        return weight[:, :, 0].transpose(2, 1, 0)

    def _of(self, name: str) -> Array:
        if name not in self._weights:
            raise DataError(f"{name!r} is missing", where="weights", allowed="a TCN's")
        return self._weights[name]


@njit(cache=True)
def _push(
    plan: Table, blocks: int, numbers: Single, rings: Single, room: Single, t: int, out: Single
) -> None:
    """Take the bar in `room[0]` through every layer; leave the last one's numbers in `out`."""
    x, h, past = room[0], room[1], room[2]
    for block in range(blocks):
        first, second, shortcut = plan[3 * block], plan[3 * block + 1], plan[3 * block + 2]
        _convolve(first, numbers, rings, x, h, t, True)
        if shortcut[KERNEL] > 0:
            _convolve(shortcut, numbers, rings, x, past, t, False)
            x, past = past, x
        _convolve(second, numbers, rings, h, past, t, True)
        for j in range(second[OUTPUTS]):
            x[j] = max(x[j] + past[j], np.float32(0.0))
    layers = len(plan)
    for k in range(3 * blocks, layers):
        _convolve(plan[k], numbers, rings, x, h, t, k < layers - 1)
        x, h = h, x
    out[:] = x[: len(out)]


@njit(cache=True)
def _convolve(
    layer: Table, numbers: Single, rings: Single, x: Single, y: Single, t: int, relu: bool
) -> None:
    """Write one layer's answer to `x[inputs]` into `y[outputs]`, and `x` into the layer's ring."""
    inputs, outputs, kernel = layer[INPUTS], layer[OUTPUTS], layer[KERNEL]
    length = (kernel - 1) * layer[DILATION]
    answer = y[:outputs]
    answer[:] = numbers[layer[BIAS] : layer[BIAS] + outputs]
    size = inputs * outputs
    for tap in range(kernel):
        start = layer[WEIGHT] + tap * size
        matrix = numbers[start : start + size].reshape(inputs, outputs)
        if tap < kernel - 1:
            place = layer[RING] + (t + tap * layer[DILATION]) % length * inputs
            _add_product(rings[place : place + inputs], matrix, answer)
        else:
            _add_product(x[:inputs], matrix, answer)
    if length:
        place = layer[RING] + t % length * inputs
        rings[place : place + inputs] = x[:inputs]
    if relu:
        for o in range(outputs):
            answer[o] = max(answer[o], np.float32(0.0))


@njit(cache=True)
def _add_product(x: Single, m: Single, y: Single) -> None:
    """Add `x @ m` to `y`, eight rows at a time so that each sum is loaded and stored less."""
    whole = len(x) - len(x) % 8
    for i in range(0, whole, 8):
        a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
        e, f, g, h = x[i + 4], x[i + 5], x[i + 6], x[i + 7]
        for o in range(len(y)):
            near = (a * m[i, o] + b * m[i + 1, o]) + (c * m[i + 2, o] + d * m[i + 3, o])
            far = (e * m[i + 4, o] + f * m[i + 5, o]) + (g * m[i + 6, o] + h * m[i + 7, o])
            y[o] += near + far
    for i in range(whole, len(x)):
        for o in range(len(y)):
            y[o] += x[i] * m[i, o]
