"""The leaderboard and the small tables of a study."""

from collections.abc import Sequence
from typing import Any

from folkmoot.proof.report.markup import Html, join, node
from folkmoot.proof.report.numbers import (
    UNKNOWN,
    count,
    decimal,
    ends,
    interval,
    known,
    percent,
    words,
)
from folkmoot.proof.report.plot import line
from folkmoot.proof.report.scales import Scale, around

HEADINGS = (
    ("forecaster", None),
    ("accuracy", "share of right directions, with its interval; the upright line is one half"),
    ("|r|-weighted", "accuracy in which every bar counts by the size of its move"),
    ("gross bp a bar", "basis points a bar before costs"),
    ("log loss", "lower is better; a fair coin has 0.69315"),
    ("Brier", "lower is better; a fair coin has 0.25"),
    ("weight", "earned share in the consensus"),
    ("status", None),
    ("n", "scored bars"),
)
KINDS = {"consensus": "the committee", "member": "member", "baseline": "baseline"}


def ranked(study: dict[str, Any]) -> list[dict[str, Any]]:
    """Return consensus, members and baselines in one list, best log loss first.

    Each row has a `kind`: "consensus", "member" or "baseline"; without a log loss a row stands
    behind those that have one.
    """
    rows = [_of_kind(row, "member") for row in study.get("members") or []]
    rows += [_of_kind(row, "baseline") for row in study.get("baselines") or []]
    if study.get("consensus"):
        rows.append({**study["consensus"], "name": "consensus", "kind": "consensus"})
    return sorted(rows, key=_order)


def leaderboard(rows: Sequence[dict[str, Any]]) -> Html:
    """Return the table of all forecasters; the naive ones stand among the others."""
    if not rows:
        return node("p", "not run: nothing was scored", class_="absent")
    edges = [
        end for row in rows for end in (row.get("accuracy"), *ends(row.get("accuracy_interval")))
    ]
    axis = around(edges, include=(0.5,), margin=0.08)
    head = [node("th", name, scope="col", title=hint) for name, hint in HEADINGS]
    body = [_leader(row, axis) for row in rows]
    table = node("table", node("thead", node("tr", *head)), node("tbody", *body), class_="leaders")
    return scrolling(table, "leaderboard")


def _leader(row: dict[str, Any], axis: Scale) -> Html:
    kind = row["kind"]
    name = node("th", str(row.get("name")), node("small", KINDS[kind]), scope="row")
    cells = [
        _accuracy(row, axis),
        percent(row.get("weighted_accuracy")),
        decimal(row.get("gross_bp"), 2, sign=True),
        decimal(row.get("log_loss"), 5),
        decimal(row.get("brier"), 5),
        percent(row.get("weight"), 0) if kind == "member" else UNKNOWN,
        words(row.get("status") or UNKNOWN),
        count(row.get("n")),
    ]
    return node("tr", name, *(node("td", cell) for cell in cells), class_=kind)


def _accuracy(row: dict[str, Any], axis: Scale) -> Html:
    value, (low, high) = known(row.get("accuracy")), ends(row.get("accuracy_interval"))
    if value is None:
        return Html(UNKNOWN)
    half = axis.across(0.5)
    span = None
    if low is not None and high is not None:
        span = line(axis.across(low), "50%", axis.across(high), "50%", "whisker ink")
    glyph = node(
        "svg",
        line(half, "0%", half, "100%", "zero"),
        span,
        node("circle", cx=axis.across(value), cy="50%", r=3, class_="mark ink"),
        width=84,
        height=16,
        aria_hidden="true",
        class_="glyph",
    )
    said = node("small", interval(row.get("accuracy_interval"), percent))
    return join(percent(value), " ", said, glyph)


def copies(rows: Sequence[dict[str, Any]]) -> Html:
    """Return the table of the sign-randomised copies."""
    head = ("copy's seed", "accuracy", "z", "K1 p-value")
    body = [
        (
            str(row.get("seed", UNKNOWN)),
            percent(row.get("accuracy"), 2),
            decimal(row.get("z"), 2, sign=True),
            decimal(row.get("k1_p"), 3),
        )
        for row in rows
    ]
    return plain(head, body, "controls")


def calibration_bins(rows: Sequence[dict[str, Any]]) -> Html:
    """Return the table of the reliability diagram."""
    head = ("said", "rose", "interval", "bars")
    body = [
        (
            percent(row.get("p")),
            percent(row.get("hit")),
            interval((row.get("low"), row.get("high")), percent),
            count(row.get("n")),
        )
        for row in rows
    ]
    return plain(head, body, "calibration")


def states(rows: Sequence[dict[str, Any]]) -> Html:
    """Return the table of the states of the market."""
    head = ("state", "accuracy", "interval", "said", "rose", "interval", "bars")
    body = [
        (
            words(row.get("regime") or UNKNOWN),
            percent(row.get("accuracy")),
            interval(row.get("accuracy_interval"), percent),
            percent(row.get("said")),
            percent(row.get("rose")),
            interval(row.get("rose_interval"), percent),
            count(row.get("n")),
        )
        for row in rows
    ]
    return plain(head, body, "states of the market")


def plain(
    head: Sequence[str], body: Sequence[Sequence[object]], label: str, class_: str | None = None
) -> Html:
    """Return a table whose first column names its rows."""
    top = node("thead", node("tr", *(node("th", name, scope="col") for name in head)))
    rows = [
        node("tr", node("th", row[0], scope="row"), *(node("td", cell) for cell in row[1:]))
        for row in body
    ]
    return scrolling(node("table", top, node("tbody", *rows), class_=class_), label)


def scrolling(table: Html, label: str) -> Html:
    """Return the table in a box of its own that scrolls sideways on a narrow screen."""
    return node("div", table, class_="scroll", role="region", tabindex=0, aria_label=label)


def facts(pairs: Sequence[tuple[str, object]]) -> Html:
    """Return named figures side by side."""
    cells = [node("div", node("dt", name), node("dd", value)) for name, value in pairs]
    return node("dl", *cells, class_="facts")


def hashes(values: dict[str, Any]) -> Html:
    """Return nested values as a list of names and literal texts."""
    pairs = [
        node("div", node("dt", words(name)), node("dd", node("code", value)))
        for name, value in listing(values)
    ]
    return node("dl", *pairs, class_="hashes")


def listing(values: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Return nested values as (dotted name, text) pairs."""
    pairs = []
    for key, value in values.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            pairs.extend(listing(value, f"{name}."))
        elif isinstance(value, list | tuple):
            pairs.append((name, ", ".join(str(item) for item in value)))
        else:
            pairs.append((name, str(value)))
    return pairs


def _of_kind(row: dict[str, Any], kind: str) -> dict[str, Any]:
    return {**row, "kind": "consensus" if row.get("name") == "consensus" else kind}


def _order(row: dict[str, Any]) -> tuple[bool, float, float]:
    loss, accuracy = known(row.get("log_loss")), known(row.get("accuracy"))
    return loss is None, loss or 0.0, -(accuracy or 0.0)
