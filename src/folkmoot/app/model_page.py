"""The page of a trained version: scores, learning curves, what it looked at; no script, no links.

Built of the pieces of the study's report (`proof.report`), so it looks and prints like one.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from folkmoot.app.shelved import Shelved, in_order
from folkmoot.proof.report.markup import Html, join, node
from folkmoot.proof.report.numbers import count, decimal, interval, known, percent, words
from folkmoot.proof.report.page import document
from folkmoot.proof.report.plot import curve, dot, figure, legend, level, line, plot, text, tick
from folkmoot.proof.report.scales import Scale, around

HUES = ("desk", "hold")
STYLE = Html(
    ".mark.hold { fill: var(--hold); } td:nth-child(2), th:nth-child(2) { text-align: left; }"
)
MOST_BARS = 24
ROW = 24
TOLD = ("log_loss", "accuracy", "pinball_bp", "brier")
HEADS = ("log loss", "accuracy", "pinball, bp", "Brier")
DIGITS = {"log_loss": 4, "accuracy": 4, "pinball_bp": 2, "brier": 4}


def model_page(found: Shelved) -> str:
    """Return the page of a version as one HTML file."""
    card = found.whole_card()
    heading = f"{found.name} v{found.version}"
    data = card["data"]
    said = f"{found.model} on {card['symbol']}, {card['timeframe']}"
    span = f"{data['from']} to {data['to']}, {count(data['bars'])} bars"
    top = node("p", "folkmoot", class_="brand"), node("h1", heading), node("p", said, ", ", span)
    return document(
        heading,
        node("style", STYLE),
        node("header", *top),
        _section("Out of sample", _scores(card), gain_chart(card)),
        _section("Learning curves", *_learning(found.history)),
        _section("What it looked at", *_pictures(card.get("explained") or {})),
        _section("How it was made", _facts(found, card)),
    )


def _section(title: str, *parts: object) -> Html:
    return node("section", node("h2", title), *parts)


def _scores(card: dict[str, Any]) -> Html:
    head = [node("th", name) for name in ("bars ahead", "forecaster", *HEADS)]
    body = []
    for horizon, row in in_order(card["validation"]["horizons"]):
        if "log_loss" not in row:
            body.append(node("tr", node("th", horizon), node("td", f"only {row['n']} rows")))
            continue
        body.append(_line(horizon, card["model"], row))
        body += [_line("", name, other) for name, other in row["baselines"].items()]
    table = node("table", node("thead", node("tr", *head)), node("tbody", *body))
    return node("div", table, class_="scroll")


def _line(horizon: str, name: str, row: dict[str, Any]) -> Html:
    cells = [node("th", horizon), node("td", words(name))]
    for score in TOLD:
        shown = partial(decimal, digits=DIGITS[score])
        cells.append(
            node("td", node("b", shown(row[score][0])), " ", interval(row[score][1:], shown))
        )
    return node("tr", *cells)


def gain_chart(card: dict[str, Any]) -> Html | None:
    """Return the log loss saved against the hardest reference at each horizon, with intervals."""
    rows = {h: row for h, row in in_order(card["validation"]["horizons"]) if "gain" in row}
    values = [1e3 * end for row in rows.values() for end in row["gain"] if known(end) is not None]
    if not values:
        return None
    across = around(values, include=(0.0,), margin=0.1)
    drawn = plot(
        *(
            tick(across.across(v), f"{v:.3g}".replace("-", "\N{MINUS SIGN}"))
            for v in across.ticks(5)
        ),
        line(across.across(0.0), "0%", across.across(0.0), "100%", "zero"),
        *(
            _gain(horizon, row, (place + 0.5) / len(rows), across)
            for place, (horizon, row) in enumerate(rows.items())
        ),
        height=38 * len(rows) + 36,
        left=110,
        label="log-loss gain over the hardest reference, by horizon",
    )
    return figure(
        legend(("better", "earned"), ("worse", "not shown to be better")),
        drawn,
        caption="Log loss saved against the reference that is hardest to beat, in thousandths of "
        "a nat a bar, with its interval.",
    )


def _gain(horizon: str, row: dict[str, Any], share: float, across: Scale) -> Html:
    place, mark = f"{100.0 * share:.2f}%", "better" if row["earned"] else "worse"
    middle, low, high = (None if part is None else 1e3 * part for part in row["gain"])
    whisker = None
    if low is not None and high is not None:
        whisker = line(across.across(low), place, across.across(high), place, f"whisker {mark}")
    return join(
        text(0, place, f"{horizon} ahead", anchor="end", dx=-12),
        whisker,
        dot(across.across(middle or 0.0), place, f"mark {mark}", 4.5),
    )


def _learning(history: Sequence[Sequence[dict[str, Any]]]) -> list[Html]:
    """Return loss and validation loss, and the validation accuracy, epoch by epoch."""
    if not history:
        return [node("p", "This member is not fitted by epochs.", class_="absent")]
    charts = []
    for seed, epochs in enumerate(history):
        which = f" of seed {seed}" if len(history) > 1 else ""
        losses = {"loss": "taught rows", "validation_loss": "held-out rows"}
        charts.append(_epochs(epochs, losses, f"Loss{which} after each epoch."))
        right = {"accuracy": "held-out rows, first horizon"}
        charts.append(_epochs(epochs, right, f"Direction accuracy{which} after each epoch."))
    return [chart for chart in charts if chart is not None]


def _epochs(epochs: Sequence[dict[str, Any]], named: dict[str, str], caption: str) -> Html | None:
    lines = {
        name: [
            (row["epoch"], value) for row in epochs if (value := known(row.get(name))) is not None
        ]
        for name in named
    }
    there = {name: points for name, points in lines.items() if points}
    if not there:
        return None
    axis = around([value for points in there.values() for _, value in points])
    last = max(1, max(row["epoch"] for row in epochs))
    across = Scale(-0.04 * last, 1.04 * last)
    marks = [
        join(
            curve([[(across.share(x), axis.share(y)) for x, y in points]], f"stroke {hue}"),
            *(
                dot(across.across(x), axis.up(y), f"mark {hue}", 3.5, f"{decimal(y, 4)}")
                for x, y in points
            ),
        )
        for (_, points), hue in zip(there.items(), HUES, strict=False)
    ]
    drawn = plot(
        *(level(axis.up(value), f"{value:.4g}") for value in axis.ticks(4)),
        *(tick(across.across(row["epoch"]), str(row["epoch"] + 1)) for row in epochs),
        *marks,
        height=220,
        left=64,
        label=caption,
    )
    keys = [(hue, named[name]) for name, hue in zip(there, HUES, strict=False)]
    return figure(legend(*keys), drawn, caption=caption)


def _pictures(told: dict[str, Any]) -> list[Html]:
    charts = []
    if told.get("importance"):
        charts.append(_importance(told["importance"]))
    if told.get("attention"):
        charts.append(_attention(told["attention"]))
    for name, values in told.items():
        if name not in ("importance", "attention") and values:
            numbered = {f"{k + 1}": value for k, value in enumerate(values[:MOST_BARS])}
            charts.append(_bars(numbered, f"{words(name)}: mean over the latest rows."))
    return charts or [node("p", "This member tells nothing of what it used.", class_="absent")]


def _importance(shares: Sequence[tuple[str, float]]) -> Html:
    kept = dict(shares[:MOST_BARS])
    return _bars(kept, "Share of each column in what the model used; it tells no cause.", percent)


def _bars(values: dict[str, float], caption: str, write: Any = decimal) -> Html:
    top = max((known(value) or 0.0 for value in values.values()), default=0.0) or 1.0
    rows = []
    for place, (name, value) in enumerate(values.items()):
        share = max(known(value) or 0.0, 0.0) / (1.15 * top)
        middle = f"{100.0 * (place + 0.5) / len(values):.2f}%"
        high = f"{100.0 * (place + 0.15) / len(values):.2f}%"
        rows.append(
            join(
                node("rect", x="0%", y=high, width=f"{100.0 * share:.2f}%",
                     height=f"{70.0 / len(values):.2f}%", class_="bar"),
                text(0, middle, name, anchor="end", dx=-10),
                text(f"{100.0 * share:.2f}%", middle, write(value), anchor="start", dx=6),
            )
        )  # fmt: skip
    drawn = plot(*rows, height=ROW * len(values) + 36, left=170, label=caption)
    return figure(drawn, caption=caption)


def _attention(paid: Sequence[float]) -> Html:
    axis, last = around(list(paid), include=(0.0,)), max(len(paid) - 1, 1)
    points = [(place / last, axis.share(value)) for place, value in enumerate(paid)]
    drawn = plot(
        *(level(axis.up(value), percent(value)) for value in axis.ticks(4)),
        *(tick(f"{100.0 * (last - back) / last:.2f}%", f"{back}") for back in _backs(last)),
        curve([points], "stroke desk"),
        height=200,
        left=64,
        label="attention over the window",
    )
    caption = (
        "Attention of the decision bar, mean over heads and the latest rows. Across: bars back."
    )
    return figure(drawn, caption=caption)


def _backs(last: int) -> list[int]:
    return sorted({round(last * share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)})


def _facts(found: Shelved, card: dict[str, Any]) -> Html:
    slopes = {h: f"{decimal(a)}, {decimal(b, 3)}" for h, (a, b) in in_order(card["calibration"])}
    pairs = {
        "parameters in use": count(found.parameters),
        "columns": f"{card['sizes']['columns']} of {card['features']['title']}",
        "window": f"{card['sizes']['lookback']} bars",
        "answers by": card["served"]["by"],
        "learnt from bars to": card["data"]["trained_to"],
        "training": f"{decimal(card['cost']['seconds'], 1)} s over {len(card['folds'])} folds",
        "calibration (slope, level)": "; ".join(f"{h}: {said}" for h, said in slopes.items()),
        "data": card["data"]["hash"],
        "features": card["features"]["hash"],
        "code": card["made_by"]["code"],
    }
    rows = [node("div", node("dt", name), node("dd", value)) for name, value in pairs.items()]
    return node("dl", *rows, class_="hashes")
