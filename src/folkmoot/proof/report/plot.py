"""Pieces of a chart as SVG whose shapes stretch with the page while its text keeps its size.

Places are percentages of the plotting area, offsets are pixels. Curves live in an inner picture
that is stretched, drawn with strokes that are not.
"""

from collections.abc import Iterable, Sequence

from folkmoot.proof.report.markup import Html, join, node

Point = tuple[float, float]
GRAIN = 1000.0


def plot(
    *children: object, height: int, label: str, left: int = 52, bottom: int = 26, top: int = 10
) -> Html:
    """Return a drawing area of `height` pixels with room for its labels; `label` describes it."""
    picture = node(
        "svg", *children, role="img", aria_label=label, width="100%", height="100%", class_="svg"
    )
    style = f"height:{height}px;padding:{top}px 14px {bottom}px {left}px"
    return node("div", picture, class_="plot", style=style)


def line(x1: object, y1: object, x2: object, y2: object, class_: str) -> Html:
    """Return a straight line."""
    return node("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def dot(x: str, y: str, class_: str, radius: float = 4.0, hint: str | None = None) -> Html:
    """Return a round mark; `hint` is shown when it is pointed at."""
    title = None if hint is None else node("title", hint)
    return node("circle", title, cx=x, cy=y, r=radius, class_=class_)


def text(
    x: object, y: object, content: str, *, anchor: str = "middle", dx: int = 0, dy: int = 4
) -> Html:
    """Return a label at a place, moved by `dx` and `dy` pixels."""
    return node("text", content, x=x, y=y, dx=dx, dy=dy, text_anchor=anchor)


def level(y: str, label: str, class_: str = "grid") -> Html:
    """Return a line across the plot with its value to the left."""
    return join(line("0%", y, "100%", y, class_), text(0, y, label, anchor="end", dx=-8))


def tick(x: str, label: str) -> Html:
    """Return a value below the plot."""
    return text(x, "100%", label, dy=18)


def curve(runs: Iterable[Sequence[Point]], class_: str) -> Html:
    """Return lines through runs of points given as shares, (0, 0) at the lower left."""
    return _stretched("".join(_path(run) for run in runs), class_)


def band(upper: Sequence[Point], lower: Sequence[Point], class_: str) -> Html:
    """Return the area between two lines that share their places."""
    return _stretched(f"{_path([*upper, *reversed(lower)])}Z", class_)


def _stretched(path: str, class_: str) -> Html:
    shape = node("path", d=path, class_=class_, vector_effect="non-scaling-stroke")
    size = f"0 0 {GRAIN:.0f} {GRAIN:.0f}"
    return node("svg", shape, viewBox=size, preserveAspectRatio="none", width="100%", height="100%")


def _path(points: Sequence[Point]) -> str:
    places = [f"{GRAIN * x:.1f} {GRAIN * (1.0 - y):.1f}" for x, y in points]
    return f"M{'L'.join(places)}" if places else ""


def legend(*entries: tuple[str, str]) -> Html:
    """Return the key of a chart: pairs of a mark's class and what it stands for."""
    keys = [node("span", node("i", class_=f"key {mark}"), said) for mark, said in entries]
    return node("div", *keys, class_="legend")


def figure(*children: object, caption: str) -> Html:
    """Return a chart with the sentence that says how to read it."""
    return node("figure", *children, node("figcaption", caption))
