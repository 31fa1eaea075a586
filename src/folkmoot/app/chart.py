"""Candles with any indicator or column over or under them, as one HTML page without a script.

1. Each line is an event (0, 1 or unknown: marks), a price (drawn over the candles) or neither
   (drawn in a pane below; lines of like size share one, states have one each).
2. A mark stands on the bar at whose close the event became known, never earlier.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from folkmoot.app.marks import colour, entry, is_small, mark, shapes, told, width
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.stamps import iso
from folkmoot.proof.report.markup import Html, join, node
from folkmoot.proof.report.page import document
from folkmoot.proof.report.scales import Scale, around, dates

WIDTH, LEFT, RIGHT = 1200.0, 8.0, 92.0
PRICE, PANE, GAP, FOOT, ROW = 420.0, 210.0, 14.0, 26.0, 17.0
ALIKE = 8.0
"""Lines whose sizes differ by no more than this factor share a pane."""
FILLED = ("wt1", "wt2", "rsimfi", "histogram", "money_flow")
NAMED = {"wt1": "#6fa8e0", "wt2": "#1f3f7a", "wt_vwap": "#c9a227", "rsimfi": "#3f8f6b"}
HUES = ("#3a78b5", "#c47f17", "#7a5aa6", "#3f8f6b", "#b0483e", "#5d6b78", "#9a7b28", "#2f8ea3",
        "#d1679e", "#4b8f29")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """How lines are to be drawn.

    `events` are drawn as marks; `prices`, in units of the price, over the candles where they lie
    near them; `states` has the words that the codes 0, 1, ... of a line stand for.
    """

    events: frozenset[str] = frozenset()
    prices: frozenset[str] = frozenset()
    states: Mapping[str, Sequence[str]] = field(default_factory=dict)


PLAIN = Look()


@dataclass(slots=True)
class Pane:
    """A part of the picture: its lines and events, its place below its legend, its scale."""

    top: float
    height: float
    scale: Scale
    lines: dict[str, Floats]
    events: dict[str, Floats]
    legend: list[tuple[str, float, float]]
    states: Sequence[str] = ()

    def y(self, value: float) -> float:
        """Return the place of a value, in picture units from the top."""
        return self.top + self.height * (1.0 - self.scale.share(value))


def chart_page(bars: Bars, lines: Mapping[str, Floats], name: str, look: Look = PLAIN) -> str:
    """Return the page that shows `lines` (`float64[n]` by name) on the n bars."""
    heading = f"{name} on {bars.symbol}, {bars.timeframe}"
    span = f"{iso(int(bars.open_time[0]))} to {iso(int(bars.close_time[-1]))}, {len(bars)} bars"
    silent = ", ".join(unknown(lines))
    return document(
        heading,
        node("style", _style()),
        node("header", node("p", "folkmoot", class_="brand"), node("h1", heading), node("p", span)),
        node("p", f"unknown on every bar shown: {silent}", class_="unknown") if silent else None,
        picture(bars, lines, look),
        node(
            "p", "A mark stands on the bar at whose close the event became known.", class_="right"
        ),
    )


@cache
def _style() -> Html:
    return Html(files(__package__).joinpath("chart.css").read_text(encoding="utf-8"))


def unknown(lines: Mapping[str, Floats]) -> list[str]:
    """Return the names of the lines without one known value."""
    return [name for name, values in lines.items() if np.isnan(values).all()]


def picture(bars: Bars, lines: Mapping[str, Floats], look: Look = PLAIN) -> Html:
    """Return the drawing as one SVG element."""
    panes = list(_panes(bars, lines, look))
    x = LEFT + (np.arange(len(bars)) + 0.5) * (WIDTH - LEFT - RIGHT) / len(bars)
    height = panes[-1].top + panes[-1].height + FOOT
    frames = [join(*_frame(pane), *_legend(pane)) for pane in panes]
    drawn = [
        node("g", *_lines(pane, x), *_marks(pane, bars, x), clip_path=f"url(#pane{index})")
        for index, pane in enumerate(panes)
    ]
    return node(
        "svg",
        *(_window(index, pane) for index, pane in enumerate(panes)),
        *_dates(bars, x, panes[0].top, height),
        *frames,
        *_candles(panes[0], bars, x),
        *drawn,
        viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
        class_="chart",
        role="img",
        aria_label=f"{bars.symbol} with {', '.join(lines)}",
    )


def _window(index: int, pane: Pane) -> Html:
    """Return what keeps a pane's drawing inside the pane."""
    room = node("rect", x=0, y=f"{pane.top:.0f}", width=WIDTH - RIGHT, height=pane.height)
    return node("clipPath", room, id=f"pane{index}")


