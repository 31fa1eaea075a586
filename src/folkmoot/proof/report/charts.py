"""Charts of skill and calibration: gains with intervals, reliability, controls, shares."""

from collections.abc import Sequence
from typing import Any

from folkmoot.proof.report.markup import Html, join, node
from folkmoot.proof.report.numbers import count, decimal, ends, known, percent
from folkmoot.proof.report.plot import (
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
from folkmoot.proof.report.scales import Scale, around

MILLI = 1000.0
ROW = 38
CONTROL_BOUND = 3.29


def gains(rows: Sequence[dict[str, Any]]) -> Html:
    """Return each forecaster's log-loss gain over the best reference, with its interval.

    Rows hold `name`, `gain` and `gain_interval` in nats a bar.
    """
    usable = [row for row in rows if known(row.get("gain")) is not None]
    if not usable:
        return node("p", "not run: no gain over the references was measured", class_="absent")
    bounds = [end for row in usable for end in ends(row.get("gain_interval"))]
    values = [MILLI * value for value in bounds if value is not None]
    across = around(
        [*values, *(MILLI * row["gain"] for row in usable)], include=(0.0,), margin=0.08
    )
    drawn = plot(
        *(
            join(
                line(across.across(value), "0%", across.across(value), "100%", "grid"),
                tick(across.across(value), f"{value:.6g}".replace("-", "\N{MINUS SIGN}")),
            )
            for value in across.ticks(4)
        ),
        line(across.across(0.0), "0%", across.across(0.0), "100%", "zero"),
        *(_gain_row(row, (index + 0.5) / len(usable), across) for index, row in enumerate(usable)),
        height=ROW * len(usable) + 36,
        left=124,
        label="log-loss gain over the best reference, by forecaster",
    )
    return figure(
        legend(("better", "better than the best reference"), ("worse", "not shown to be better")),
        drawn,
        caption="Gain in log loss over the best reference, in thousandths of a nat a bar, with its "
        "interval. A line that crosses zero is a forecaster that may have learnt nothing.",
    )


def _gain_row(row: dict[str, Any], share: float, across: Scale) -> Html:
    value, place = MILLI * row["gain"], f"{100.0 * share:.2f}%"
    low, high = ends(row.get("gain_interval"))
    mark = "better" if low is not None and low > 0.0 else "worse"
    whisker = None
    if low is not None and high is not None:
        left, right = across.across(MILLI * low), across.across(MILLI * high)
        whisker = line(left, place, right, place, f"whisker {mark}")
    return join(
        text(0, place, _short(row.get("name")), anchor="end", dx=-12),
        whisker,
        dot(across.across(value), place, f"mark {mark}", 4.5),
        text(across.across(value), place, decimal(value, 2, sign=True), dy=-9),
    )


def reliability(bins: Sequence[dict[str, Any]]) -> Html:
    """Return how often the market rose against how likely that was said to be.

    Bins hold `p` (mean forecast), `hit` (share of rises), `low`, `high` and the number `n`.
    """
    usable = [
        row
        for row in bins
        if None not in (known(row.get("p")), known(row.get("hit")), row.get("n"))
    ]
    if not usable:
        return node("p", "not run: no calibrated forecast was scored", class_="absent")
    edges = [row.get(field) for row in usable for field in ("p", "hit", "low", "high")]
    axis = around(edges, include=(0.45, 0.55), margin=0.05)
    axis = Scale(max(axis.low, 0.0), min(axis.high, 1.0))
    most = max(known(row["n"]) or 0.0 for row in usable) or 1.0
    # Bins of equal mass have nothing to count.
    uneven = min(known(row["n"]) or 0.0 for row in usable) < 0.9 * most
    digits = 0 if axis.high - axis.low > 0.15 else 1
    drawn = plot(
        *(level(axis.up(value), percent(value, digits)) for value in axis.ticks(5)),
        *(tick(axis.across(value), percent(value, digits)) for value in axis.ticks(4)),
        *(_count_bar(row, axis, most) for row in usable if uneven),
        curve([[(0.0, 0.0), (1.0, 1.0)]], "stroke ideal"),
        *(_reliability_point(row, axis) for row in usable),
        height=360,
        label="reliability diagram of the consensus",
    )
    keys = [("desk", "observed, with its interval"), ("ideal", "ideal")]
    return figure(
        legend(*keys, *([("bars", "how many bars")] if uneven else [])),
        node("div", drawn, class_="square"),
        caption="Across: the probability of a rise that the consensus gave. Up: how often the "
        "market then rose. Honest probabilities lie on the diagonal.",
    )


def _count_bar(row: dict[str, Any], axis: Scale, most: float) -> Html:
    height = 16.0 * (known(row["n"]) or 0.0) / most
    x = 100.0 * axis.share(float(row["p"]))
    return node(
        "rect",
        node("title", f"{count(row['n'])} bars"),
        x=f"{x - 1.1:.2f}%",
        y=f"{100.0 - height:.2f}%",
        width="2.2%",
        height=f"{height:.2f}%",
        class_="bars",
    )


def _reliability_point(row: dict[str, Any], axis: Scale) -> Html:
    x, y = axis.across(float(row["p"])), axis.up(float(row["hit"]))
    low, high = known(row.get("low")), known(row.get("high"))
    whisker = None
    if low is not None and high is not None:
        whisker = line(x, axis.up(low), x, axis.up(high), "whisker desk")
    said = f"said {percent(row['p'])}, rose {percent(row['hit'])} of {count(row['n'])} bars"
    return join(whisker, dot(x, y, "mark desk", 4.5, said))


def control_strip(copies: Sequence[dict[str, Any]]) -> Html | None:
    """Return the accuracy z of every sign-randomised copy against the bounds it must keep."""
    scores = [score for copy in copies if (score := known(copy.get("z"))) is not None]
    if not scores:
        return None
    across = around([*scores, -CONTROL_BOUND, CONTROL_BOUND, 0.0], margin=0.12)
    bounds = [across.across(bound) for bound in (-CONTROL_BOUND, CONTROL_BOUND)]
    inside = [abs(score) <= CONTROL_BOUND for score in scores]
    return figure(
        plot(
            *(line(place, "0%", place, "100%", "here") for place in bounds),
            line(across.across(0.0), "0%", across.across(0.0), "100%", "zero"),
            line("0%", "50%", "100%", "50%", "grid"),
            *(
                dot(across.across(score), "50%", "mark desk" if fine else "mark alarm", 6.0)
                for score, fine in zip(scores, inside, strict=True)
            ),
            *(
                tick(across.across(value), decimal(value, 2, sign=True))
                for value in (-CONTROL_BOUND, 0.0, CONTROL_BOUND)
            ),
            height=84,
            left=14,
            label="accuracy z of the sign-randomised copies",
        ),
        caption="One mark a copy: how far its accuracy lies from one half, in standard errors. "
        "Outside the dashed bounds the pipeline sees what cannot be there.",
    )


def shares(rows: Sequence[tuple[str, float | None, tuple[float | None, float | None]]]) -> Html:
    """Return accuracies as bars from one half, each with its interval and its figure."""
    drawn = [row for row in rows if row[1] is not None]
    edges = [edge for _, value, pair in drawn for edge in (value, *pair)]
    across = around(edges, include=(0.5,), margin=0.12)
    return node(
        "div",
        *(_share_row(name, value, pair, across) for name, value, pair in drawn if value),
        class_="shares",
    )


def _share_row(
    name: str, value: float, pair: tuple[float | None, float | None], across: Scale
) -> Html:
    half, end = across.share(0.5), across.share(value)
    left, width = min(half, end), abs(end - half)
    low, high = pair
    whisker = None
    if low is not None and high is not None:
        whisker = line(across.across(low), "50%", across.across(high), "50%", "whisker ink")
    bar = node(
        "rect",
        x=f"{100.0 * left:.2f}%",
        y="18%",
        width=f"{100.0 * width:.2f}%",
        height="64%",
        class_="bar",
    )
    picture = node(
        "svg",
        bar,
        line(across.across(0.5), "0%", across.across(0.5), "100%", "zero"),
        whisker,
        width="100%",
        height="100%",
        role="img",
        aria_label=f"{name}: {percent(value)}",
        class_="svg",
    )
    said = node("p", node("b", percent(value)), " ", name)
    return node("div", said, node("div", picture, class_="share"))


def _short(name: Any) -> str:
    written = str(name)
    return written if len(written) <= 16 else f"{written[:15]}\N{HORIZONTAL ELLIPSIS}"
