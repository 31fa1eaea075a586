"""Steps of the torch reading over the last n values.

Windows are views of `[rows, n]` lines, opened a piece at a time so that a piece fits in memory;
where a gradient is wanted a piece is computed again on the way back instead of being kept. Values
are taken relative to the newest, so a market that did not move has a spread of exactly zero.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from folkmoot.causal.tensor_pointwise import root, tracked

if TYPE_CHECKING:
    from torch import Tensor

Rule = Callable[..., tuple["Tensor", ...]]

CELLS = {"cuda": 1 << 27}
FEW_CELLS = 1 << 20
"""How many cells of windows are open at a time: 1 GiB on a card, what a cache holds elsewhere."""
LINE_CELLS = {"cuda": 1 << 27}
FEW_LINE_CELLS = 1 << 15
"""How many values of lines are looked at together."""


def lag(x: "Tensor", k: int) -> "Tensor":
    """Return the value of k bars ago."""
    return _after(x[..., : max(0, x.shape[-1] - k)], min(k, x.shape[-1]))


def extreme(x: "Tensor", n: int, largest: bool) -> "Tensor":
    """Return the largest or smallest of the last n values, by doubling the window."""
    if x.shape[-1] < n:
        return _unknown(x)
    best, width = x, 1
    while width < n:
        step = min(width, n - width)
        older, newer = best[..., :-step], best[..., step:]
        best = older.maximum(newer) if largest else older.minimum(newer)
        width += step
    return _after(best, n - 1)


def moments(x: "Tensor", n: int, wanted: Sequence[str]) -> list["Tensor"]:
    """Return the `wanted` ones of mean, total, std and deviation over the last n values."""

    def rule(w: "Tensor") -> tuple["Tensor", ...]:
        if list(wanted) == ["total"]:
            return (w.sum(-1),)
        newest = w[..., -1:]
        apart = w - newest
        centre = apart.mean(-1, keepdim=True)
        apart = apart - centre
        made: dict[str, Callable[[], Tensor]] = {
            "mean": lambda: (newest + centre)[..., 0],
            "total": lambda: w.sum(-1),
            "std": lambda: root((apart * apart).mean(-1)),
            "deviation": lambda: apart.abs().mean(-1),
        }
        return tuple(made[name]() for name in wanted)

    return _over_windows(rule, n, len(wanted), x)


def place(x: "Tensor", n: int) -> "Tensor":
    """Return the share of the last n values below the newest, ties counting half.

    It is told from the signs of n - 1 differences, a bar further back each; no window is opened.
    """
    import torch

    rows, length = x.shape
    if length < n:
        return _unknown(x)
    line = x.detach()
    down = max(1, LINE_CELLS.get(x.device.type, FEW_LINE_CELLS) // length)
    bands = []
    for top in range(0, rows, down):
        band = line[top : top + down]
        newest = band[:, n - 1 :]
        above = torch.zeros_like(newest)
        for k in range(1, n):
            above += (newest - band[:, n - 1 - k : length - k]).sign_()
        bands.append((above + n) * 0.5 / n)
    known = (~line.isnan()).cumsum(-1)
    whole = known - _counted_before(known, n) == n
    return _after(torch.cat(bands, 0), n - 1).where(whole, math.nan)


def slope(x: "Tensor", n: int) -> "Tensor":
    """Return the least-squares slope per bar of the last n values."""
    middle, spread = 0.5 * (n - 1.0), n * (n * n - 1.0) / 12.0
    weights = (x.new_ones(n).cumsum(0) - 1.0 - middle) / spread

    def rule(w: "Tensor") -> tuple["Tensor", ...]:
        return (((w - w[..., -1:]) * weights).sum(-1),)

    return _over_windows(rule, n, 1, x)[0]


def correlation(x: "Tensor", y: "Tensor", n: int) -> "Tensor":
    """Return Pearson's correlation over the last n bars; NaN if one of them did not move."""

    def rule(v: "Tensor", w: "Tensor") -> tuple["Tensor", ...]:
        p, q = _centred(v), _centred(w)
        xx, yy = (p * p).sum(-1), (q * q).sum(-1)
        moved = (xx != 0.0) & (yy != 0.0)
        size = root(xx.where(moved, 1.0)) * root(yy.where(moved, 1.0))
        return (((p * q).sum(-1) / size).clamp(-1.0, 1.0).where(moved, math.nan),)

    rows = max(x.shape[0], y.shape[0])
    return _over_windows(rule, n, 1, x.expand(rows, -1), y.expand(rows, -1))[0]


def _centred(w: "Tensor") -> "Tensor":
    apart = w - w[..., -1:]
    return apart - apart.mean(-1, keepdim=True)


def _counted_before(known: "Tensor", n: int) -> "Tensor":
    import torch

    return torch.nn.functional.pad(known, (n, 0))[..., : known.shape[-1]]


def _over_windows(rule: Rule, n: int, outputs: int, *lines: "Tensor") -> list["Tensor"]:
    """Return what the rule makes of the windows of every line, `[rows, length]` each."""
    import torch

    rows, length = lines[0].shape
    if length < n:
        return [_unknown(lines[0])] * outputs
    views = [line.unfold(-1, n, 1) for line in lines]
    bands = []
    for top, bottom, spans in _pieces(lines[0], rows, length - n + 1, n):
        found = [_piece(rule, [v[top:bottom, a:b] for v in views]) for a, b in spans]
        bands.append([torch.cat(parts, -1) for parts in zip(*found, strict=True)])
    return [_after(torch.cat(band, 0), n - 1) for band in zip(*bands, strict=True)]


def _pieces(
    line: "Tensor", rows: int, places: int, n: int
) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    cells = CELLS.get(line.device.type, FEW_CELLS)
    across = max(1, min(places, cells // n))
    down = max(1, cells // (across * n))
    spans = [(a, min(a + across, places)) for a in range(0, places, across)]
    for top in range(0, rows, down):
        yield top, min(top + down, rows), spans


def _piece(rule: Rule, views: list["Tensor"]) -> tuple["Tensor", ...]:
    if not tracked(*views):
        return rule(*views)
    from torch.utils.checkpoint import checkpoint

    found: tuple[Tensor, ...] = checkpoint(_calm(rule), *views, use_reentrant=False)
    return found


def _calm(rule: Rule) -> Rule:
    """Return the rule on windows of zeros where a value is unknown, for the gradient's sake."""

    def calm(*views: "Tensor") -> tuple["Tensor", ...]:
        known = ~views[0].isnan().any(-1)
        for view in views[1:]:
            known = known & ~view.isnan().any(-1)
        found = rule(*(view.where(known[..., None], 0.0) for view in views))
        return tuple(values.where(known, math.nan) for values in found)

    return calm


def _unknown(x: "Tensor") -> "Tensor":
    return x.new_full(x.shape, math.nan)


def _after(x: "Tensor", bars: int) -> "Tensor":
    """Return x behind so many unknown bars."""
    import torch

    return torch.nn.functional.pad(x, (bars, 0), value=math.nan)
