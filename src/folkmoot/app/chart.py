"""Candles with any indicator or column over or under them, as one HTML page without a script.

1. Each line is an event (0, 1 or unknown: dots), a price (drawn over the candles) or neither
   (drawn in a pane below; lines of like size share one).
2. A dot stands on the bar at whose close the event became known, never earlier.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from folkmoot.core.bars import Bars, Floats
from folkmoot.core.stamps import iso
from folkmoot.proof.report.markup import Html, join, node
from folkmoot.proof.report.page import document
from folkmoot.proof.report.scales import Scale, around, dates

WIDTH, LEFT, RIGHT = 1200.0, 8.0, 64.0
PRICE, PANE, GAP, FOOT = 420.0, 210.0, 14.0, 26.0
ALIKE = 8.0
"""Lines whose sizes differ by no more than this factor share a pane."""
FILLED = ("wt1", "wt2", "rsimfi", "histogram", "money_flow")
GOOD = ("buy", "bull", "up", "long", "green", "moon")
BAD = ("sell", "bear", "down", "short", "red", "dump")
NAMED = {"wt1": "#6fa8e0", "wt2": "#1f3f7a", "wt_vwap": "#c9a227", "rsimfi": "#3f8f6b"}
HUES = ("#3a78b5", "#c47f17", "#7a5aa6", "#3f8f6b", "#b0483e", "#5d6b78", "#9a7b28", "#2f8ea3")


@dataclass(slots=True)
class Pane:
    """A part of the picture: its lines and dots, its place, its scale."""

    top: float
    height: float
    scale: Scale
    lines: dict[str, Floats] = field(default_factory=dict)
    dots: dict[str, Floats] = field(default_factory=dict)

    def y(self, value: float) -> float:
        """Return the place of a value, in picture units from the top."""
        return self.top + self.height * (1.0 - self.scale.share(value))


def chart_page(bars: Bars, lines: Mapping[str, Floats], name: str) -> str:
    """Return the page that shows `lines` (`float64[n]` by name) on the n bars."""
    heading = f"{name} on {bars.symbol}, {bars.timeframe}"
    span = f"{iso(int(bars.open_time[0]))} to {iso(int(bars.close_time[-1]))}, {len(bars)} bars"
    return document(
        heading,
        node("style", _style()),
        node("header", node("p", "folkmoot", class_="brand"), node("h1", heading), node("p", span)),
        picture(bars, lines),
        node("p", "A dot stands on the bar at whose close the event became known.", class_="right"),
    )


@cache
def _style() -> Html:
    return Html(files(__package__).joinpath("chart.css").read_text(encoding="utf-8"))


def picture(bars: Bars, lines: Mapping[str, Floats]) -> Html:
    """Return the drawing as one SVG element."""
    panes = list(_panes(bars, lines))
    x = LEFT + (np.arange(len(bars)) + 0.5) * (WIDTH - LEFT - RIGHT) / len(bars)
    height = panes[-1].top + panes[-1].height + FOOT
    frames = [join(*_frame(pane)) for pane in panes]
    drawn = [join(*_lines(pane, x), *_dots(pane, bars, x)) for pane in panes]
    return node(
        "svg",
        *_dates(bars, x, height),
        *frames,
        *_candles(panes[0], bars, x),
        *drawn,
        viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
        class_="chart",
        role="img",
        aria_label=f"{bars.symbol} with {', '.join(lines)}",
    )


def is_event(values: Floats) -> bool:
    """Whether a line is only ever 0, 1 or unknown, and at least once 0."""
    known = values[~np.isnan(values)]
    return (
        bool(len(known)) and bool(np.isin(known, (0.0, 1.0)).all()) and bool((known == 0.0).any())
    )


def _panes(bars: Bars, lines: Mapping[str, Floats]) -> Iterator[Pane]:
    """Yield the candles' pane, then one for every group of lines of like size."""
    events = {name: values for name, values in lines.items() if is_event(values)}
    rest = {n: v for n, v in lines.items() if n not in events and not np.isnan(v).all()}
    over = {name: values for name, values in rest.items() if _is_price(bars, values)}
    first = Pane(GAP, PRICE, around([*bars.low, *bars.high], margin=0.04), over)
    groups = _groups({name: values for name, values in rest.items() if name not in over})
    (first.dots if not groups else {}).update(events)
    yield first
    top = GAP + PRICE + GAP
    for index, group in enumerate(groups):
        values = np.concatenate([v[~np.isnan(v)] for v in group.values()])
        crossing = (0.0,) if values.min() < 0.0 < values.max() else ()
        scale = around([*values], include=crossing, margin=0.08)
        yield Pane(top, PANE, scale, group, events if index == 0 else {})
        top += PANE + GAP


def _is_price(bars: Bars, values: Floats) -> bool:
    """Whether a line stays near the candles on nine of ten bars."""
    span = bars.high.max() - bars.low.min()
    near = (values > bars.low - span) & (values < bars.high + span)
    return bool(near[~np.isnan(values)].mean() > 0.9) and bool(bars.low.min() > span * 0.02)


def _groups(lines: Mapping[str, Floats]) -> list[dict[str, Floats]]:
    groups: list[tuple[float, dict[str, Floats]]] = []
    for name, values in lines.items():
        size = float(np.nanmax(np.abs(values))) or 1.0
        for reach, group in groups:
            if 1.0 / ALIKE <= size / reach <= ALIKE:
                group[name] = values
                break
        else:
            groups.append((size, {name: values}))
    return [group for _, group in groups]