def _panes(bars: Bars, lines: Mapping[str, Floats], look: Look) -> Iterator[Pane]:
    """Yield the candles' pane, then one for every group of lines of like size."""
    known = {name: v for name, v in lines.items() if not np.isnan(v).all()}
    coded = {name: v for name, v in known.items() if name in look.states}
    events = {name: v for name, v in known.items() if name in look.events}
    rest = {name: v for name, v in known.items() if name not in events and name not in coded}
    over = {n: v for n, v in rest.items() if n in look.prices and _is_near(bars, v)}
    groups = _groups({name: v for name, v in rest.items() if name not in over})
    waves = any(_last(name) in FILLED for group in groups[:1] for name in group)
    yield _pane(GAP, PRICE, _candle_scale(bars, over), over, {} if waves else events)
    top = GAP + PRICE + _pane_room(over, {} if waves else events)
    for index, group in enumerate([*groups, *({n: v} for n, v in coded.items())]):
        shown = events if waves and index == 0 else {}
        words = next((look.states[name] for name in group if name in coded), ())
        yield _pane(top, PANE, _pane_scale(group, words), group, shown, words)
        top += PANE + _pane_room(group, shown)


def _pane(
    top: float,
    height: float,
    scale: Scale,
    lines: dict[str, Floats],
    events: dict[str, Floats],
    states: Sequence[str] = (),
) -> Pane:
    """Return a pane whose legend begins at `top`."""
    places, room = _placed(lines, events)
    below = [(name, x, top + y) for name, x, y in places]
    return Pane(top + room, height, scale, lines, events, below, states)


def _pane_room(lines: Mapping[str, Floats], events: Mapping[str, Floats]) -> float:
    return _placed(lines, events)[1] + GAP


def _placed(
    lines: Mapping[str, Floats], events: Mapping[str, Floats]
) -> tuple[list[tuple[str, float, float]], float]:
    """Return where each entry of a legend stands, and the height of the whole."""
    texts = {name: name for name in lines} | {n: told(n, values) for n, values in events.items()}
    places, x, y = [], LEFT, 0.0
    for name, text in texts.items():
        if x > LEFT and x + width(text) > WIDTH - RIGHT:
            x, y = LEFT, y + ROW
        places.append((name, x, y))
        x += width(text)
    return places, y + ROW if places else 0.0


def _candle_scale(bars: Bars, over: Mapping[str, Floats]) -> Scale:
    """Return the scale of the candles, with room for the lines over them, half as much at most."""
    low, high = bars.low.min(), bars.high.max()
    reach = 0.25 * (high - low)
    inside = [np.clip(v[~np.isnan(v)], low - reach, high + reach) for v in over.values()]
    ends = [end for values in inside for end in (values.min(), values.max())]
    return around([low, high, *ends], margin=0.06)


def _pane_scale(group: Mapping[str, Floats], states: Sequence[str]) -> Scale:
    if states:
        return Scale(-0.5, len(states) - 0.5)
    values = np.concatenate([v[~np.isnan(v)] for v in group.values()])
    crossing = (0.0,) if values.min() < 0.0 < values.max() else ()
    return around([*values], include=crossing, margin=0.08)


