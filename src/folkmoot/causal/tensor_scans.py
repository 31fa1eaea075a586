"""Steps of the torch reading that carry a state from bar to bar, as scans without a loop of bars.

y = b y + u is a product with the triangular matrix b^(i - j) inside chunks; the chunks' last
values obey the same law with b^chunk and are scanned in the same way, so that the depth is the
logarithm of the length. An unknown bar leaves the state alone: known values are packed to the
front of their line, scanned there, and put back. Everything is float64 inside.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from folkmoot.causal.tensor_windows import lag

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = {"cuda": 128}
SHORT_CHUNK = 32
"""Bars a chunk: products are cheap on a card, elsewhere a short chunk saves their arithmetic."""
CELLS = {"cuda": 1 << 28}
FEW_CELLS = 1 << 22
"""How many cells are scanned at a time: 2 GiB on a card."""


class Weights(NamedTuple):
    """y = `kept` y + `weight` x, begun with the mean of the first `n` known values."""

    weight: float
    kept: float
    n: int


def smooth(
    lines: Sequence["Tensor"], weights: Sequence[Weights], chunk: int | None = None
) -> list["Tensor"]:
    """Return one exponential mean a line, all `[rows, n]` lines scanned together."""
    length = max(2, chunk or CHUNK.get(lines[0].device.type, SHORT_CHUNK))
    starts = {id(line): _start(line) for line in lines}
    groups: dict[int | None, list[int]] = {}
    for place, line in enumerate(lines):
        groups.setdefault(starts[id(line)], []).append(place)
    made: dict[int, Tensor] = {}
    for start, places in groups.items():
        for block in _blocks(places, lines[0]):
            chosen = [lines[place] for place in block]
            found = _together(chosen, [weights[place] for place in block], start, length)
            made.update(zip(block, found, strict=True))
    return [made[place].to(line.dtype) for place, line in enumerate(lines)]


def running(x: "Tensor") -> "Tensor":
    """Return the sum of all known values so far."""
    known = ~x.isnan()
    return x.where(known, 0.0).double().cumsum(-1).to(x.dtype).where(known, math.nan)


def hold(event: "Tensor", x: "Tensor") -> "Tensor":
    """Return x as it was when the event last held and x was known."""
    rows = max(event.shape[0], x.shape[0])
    event, x = event.expand(rows, -1), x.expand(rows, -1)
    known = ~event.isnan()
    fires = known & (event != 0.0)
    bars = known.new_ones(x.shape[-1]).cumsum(0)
    last = bars.where(fires & ~x.isnan(), 0).cummax(-1).values
    held = x.gather(-1, (last - 1).clamp(min=0)).where(last > 0, math.nan)
    return x.where(fires, held).where(known, math.nan)


def barssince(event: "Tensor") -> "Tensor":
    """Return the known bars since the event last held."""
    known = ~event.isnan()
    counted = known.cumsum(-1)
    last = counted.where(known & (event != 0.0), 0).cummax(-1).values
    return (counted - last).to(event.dtype).where(known & (last > 0), math.nan)


def true_range(first: str, high: "Tensor", low: "Tensor", close: "Tensor") -> "Tensor":
    """Return Wilder's true range; without a close before, the range or NaN."""
    before = lag(close, 1)
    known = ~before.isnan()
    safe = before.where(known, low)
    span = high - low
    reach = span.maximum((high - safe).abs()).maximum((low - safe).abs())
    return reach if first == "range" else reach.where(known, math.nan)


def _start(line: "Tensor") -> int | None:
    """Return the bar from which every row is known, None where there are holes or many starts."""
    known = line.isfinite()
    first = known.byte().argmax(-1)
    whole = (known.sum(-1) == line.shape[-1] - first) & (first == first[:1])
    together = first[:1].where(whole.all(), -1)
    found = int(together) if line.shape[0] else 0
    return None if found < 0 else found


