"""The sections of a study, in the order in which a sceptical reader asks."""

from typing import Any

from folkmoot.proof.reliability import uncalibrated
from folkmoot.proof.report.charts import control_strip, gains, reliability
from folkmoot.proof.report.curves import by_cost, equity
from folkmoot.proof.report.markup import Html, join, node
from folkmoot.proof.report.numbers import (
    UNKNOWN,
    count,
    decimal,
    interval,
    known,
    percent,
    words,
)
from folkmoot.proof.report.tables import (
    calibration_bins,
    copies,
    facts,
    hashes,
    leaderboard,
    ranked,
    states,
)
from folkmoot.proof.report.words import LIMITS, explain, reason_codes

MARKS = {"EDGE FOUND": "found", "NO EDGE": "none", "NOT PROVEN": "open"}
BASIS = 10_000.0


def absent(why: str) -> Html:
    """Return the line that stands where a part of the study was not run."""
    return node("p", f"not run: {why}", class_="absent")


def pill(verdict: Any) -> Html:
    """Return a verdict as a coloured label."""
    said = str(verdict or "NO VERDICT")
    return node("span", said, class_=f"pill {MARKS.get(said, 'open')}")


def verdict(study: dict[str, Any]) -> Html:
    """Return the verdict, its reason codes, what they mean and what it would take."""
    said = str(study.get("verdict") or "NO VERDICT")
    reasons = [
        node("li", node("code", code), " ", sentence) for code, sentence in reason_codes(study)
    ]
    first, *further = explain(study)
    return node(
        "div",
        node("p", said, class_="said"),
        node("p", first.because, class_="because"),
        node("ul", *reasons, class_="reasons") if reasons else None,
        node("p", node("b", "What it would take. "), first.takes),
        *(node("p", meaning.because, " ", meaning.takes) for meaning in further),
        _truth(study),
        _headline(study),
        class_=f"verdict {MARKS.get(said, 'open')}",
    )


def _truth(study: dict[str, Any]) -> Html | None:
    truth = study.get("world_truth")
    if not truth:
        return None
    said = truth.get("truth") if isinstance(truth, dict) else truth
    return node("p", node("b", "The truth about this world. "), str(said), class_="truth")


def _headline(study: dict[str, Any]) -> Html:
    backtest = study.get("backtest") or {}
    power = study.get("power") or {}
    consensus = next((row for row in ranked(study) if row["kind"] == "consensus"), {})
    sharpe = decimal(backtest.get("sharpe"), 2)
    return facts(
        [
            (
                "consensus accuracy",
                _with(
                    percent(consensus.get("accuracy")),
                    interval(consensus.get("accuracy_interval"), percent),
                ),
            ),
            ("net Sharpe ratio", _with(sharpe, interval(backtest.get("sharpe_interval")))),
            ("compound net return", percent(backtest.get("net_return"), sign=True)),
            ("buy and hold", percent(backtest.get("buy_and_hold"), sign=True)),
            ("planted edge found", _of(power.get("planted_found"), power.get("planted_tried"))),
        ]
    )


def tested(study: dict[str, Any]) -> Html:
    """Return what was tested: series, span, features, costs, trials, the journal's hash."""
    start, end = (*(study.get("span") or []), None, None)[:2]
    scored_from, scored_to = (*(study.get("scored_span") or []), None, None)[:2]
    cost, used = charged(study), study.get("feature_set") or {}
    told = facts(
        [
            ("symbol", str(study.get("symbol") or UNKNOWN)),
            ("timeframe", str(study.get("timeframe") or UNKNOWN)),
            ("bars", count(study.get("bars"))),
            ("from", _day(start)),
            ("to", _day(end)),
            ("scored bars", count(study.get("scored"))),
            ("scored from", _day(scored_from)),
            ("scored to", _day(scored_to)),
            ("horizon", _bars(study.get("horizon"))),
            ("feature set", str(used.get("name") or UNKNOWN)),
            ("columns", count(used.get("columns"))),
            ("strategy", words(study.get("strategy") or UNKNOWN)),
            ("costs a side", UNKNOWN if cost is None else decimal(cost, 1, unit="bp")),
            ("trials on this data", count(study.get("trials"))),
            ("journal hash begins", node("code", str(study.get("journal_hash") or UNKNOWN)[:12])),
        ]
    )
    return join(told, _definition(used))


