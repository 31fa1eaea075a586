"""The rules of the verdict beside what this study found for each."""

from typing import Any

from folkmoot.proof.report.markup import Html, node
from folkmoot.proof.report.numbers import UNKNOWN, count, decimal, ends, known
from folkmoot.proof.report.tables import plain
from folkmoot.proof.verdict import DEFLATED, FOUND_SHARE, MIN_CHANGES, SKILL_P

OUTCOMES = {True: "passes", False: "fails", None: "not run"}
Row = tuple[str, str, str, bool | None]


def ruling(study: dict[str, Any]) -> Html:
    """Return the table of rules K1 to K4 and of the power, each with what was found."""
    rows = [_skill(study), _money(study), _luck(study), _controls(study), _power(study)]
    body = [(rule, _outcome(outcome), found, asked) for rule, asked, found, outcome in rows]
    return plain(("rule", "outcome", "found", "passes when"), body, "rules of the verdict", "prose")


def _skill(study: dict[str, Any]) -> Row:
    tests = (study.get("consensus") or {}).get("tests") or {}
    p = known(tests.get("k1_p"))
    return (
        "K1 skill beyond every reference",
        f"p at most {SKILL_P}",
        UNKNOWN if p is None else f"p {p:.2g}",
        None if p is None else p <= SKILL_P,
    )


def _money(study: dict[str, Any]) -> Row:
    backtest = study.get("backtest") or {}
    low, _ = ends(backtest.get("sharpe_bounds"))
    changes = known(backtest.get("trades"))
    passed = None if low is None or changes is None else low > 0.0 and changes >= MIN_CHANGES
    return (
        "K2 money after costs",
        f"lower bound of net Sharpe above 0, {MIN_CHANGES} position changes",
        f"{decimal(low)}, {count(changes)} changes",
        passed,
    )


def _luck(study: dict[str, Any]) -> Row:
    deflated = known((study.get("backtest") or {}).get("deflated_sharpe"))
    return (
        "K3 more than the luck of many trials",
        f"deflated Sharpe at least {DEFLATED}",
        f"{decimal(deflated, 3)} after {count(study.get('trials'))} trials",
        None if deflated is None else deflated >= DEFLATED,
    )


def _controls(study: dict[str, Any]) -> Row:
    told = study.get("controls") or {}
    copies = told.get("copies") or []
    return (
        "K4 nothing found where nothing is",
        "every sign-randomised copy silent",
        f"{len(copies)} copies" if copies else UNKNOWN,
        told.get("passed") if copies else None,
    )


def _power(study: dict[str, Any]) -> Row:
    told = study.get("power") or {}
    found, tried = known(told.get("planted_found")), known(told.get("planted_tried"))
    ran = found is not None and bool(tried)
    return (
        "Power to see a planted edge",
        "found in 4 of 5 copies",
        f"{count(found)} of {count(tried)}" if ran else UNKNOWN,
        (found or 0.0) >= FOUND_SHARE * (tried or 0.0) if ran else None,
    )


def _outcome(outcome: bool | None) -> Html:
    said = OUTCOMES[outcome if outcome is None else bool(outcome)]
    return node("span", said, class_=f"outcome {said.split()[0]}")
