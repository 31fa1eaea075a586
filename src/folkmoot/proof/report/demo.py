"""The page of the demo: the self-check, the popular mistake, and worlds of known truth."""

from typing import Any

from folkmoot.proof.report.charts import shares
from folkmoot.proof.report.curves import sparkline
from folkmoot.proof.report.markup import Html, join, node
from folkmoot.proof.report.numbers import UNKNOWN, count, decimal, ends, interval, known, percent
from folkmoot.proof.report.page import document, study_parts
from folkmoot.proof.report.plot import figure
from folkmoot.proof.report.sections import absent, pill
from folkmoot.proof.report.tables import facts, hashes, plain

WAYS = (
    ("same_bar", "scored on the bars it was fitted on, itself among its neighbours"),
    ("self_removed", "itself removed, its neighbours' labels still from the future"),
    ("point_in_time", "point in time: only labels that were known"),
)


def render_demo(demo: dict[str, Any]) -> str:
    """Return the demo as one HTML file.

    `demo` is the JSON of `folkmoot demo`. A world that carries its study under `study` gets a card
    that leads to the whole study further down; the worlds of further seeds, under `runs`, get a
    line in a table.
    """
    worlds = demo.get("worlds") or []
    whole = [world for world in worlds if world.get("study")]
    rest = [world for world in worlds if not world.get("study")] + _further(demo)
    return document(
        "demonstration",
        _opening(),
        _part("self-check", "Self-check", _self_check(demo.get("self_check") or {})),
        _part("mistake", "The popular mistake", _mistake(demo.get("popular_mistake") or {})),
        _part("worlds", "Worlds of known truth", _worlds(whole, rest)),
        _part("yours", "Your own data", _yours(demo)),
        *(_study(world, index) for index, world in enumerate(whole)),
    )


def _opening() -> Html:
    return node(
        "header",
        node("p", "folkmoot", class_="brand"),
        node("h1", "A demonstration on data whose truth is known"),
        node(
            "p",
            "Everything below was computed on this machine, without a network: first that the "
            "tool agrees with itself, then how a good-looking result is made from nothing, then "
            "whether its verdicts are right where the truth is known.",
            class_="lead",
        ),
    )


def _part(anchor: str, title: str, content: Html) -> Html:
    return node("section", node("h2", title), content, id=anchor)


def _self_check(check: dict[str, Any]) -> Html:
    if not check:
        return absent("the self-check was left out")
    return join(
        node(
            "p",
            "Each feature was computed over the whole history at once and again bar by bar, and "
            "once more on bars whose future had been replaced. Both must be the same to the bit.",
        ),
        facts(
            [
                ("features", count(check.get("columns"))),
                ("bars", count(check.get("bars"))),
                ("batch against stream, differences", count(check.get("mismatches"))),
                ("values that a changed future moved", count(check.get("future_leaks"))),
            ]
        ),
    )


def _mistake(mistake: dict[str, Any]) -> Html:
    rows = [
        (said, known(mistake.get(f"{key}_accuracy")), ends(mistake.get(f"{key}_interval")))
        for key, said in WAYS
    ]
    if all(value is None for _, value, _ in rows):
        return absent("the popular mistake was left out")
    return join(
        node(
            "p",
            "One nearest-neighbour classifier on a random walk, where nothing can be predicted. "
            "Only the way of keeping score differs.",
        ),
        figure(
            shares(rows),
            caption=f"Share of right calls over {count(mistake.get('n'))} votes; the upright line "
            "is one half, which is all that there is. A backtest that shows the first figure has "
            "found nothing but itself.",
        ),
    )


def _further(demo: dict[str, Any]) -> list[dict[str, Any]]:
    runs = (demo.get("runs") or [])[1:]
    return [{"seed": run.get("seed"), **world} for run in runs for world in run.get("worlds") or []]


def _worlds(whole: list[dict[str, Any]], rest: list[dict[str, Any]]) -> Html:
    if not whole and not rest:
        return absent("no world was studied")
    cards = [_card(world, index) for index, world in enumerate(whole)]
    body = [
        (
            str(world.get("name")),
            str(world.get("seed", UNKNOWN)),
            str(world.get("truth") or UNKNOWN),
            pill(world.get("verdict")),
            _correct(world),
            decimal(world.get("planted_net"), 2, sign=True),
        )
        for world in rest
    ]
    head = ("world", "seed", "truth", "verdict", "right", "oracle, net bp a bar")
    return join(
        node(
            "p",
            "The same committee, features and costs met series that were made here. A verdict is "
            "worth something only if it is right where the truth is known. The oracle trades the "
            "planted sign itself through the same desk: what perfect knowledge of it would earn.",
        ),
        node("div", *cards, class_="cards") if cards else None,
        plain(head, body, "worlds") if body else None,
    )


def _card(world: dict[str, Any], index: int) -> Html:
    study = world["study"]
    backtest = study.get("backtest") or {}
    sharpe = join(
        decimal(backtest.get("sharpe")),
        " ",
        node("small", interval(backtest.get("sharpe_interval"))),
    )
    series = ((study.get("charts") or {}).get("equity") or {}).get("desk")
    return node(
        "article",
        node("h3", f"World {world.get('name')}"),
        node("p", str(world.get("truth") or UNKNOWN), class_="known"),
        node("p", pill(world.get("verdict")), " ", node("span", _correct(world), class_="right")),
        sparkline(series, "desk"),
        facts(
            [
                ("net of costs", percent(backtest.get("net_return"), sign=True)),
                ("net Sharpe ratio", sharpe),
                ("oracle, net bp a bar", decimal(world.get("planted_net"), 2, sign=True)),
            ]
        ),
        node("a", "the whole study", href=f"#world-{index}"),
        class_="card",
    )


def _study(world: dict[str, Any], index: int) -> Html:
    study = {"world_truth": world.get("truth"), **world["study"]}
    anchor = f"world-{index}"
    return node(
        "article",
        node("h2", f"World {world.get('name')}"),
        study_parts(study, anchor, "h3"),
        node("p", node("a", "back to the worlds", href="#worlds")),
        id=anchor,
        class_="study",
    )


def _yours(demo: dict[str, Any]) -> Html:
    command = demo.get("next") or "folkmoot prove my_bars.csv --symbol BTC/USDT --timeframe 1h"
    told = {
        "took": decimal(demo.get("seconds"), 1, unit="s"),
        "journal": demo.get("journal") or UNKNOWN,
        "journal hash": demo.get("journal_hash") or UNKNOWN,
    }
    return join(
        node("p", "The same study on your own series, CSV or Parquet with any common columns:"),
        node("pre", node("code", str(command))),
        hashes(told),
    )


def _correct(world: dict[str, Any]) -> str:
    right = world.get("correct")
    if right is None or right:
        return UNKNOWN if right is None else "right"
    return "not powered at this length" if world.get("reason") == "too_short" else "WRONG"
