"""Charts over time and over cost: equity against buy-and-hold, drawdown, net results by cost."""

from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import Any

from folkmoot.proof.report.markup import Html, join, node
from folkmoot.proof.report.numbers import decimal, ends, known, percent
from folkmoot.proof.report.plot import (
    Point,
    band,
    curve,
    dot,
    figure,
    legend,
    level,
    line,
    plot,
    text,
    tick,
)
from folkmoot.proof.report.scales import Scale, around, dates, ratios

Series = list[float | None]
PLACES = 600


def equity(
    chart: dict[str, Any], folds: Sequence[dict[str, Any]], net: Any = None, held: Any = None
) -> Html:
    """Return the desk's equity against buy-and-hold on a ratio scale, with the drawdowns below.

    `chart` holds `time` (epoch ms) and `desk` and `hold` of that length in any one unit of money;
    `folds` are the scored blocks as `start` and `stop` in epoch ms, with their number as `block`
    (counted from 1 without it). The key says `net` and `held`, the returns of the two.
    """
    whole = _instants(chart.get("time"))
    if len(whole) < 2:
        return node("p", "not run: no equity was recorded", class_="absent")
    across = Scale(whole[0], whole[-1])
    desk = growth(chart.get("desk"), len(whole))
    hold = growth(chart.get("hold"), len(whole))
    up = ratios([*desk, *hold])
    levels = [level(up.up(value), f"{value:.10g}\N{MULTIPLICATION SIGN}") for value in up.ticks()]
    upper = plot(
        *_blocks(folds, across),
        *levels,
        line("0%", up.up(1.0), "100%", up.up(1.0), "zero"),
        curve(_runs(whole, hold, across, up), "stroke hold"),
        curve(_runs(whole, desk, across, up), "stroke desk"),
        height=300,
        bottom=8,
        top=24,
        label="growth of one unit of money: the desk and buy-and-hold",
    )
    key = legend(
        ("desk", f"the desk, net of costs {percent(net, sign=True)}"),
        ("hold", f"buy and hold {percent(held, sign=True)}"),
    )
    return figure(
        key,
        upper,
        _drawdowns(whole, desk, hold, across),
        caption="Growth of one unit of money over the scored bars, on a scale where equal ratios "
        "are equally far apart; below it, how far each stands under its own highest value. "
        "Vertical lines part the blocks; every model was refitted at each of them.",
    )


def _instants(times: Any) -> list[float]:
    """Return the times, or none of them if one is unknown."""
    found = [known(at) for at in times or []]
    return [] if None in found else [at for at in found if at is not None]


def growth(values: Any, length: int) -> Series:
    """Return the values as multiples of the first known one; all None if they do not fit."""
    if not isinstance(values, list) or len(values) != length:
        return [None] * length
    numbers = [known(value) for value in values]
    first = next((number for number in numbers if number is not None and number > 0.0), None)
    if first is None:
        return [None] * length
    return [None if number is None or number <= 0.0 else number / first for number in numbers]


def sparkline(values: Any, mark: str) -> Html:
    """Return a small line without axes."""
    series = growth(values, len(values) if isinstance(values, list) else 0)
    if sum(value is not None for value in series) < 2:
        return node("p", "not run", class_="absent")
    places = [float(index) for index in range(len(series))]
    across, up = Scale(0.0, places[-1]), ratios([*series])
    return plot(
        line("0%", up.up(1.0), "100%", up.up(1.0), "zero"),
        curve(_runs(places, series, across, up), f"stroke {mark}"),
        height=70,
        left=2,
        bottom=4,
        top=4,
        label="growth of the desk, net of costs",
    )


def by_cost(rows: Sequence[dict[str, Any]], charged: float | None) -> Html:
    """Return net Sharpe with its interval, and net basis points a bar, at several costs.

    Rows hold `cost_bp` (a side), `sharpe`, `sharpe_interval`, `net_bp`; `charged` is the study's
    own cost in basis points a side.
    """
    usable = [row for row in rows if known(row.get("cost_bp")) is not None]
    if not usable:
        return node("p", "not run: the desk was not replayed at other costs", class_="absent")
    usable.sort(key=lambda row: float(row["cost_bp"]))
    across = around([row["cost_bp"] for row in usable], margin=0.05)
    sharpe = _cost_panel(usable, "sharpe", "sharpe_interval", across, charged)
    net = _cost_panel(usable, "net_bp", None, across, charged)
    return figure(
        node(
            "div",
            node("div", node("h4", "net Sharpe ratio, a year"), sharpe),
            node("div", node("h4", "net basis points a bar"), net),
            class_="pair",
        ),
        caption="The same decisions at other costs, in basis points a side; the shaded band is the "
        "interval of the Sharpe ratio, the upright line the cost that this study charged. Above "
        "the zero line there is money left.",
    )