def _is_near(bars: Bars, values: Floats) -> bool:
    """Whether a line stays near the candles, and nearer to them than to 0, on nine of ten bars."""
    span = bars.high.max() - bars.low.min()
    near = (values >= bars.low - span) & (values <= bars.high + span)
    alike = (values > 0.5 * bars.close) & (values < 2.0 * bars.close)
    return bool((near & alike)[~np.isnan(values)].mean() > 0.9)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


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
    named = dict(enumerate(pane.states))
    for value in named or pane.scale.ticks(5):
        y = pane.y(value)
        kind = "zero" if value == 0.0 and not named else "grid"
        label = named[int(value)].replace("_", " ") if named else f"{value:.6g}"
        yield node("line", x1=LEFT, x2=WIDTH - RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_=kind)
        yield node("text", label, x=WIDTH - RIGHT + 6, y=f"{y + 4:.1f}")


def _legend(pane: Pane) -> Iterator[Html]:
    hues = {name: _hue(name, index) for index, name in enumerate(pane.lines)}
    shape = shapes(pane.events)
    for name, x, y in pane.legend:
        if name in hues:
            ends = {"x1": f"{x:.0f}", "x2": f"{x + 14:.0f}", "y1": f"{y:.0f}", "y2": f"{y:.0f}"}
            sign = node("line", **ends, stroke=hues[name], stroke_width="3")
            yield from entry(sign, name, x, y, f"fill:{hues[name]}")
        else:
            yield from entry(
                mark(name, shape[name], x + 8.0, y), told(name, pane.events[name]), x, y
            )


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
        if _last(name) in FILLED and pane.scale.low < 0.0 < pane.scale.high:
            yield from _area(pane, name, values, x, hue)
        step = "H{0:.1f}V{1:.1f}" if pane.states else "L{0:.1f} {1:.1f}"
        path = "".join(_path(pane, run, values, x, step) for run in _runs(values))
        yield node("path", d=path, fill="none", stroke=hue, stroke_width="1.3")


def _hue(name: str, index: int) -> str:
    return NAMED.get(_last(name), HUES[index % len(HUES)])


def _area(pane: Pane, name: str, values: Floats, x: Floats, hue: str) -> Iterator[Html]:
    """Yield the area between a line and zero; what is signed by nature in two colours."""
    zero = pane.y(0.0)
    signed = _last(name) in ("rsimfi", "histogram", "money_flow")
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


def _path(
    pane: Pane, run: npt.NDArray[np.intp], values: Floats, x: Floats, step: str = "L{0:.1f} {1:.1f}"
) -> str:
    first, *others = ((x[row], pane.y(values[row])) for row in run)
    return f"M{first[0]:.1f} {first[1]:.1f}" + "".join(step.format(*place) for place in others)


def _marks(pane: Pane, bars: Bars, x: Floats) -> Iterator[Html]:
    standing: Counter[tuple[int, bool]] = Counter()
    shape = shapes(pane.events)
    for name, values in pane.events.items():
        upwards = colour(name) in ("rise", "gold")
        for row in np.flatnonzero(values == 1.0):
            y = _height(pane, bars, int(row), upwards=upwards)
            if not is_small(name):
                y += (12.0 if upwards else -12.0) * standing[int(row), upwards]
                standing[int(row), upwards] += 1
            y = min(max(y, pane.top + 6.0), pane.top + pane.height - 6.0)
            said = node("title", f"{name}, known {iso(int(bars.close_time[row]))}")
            yield mark(name, shape[name], float(x[row]), y, said)


def _height(pane: Pane, bars: Bars, row: int, *, upwards: bool) -> float:
    """Return where the first mark of that bar stands: on the waves, else below or above the bar."""
    on = [values[row] for values in pane.lines.values() if not math.isnan(values[row])]
    if on and any(_last(name) in FILLED for name in pane.lines):
        return pane.y(on[min(1, len(on) - 1)])
    return pane.y(bars.low[row]) + 10.0 if upwards else pane.y(bars.high[row]) - 10.0


def _dates(bars: Bars, x: Floats, top: float, height: float) -> Iterator[Html]:
    times: Sequence[float] = bars.open_time.astype(np.float64).tolist()
    for place, label in dates(times[0], times[-1]):
        at = float(np.interp(place, times, x))
        yield node("line", x1=f"{at:.1f}", x2=f"{at:.1f}", y1=top, y2=height - FOOT, class_="grid")
        yield node("text", label, x=f"{at:.1f}", y=f"{height - 9:.0f}", text_anchor="middle")