def _definition(used: dict[str, Any]) -> Html | None:
    """Return the text of a person's own feature set, folded away."""
    if not used.get("definition"):
        return None
    summary = node("summary", f"The definition of the feature set {used.get('name')}")
    return node("details", summary, node("pre", str(used["definition"])), class_="definition")


def board(study: dict[str, Any]) -> Html:
    """Return the leaderboard with the naive forecasters among the members."""
    note = (
        "All rows are scored on the same bars, none of which was known when the forecast was made. "
        "Always up, last sign and opposite of the last sign stand here for their accuracy alone."
    )
    return join(node("p", note), leaderboard(ranked(study)))


def skill(study: dict[str, Any]) -> Html:
    """Return the chart of log-loss gains over the best reference."""
    return gains([row for row in ranked(study) if row["kind"] != "baseline"])


def money(study: dict[str, Any]) -> Html:
    """Return the desk's costed result, its equity against buy-and-hold, and its drawdown."""
    backtest = study.get("backtest")
    if not backtest:
        return absent("the desk was not replayed")
    charts = study.get("charts") or {}
    drawn = equity(
        charts.get("equity") or {},
        charts.get("folds") or [],
        backtest.get("net_return"),
        backtest.get("buy_and_hold"),
    )
    return join(_results(backtest), drawn)


def _results(backtest: dict[str, Any]) -> Html:
    return facts(
        [
            ("compound net return", percent(backtest.get("net_return"), sign=True)),
            ("compound gross return", percent(backtest.get("gross_return"), sign=True)),
            ("buy and hold", percent(backtest.get("buy_and_hold"), sign=True)),
            (
                "net Sharpe ratio",
                _with(decimal(backtest.get("sharpe")), interval(backtest.get("sharpe_interval"))),
            ),
            ("deflated Sharpe", decimal(backtest.get("deflated_sharpe"), 3)),
            ("mean net bp a bar", decimal(backtest.get("net_bp"), 2, sign=True)),
            ("mean gross bp a bar", decimal(backtest.get("gross_bp"), 2, sign=True)),
            ("deepest drawdown", percent(_fall(backtest.get("max_drawdown")))),
            ("position changes", count(backtest.get("trades"))),
            ("turnover", decimal(backtest.get("turnover"), 1, unit="\N{MULTIPLICATION SIGN}")),
            ("time in the market", percent(backtest.get("exposure"), 0)),
            ("costs paid", _paid(backtest.get("costs"))),
        ]
    )


def calibration(study: dict[str, Any]) -> Html:
    """Return the reliability diagram of the consensus, and its figures."""
    bins = (study.get("charts") or {}).get("reliability") or []
    if not bins:
        return reliability(bins)
    pair = node("div", reliability(bins), calibration_bins(bins), class_="pair")
    told = study.get("calibration") or {}
    if known(told.get("ece")) is None:
        return pair
    said = (
        f"Mean distance from the diagonal: {percent(told.get('ece'), 2)}. Luck alone would show up "
        f"to {percent(told.get('null_95'), 2)} in 95 of 100 cases if the probabilities were right."
    )
    failed = uncalibrated(known(told.get("p")))
    caveat = None
    if failed:
        caveat = node("p", node("b", f"{failed[0].upper()}{failed[1:]}."), class_="caveat")
    return join(caveat, node("p", said), pair)


def regimes(study: dict[str, Any]) -> Html:
    """Return how often the consensus was right, and what it said, in each state of the market."""
    rows = study.get("regimes") or []
    if not rows:
        return absent("nothing was scored")
    note = (
        "The state is the one known when the forecast was made: volatile, else trending, else mean "
        "reverting, else quiet, each by its rank among the last 500 bars. The best of several "
        "states is no finding by itself: with more rows to choose from, one looks good by luck."
    )
    return join(node("p", note), states(rows))


def costs(study: dict[str, Any]) -> Html:
    """Return what is left of the result at several costs."""
    return by_cost((study.get("charts") or {}).get("costs") or [], charged(study))


