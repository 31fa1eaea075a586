"""Events on a chart: each name has a shape and a colour of its own, told in a legend."""

from collections.abc import Iterable, Iterator

from folkmoot.core.bars import Floats
from folkmoot.proof.report.markup import Html, node

GOOD = ("buy", "bull", "up", "long", "green", "moon", "bottom", "ascending")
BAD = ("sell", "bear", "down", "short", "red", "dump", "top", "descending")
GOLD = ("gold", "yellow")
SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "circle": (),
    "triangle": ((0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)),
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "diamond": ((0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)),
    "hourglass": ((-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)),
    "bar": ((-0.5, -1.4), (0.5, -1.4), (0.5, 1.4), (-0.5, 1.4)),
}
"""The corners of each shape about its middle; y grows downwards."""
LETTER = 6.6
"""Picture units that one letter of a legend takes."""


def is_event(values: Floats) -> bool:
    """Whether a line is only ever 0, 1 or unknown, and at least once 0."""
    known = values[values == values]
    return bool(((known == 0.0) | (known == 1.0)).all()) and bool((known == 0.0).any())


def colour(name: str) -> str:
    """Return the class of an event's colour: gold, rise, fall, or plain for what points nowhere."""
    words = name.replace(".", "_").split("_")
    for hue, known in (("gold", GOLD), ("rise", GOOD), ("fall", BAD)):
        if any(word in known for word in words):
            return hue
    return "plain"


def is_small(name: str) -> bool:
    """Whether an event is so frequent that its mark is small."""
    return name.split("_")[0] == "cross"


def shapes(names: Iterable[str]) -> dict[str, str]:
    """Return a shape for each event of a pane; two of one colour and size have different ones.

    A divergence is a triangle, gold a diamond, what points nowhere a square, anything else a
    circle, while those are free; beyond `SHAPES` of one colour they repeat.
    """
    chosen: dict[str, str] = {}
    taken: set[tuple[str, bool, str]] = set()
    for name in names:
        kind = colour(name), is_small(name)
        free = [one for one in (_wanted(name), *SHAPES) if (*kind, one) not in taken]
        chosen[name] = free[0] if free else _wanted(name)
        taken.add((*kind, chosen[name]))
    return chosen


def _wanted(name: str) -> str:
    words = name.split("_")
    if "div" in words or "triangle" in words:
        return "triangle"
    if "diamond" in words or colour(name) == "gold":
        return "diamond"
    return "square" if colour(name) == "plain" else "circle"


def mark(name: str, shape: str, x: float, y: float, *said: Html) -> Html:
    """Return the mark of one event at a place of the picture, `said` inside it; a fall is hollow.

    A triangle points downwards for a fall.
    """
    hue, r = colour(name), 2.6 if is_small(name) else 5.0
    class_ = f"mark {hue}"
    if shape == "circle":
        return node("circle", *said, cx=f"{x:.1f}", cy=f"{y:.1f}", r=r, class_=class_)
    turn = -1.0 if hue == "fall" else 1.0
    corners = "L".join(f"{x + r * a:.1f} {y + turn * r * b:.1f}" for a, b in SHAPES[shape])
    return node("path", *said, d=f"M{corners}Z", class_=class_)


def told(name: str, values: Floats) -> str:
    """Return what a legend says of an event: its name, and how often it is there."""
    count = int((values == 1.0).sum())
    return f"{name} {count}" if count else f"{name} 0 (no event in these bars)"


def width(text: str) -> float:
    """Return the picture units that a legend's entry takes, its mark and a gap included."""
    return 18.0 + LETTER * len(text) + 12.0


def entry(sign: Html, text: str, x: float, y: float, style: str | None = None) -> Iterator[Html]:
    """Yield one entry of a legend: its sign, then its text behind it."""
    yield sign
    yield node("text", text, x=f"{x + 18:.0f}", y=f"{y + 4:.0f}", class_="name", style=style)