def _frame(pane: Pane) -> Iterator[Html]:
    for value in pane.scale.ticks(5):
        y = pane.y(value)
        mark = "zero" if value == 0.0 else "grid"
        yield node("line", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_=mark)
        yield node("text", f"{value:.6g}", x=WIDTH - RIGHT + 6, y=f"{y + 4:.1f}")
    x = LEFT + 4.0
    for index, name in enumerate(pane.lines):
        yield node("text", name, x=f"{x:.0f}", y=f"{pane.top + 12:.0f}", class_="name",
                   style=f"fill:{_hue(name, index)}")  # fmt: skip
        x += 7.0 * len(name) + 14.0


def _candles(pane: Pane, bars: Bars, x: Floats) -> Iterator[Html]:
    half = max(0.35 * (WIDTH - LEFT - RIGHT) / len(bars), 0.5)
    for kind, rows in (("rise", bars.close >= bars.open), ("fall", bars.close < bars.open)):
        path = []
        for row in np.flatnonzero(rows):
            high, low = pane.y(bars.high[row]), pane.y(bars.low[row])
            top = pane.y(max(bars.open[row], bars.close[row]))
            bottom = max(pane.y(min(bars.open[row], bars.close[row])), top + 0.6)
            left, right = x[row] - half, x[row] + half
            path.append(f"M{x[row]:.1f} {high:.1f}V{low:.1f}M{left:.1f} {top:.1f}H{right:.1f}"
                        f"V{bottom:.1f}H{left:.1f}Z")  # fmt: skip
        yield node("path", d="".join(path), class_=kind, stroke_width="0.8")


def _lines(pane: Pane, x: Floats) -> Iterator[Html]:
    for index, (name, values) in enumerate(pane.lines.items()):
        hue = _hue(name, index)
        if name.rpartition(".")[2] in FILLED and pane.scale.low < 0.0 < pane.scale.high:
            yield from _area(pane, name, values, x, hue)
        path = "".join(_path(pane, run, values, x) for run in _runs(values))
        yield node("path", d=path, fill="none", stroke=hue, stroke_width="1.3")


def _hue(name: str, index: int) -> str:
    return NAMED.get(name.rpartition(".")[2], HUES[index % len(HUES)])


def _area(pane: Pane, name: str, values: Floats, x: Floats, hue: str) -> Iterator[Html]:
    """Yield the area between a line and zero; what is signed by nature in two colours."""
    zero = pane.y(0.0)
    signed = name.rpartition(".")[2] in ("rsimfi", "histogram", "money_flow")
    parts = ((np.maximum, "rise-fill"), (np.minimum, "fall-fill")) if signed else ((None, ""),)
    for limit, class_ in parts:
        cut = values if limit is None else limit(values, 0.0)
        shapes = [
            f"{_path(pane, run, cut, x)}L{x[run[-1]]:.1f} {zero:.1f}L{x[run[0]]:.1f} {zero:.1f}Z"
            for run in _runs(values)
        ]
        style = None if signed else f"fill:{hue};opacity:{0.22 if name.endswith('1') else 0.4}"
        yield node("path", d="".join(shapes), class_=class_ or None, style=style, stroke="none")


def _runs(values: Floats) -> list[npt.NDArray[np.intp]]:
    """Return the rows of each unbroken stretch of known values."""
    rows = np.flatnonzero(~np.isnan(values))
    return [run for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(run)]


def _path(pane: Pane, run: npt.NDArray[np.intp], values: Floats, x: Floats) -> str:
    return "M" + "L".join(f"{x[row]:.1f} {pane.y(values[row]):.1f}" for row in run)


def _dots(pane: Pane, bars: Bars, x: Floats) -> Iterator[Html]:
    for name, values in pane.dots.items():
        hue, small = _colour(name), "cross" in name
        for row in np.flatnonzero(values == 1.0):
            y = _height(pane, bars, int(row), hue)
            known = iso(int(bars.close_time[row]))
            hint = node("title", f"{name}, known {known}")
            yield node("circle", hint, cx=f"{x[row]:.1f}", cy=f"{y:.1f}", r=2.4 if small else 5.0,
                       class_=hue)  # fmt: skip


def _height(pane: Pane, bars: Bars, row: int, hue: str) -> float:
    """Return where a dot of that bar stands: on the last line drawn, else above or below it."""
    on = [values[row] for values in pane.lines.values() if not math.isnan(values[row])]
    if pane.top > GAP and on:
        return pane.y(on[min(1, len(on) - 1)])
    below = hue in ("rise", "gold")
    return pane.y(bars.low[row]) + 10.0 if below else pane.y(bars.high[row]) - 10.0


def _colour(name: str) -> str:
    words = name.replace(".", "_").split("_")
    for hue, known in (("gold", ("gold", "yellow")), ("rise", GOOD), ("fall", BAD)):
        if any(word in known for word in words):
            return hue
    return "plain"


def _dates(bars: Bars, x: Floats, height: float) -> Iterator[Html]:
    times: Sequence[float] = bars.open_time.astype(np.float64).tolist()
    for place, label in dates(times[0], times[-1]):
        at = float(np.interp(place, times, x))
        yield node("line", x1=f"{at:.1f}", x2=f"{at:.1f}", y1=GAP, y2=height - FOOT, class_="grid")
        yield node("text", label, x=f"{at:.1f}", y=f"{height - 9:.0f}", text_anchor="middle")