def power(study: dict[str, Any]) -> Html:
    """Return how large an edge this much history can show, measured and by theory."""
    told = study.get("power") or {}
    found, tried = known(told.get("planted_found")), known(told.get("planted_tried"))
    limits_of = [
        ("scored bars", count(told.get("n"))),
        ("no test can see less than", percent(told.get("bound_accuracy"), 2)),
    ]
    if not tried:
        return join(absent("no edge was planted on copies of these bars"), facts(limits_of))
    planted = percent(told.get("planted_accuracy"), 0)
    dots = [
        node("i", class_="hit" if place < (found or 0) else "miss") for place in range(int(tried))
    ]
    return join(
        node(
            "p",
            "Before a study may say that there is nothing, it has to show that it would have seen "
            f"something: an edge that calls {planted} of the bars right was planted on copies of "
            "these bars with randomised signs, and the same pipeline looked for it.",
        ),
        node("p", *dots, f" found in {_of(found, tried)} copies", class_="planted"),
        facts([("planted accuracy", planted), *limits_of]),
    )


def controls(study: dict[str, Any]) -> Html:
    """Return what the pipeline found in copies of the bars where nothing can be found."""
    told = study.get("controls") or {}
    rows = told.get("copies") or []
    if not rows:
        return absent("no sign-randomised copy of the bars was studied")
    passed = told.get("passed")
    outcome = "passed" if passed else "not known" if passed is None else "failed"
    return join(
        node(
            "p",
            "Every bar of these copies has the size of the original and a random sign, so that "
            "any skill found in them is an error of the pipeline. Controls ",
            node("b", outcome),
            ".",
        ),
        control_strip(rows),
        copies(rows),
    )


def quality(study: dict[str, Any]) -> Html:
    """Return the notes on the data and the columns that left the set."""
    notes = [node("li", str(note)) for note in study.get("notes") or []]
    dropped = [node("code", str(name)) for name in study.get("dropped") or []]
    parts = [
        node("ul", *notes) if notes else node("p", "No gap, duplicate or odd bar was noted."),
        node("p", node("b", "Columns that left the set: "), *dropped, class_="codes")
        if dropped
        else node("p", "Every column was known over every training span."),
    ]
    return join(*parts)


def provenance(study: dict[str, Any]) -> Html:
    """Return the hashes and versions that name what was run."""
    told = {"journal_hash": study.get("journal_hash") or UNKNOWN, **(study.get("provenance") or {})}
    seconds = known(study.get("seconds"))
    source = "read from the cache" if study.get("cached") else "computed"
    took = "" if seconds is None else f" in {decimal(seconds, 1, unit='s')}"
    return join(hashes(told), node("p", f"This study was {source}{took}."))


def limits(_: dict[str, Any]) -> Html:
    """Return what the study does not show."""
    return node("ul", *(node("li", limit) for limit in LIMITS))


def charged(study: dict[str, Any]) -> float | None:
    """Return the study's cost in basis points a side, or None if it does not say."""
    backtest = study.get("backtest") or {}
    for told in (study.get("costs"), backtest.get("costs"), backtest.get("charged")):
        if isinstance(told, dict) and known(told.get("fee")) is not None:
            return BASIS * (float(told["fee"]) + (known(told.get("slippage")) or 0.0))
    return None


def _fall(share: Any) -> float | None:
    size = known(share)
    return None if size is None else -abs(size)


def _paid(told: Any) -> str:
    return percent(told.get("paid") if isinstance(told, dict) else told)


def _with(figure: str, spread: str) -> Html:
    return join(figure, None if spread == UNKNOWN else join(" ", node("small", spread)))


def _of(part: Any, whole: Any) -> str:
    if known(part) is None or known(whole) is None:
        return UNKNOWN
    return f"{count(part)} of {count(whole)}"


def _bars(horizon: Any) -> str:
    number = known(horizon)
    return UNKNOWN if number is None else f"{count(number)} {'bar' if number == 1 else 'bars'}"


def _day(stamp: Any) -> str:
    return str(stamp)[:10] if stamp else UNKNOWN