def _blocks(places: list[int], line: "Tensor") -> Iterator[list[int]]:
    cells = CELLS.get(line.device.type, FEW_CELLS)
    step = max(1, cells // max(1, line.numel()))
    for first in range(0, len(places), step):
        yield places[first : first + step]


def _together(
    lines: list["Tensor"], weights: list[Weights], start: int | None, chunk: int
) -> list["Tensor"]:
    import torch

    rows, length = lines[0].shape
    cells = CELLS.get(lines[0].device.type, FEW_CELLS)
    down = max(1, cells // max(1, length * len(lines)))
    bands = []
    for top in range(0, max(rows, 1), down):
        block = torch.stack([line[top : top + down] for line in lines]).double()
        if start is None:
            bands.append(_packed(block, weights, chunk))
        else:
            dense = _dense(block[..., start:], weights, chunk)
            bands.append(torch.nn.functional.pad(dense, (start, 0), value=math.nan))
    return list(torch.cat(bands, 1).unbind(0))


def _packed(x: "Tensor", weights: list[Weights], chunk: int) -> "Tensor":
    """Scan lines with unknown bars; `x` is `[lines, rows, n]`."""
    known = x.isfinite()
    place = known.cumsum(-1) - 1
    # Unknown bars go to one slot behind the end, which is cut off.
    target = place.where(known, x.shape[-1])
    front = x.new_zeros((*x.shape[:-1], x.shape[-1] + 1))
    front = front.scatter(-1, target, x.where(known, 0.0))[..., :-1]
    scanned = _dense(front, weights, chunk)
    return scanned.gather(-1, place.clamp(min=0)).where(known, math.nan)


def _dense(x: "Tensor", weights: list[Weights], chunk: int) -> "Tensor":
    """Scan lines of known values; `x` is `[lines, rows, n]`."""
    import torch

    fed = x * x.new_tensor([w.weight for w in weights])[:, None, None]
    for line, w in enumerate(weights):
        fed[line, :, : w.n - 1] = 0.0
        if x.shape[-1] >= w.n:
            fed[line, :, w.n - 1] = x[line, :, : w.n].sum(-1) / w.n
    made = _scan(fed, x.new_tensor([w.kept for w in weights]), chunk)
    made = _still(x, made, max(2, min(w.n for w in weights)))
    bars = torch.arange(x.shape[-1], device=x.device)
    first = torch.tensor([w.n - 1 for w in weights], device=x.device)
    return made.where((bars >= first[:, None])[:, None], math.nan)


def _still(x: "Tensor", made: "Tensor", least: int) -> "Tensor":
    """Return the mean of a line that has not moved yet as exactly its value."""
    same = x[..., :least] == x[..., :1]
    if x.shape[-1] < least or not bool(same.all(-1).any()):
        return made
    return x.where((x == x[..., :1]).long().cummin(-1).values > 0, made)


def _scan(u: "Tensor", kept: "Tensor", chunk: int) -> "Tensor":
    """Return y[i] = kept y[i - 1] + u[i] from y[-1] = 0; `u` is `[lines, rows, n]`."""
    import torch

    lines, rows, n = u.shape
    if n <= chunk:
        return u @ _triangle(kept, n)
    pieces = -(-n // chunk)
    cut = torch.nn.functional.pad(u, (0, pieces * chunk - n)).reshape(lines, rows * pieces, chunk)
    inside = (cut @ _triangle(kept, chunk)).reshape(lines, rows, pieces, chunk)
    ends = _scan(inside[..., -1], kept**chunk, chunk)
    before = torch.nn.functional.pad(ends[..., :-1], (1, 0))
    powers = kept[:, None] ** torch.arange(1, chunk + 1, device=u.device)
    made = torch.addcmul(inside, before[..., None], powers[:, None, None])
    return made.reshape(lines, rows, pieces * chunk)[..., :n]


def _triangle(kept: "Tensor", n: int) -> "Tensor":
    """Return `[lines, n, n]`, kept^(i - j) in row j and column i, zero below the diagonal."""
    import torch

    bars = torch.arange(n, device=kept.device)
    apart = bars - bars[:, None]
    powers = kept[:, None, None] ** apart.clamp(min=0)
    return powers.where(apart >= 0, 0.0)