def _cost_panel(
    rows: Sequence[dict[str, Any]],
    field: str,
    interval: str | None,
    across: Scale,
    charged: float | None,
) -> Html:
    bounds = [end for row in rows for end in ends(row.get(interval))] if interval else []
    up = around([*bounds, *(row.get(field) for row in rows)], include=(0.0,))
    points = [
        (across.share(float(row["cost_bp"])), up.share(value), float(row["cost_bp"]), value)
        for row in rows
        if (value := known(row.get(field))) is not None
    ]
    marks = [
        dot(across.across(cost), up.up(value), "mark desk", 3.5, f"{cost:g} bp: {decimal(value)}")
        for _, _, cost, value in points
    ]
    own = None
    if charged is not None and across.low <= charged <= across.high:
        own = line(across.across(charged), "0%", across.across(charged), "100%", "here")
    return plot(
        *(level(up.up(value), decimal(value, _digits(up))) for value in up.ticks()),
        *(tick(across.across(value), f"{value:g}") for value in across.ticks() if value >= 0.0),
        _interval_band(rows, interval, across, up),
        line("0%", up.up(0.0), "100%", up.up(0.0), "zero"),
        own,
        curve([[(x, y) for x, y, _, _ in points]], "stroke desk"),
        *marks,
        height=210,
        label=f"{field} by cost",
    )


def _interval_band(
    rows: Sequence[dict[str, Any]], interval: str | None, across: Scale, up: Scale
) -> Html | None:
    if interval is None:
        return None
    upper: list[Point] = []
    lower: list[Point] = []
    for row in rows:
        low, high = ends(row.get(interval))
        if low is not None and high is not None:
            x = across.share(float(row["cost_bp"]))
            upper.append((x, up.share(high)))
            lower.append((x, up.share(low)))
    return band(upper, lower, "area desk") if upper else None


def _drawdowns(time: list[float], desk: Series, hold: Series, across: Scale) -> Html:
    below = {name: _below_peak(series) for name, series in (("desk", desk), ("hold", hold))}
    deepest = min((value for series in below.values() for value in series if value), default=-0.01)
    up = Scale(deepest * 1.08, 0.0)
    areas = [
        join(
            *(band(run, [(x, 1.0) for x, _ in run], f"area {name}") for run in runs),
            curve(runs, f"stroke thin {name}"),
        )
        for name in ("hold", "desk")
        if (runs := _runs(time, below[name], across, up))
    ]
    return plot(
        *areas,
        *(level(up.up(value), percent(value, 0)) for value in up.ticks(3)),
        *(tick(across.across(at), label) for at, label in dates(across.low, across.high)),
        height=116,
        top=6,
        label="drawdown of the desk and of buy-and-hold",
    )


def _below_peak(series: Series) -> Series:
    peaks = accumulate((value or 0.0 for value in series), max)
    pairs = zip(series, peaks, strict=True)
    return [None if value is None else value / peak - 1.0 for value, peak in pairs]


def _blocks(folds: Sequence[dict[str, Any]], across: Scale) -> list[Html]:
    marks = []
    for index, fold in enumerate(folds):
        start, stop = known(fold.get("start")), known(fold.get("stop"))
        if start is None or stop is None:
            continue
        left, right = max(start, across.low), min(stop, across.high)
        if left >= right:
            continue
        name = str(fold.get("block", index + 1))
        marks.append(text(across.across((left + right) / 2.0), "0%", f"block {name}", dy=-9))
        if start > across.low:
            marks.append(line(across.across(left), "-14", across.across(left), "100%", "fold"))
    return marks


def _runs(places: Sequence[float], series: Series, across: Scale, up: Scale) -> list[list[Point]]:
    points = [
        None if value is None else (across.share(at), up.share(value))
        for at, value in zip(places, series, strict=True)
    ]
    runs = [list(run) for there, run in groupby(points, lambda point: point is not None) if there]
    return [thin([point for point in run if point is not None]) for run in runs]


def thin(points: list[Point]) -> list[Point]:
    """Return at most about `PLACES` points that keep the lowest and highest of every stretch."""
    if len(points) <= PLACES:
        return points
    size = 2 * len(points) / PLACES
    kept = [points[0]]
    for index in range(PLACES // 2):
        stretch = points[int(index * size) : int((index + 1) * size)]
        extremes = {min(stretch, key=_height), max(stretch, key=_height)}
        kept.extend(sorted(extremes))
    return [*kept, points[-1]]


def _height(point: Point) -> float:
    return point[1]


def _digits(scale: Scale) -> int:
    width = scale.high - scale.low
    return 0 if width > 5.0 else 1 if width > 1.0 else 2
