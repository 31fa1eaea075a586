"""A study in words and numbers: everything its JSON holds but the verdict."""

import math
from typing import Any

import numpy as np

from folkmoot.core.bars import Bars
from folkmoot.core.errors import UsageError
from folkmoot.core.frames import Reading
from folkmoot.core.hashing import content_hash
from folkmoot.core.stamps import iso
from folkmoot.execution import Costs
from folkmoot.features.own import is_own
from folkmoot.market import check
from folkmoot.market.quality import place
from folkmoot.proof.controls import EDGE, NULL, PLANTED
from folkmoot.proof.examine import Examined
from folkmoot.proof.keys import code_version
from folkmoot.proof.money import Money, backtest_dict, cost_table, sharpe_of
from folkmoot.proof.plan import Plan
from folkmoot.proof.regimes import by_regime
from folkmoot.proof.reliability import Calibration, calibration, uncalibrated
from folkmoot.proof.scored import (
    CONSENSUS,
    Scored,
    baseline_rows,
    best_reference,
    consensus_row,
    member_row,
)
from folkmoot.proof.sharpe import shape, sharpe_ratio
from folkmoot.proof.skill import Skill
from folkmoot.proof.statistics import bound_accuracy
from folkmoot.proof.verdict import CONTROL_Z, SKILL_P

POINTS = 800
REFUSED = 5
"""Refused rows that a study names; the file of refused rows has all."""


def describe(
    bars: Bars,
    plan: Plan,
    key: str,
    seen: Examined,
    rows: Scored,
    tested: Skill,
    money: Money | None,
) -> dict[str, Any]:
    """Return the study's JSON without verdict, controls and power."""
    who = plan.committee
    sure = calibration(rows.p[CONSENSUS], rows.up, key)
    return {
        "symbol": bars.symbol,
        "timeframe": bars.timeframe.label,
        "bars": len(bars),
        "span": [iso(int(bars.open_time[0])), iso(int(bars.close_time[-1]))],
        "horizon": who.horizon,
        "scored": len(rows),
        "scored_span": _span(bars, rows),
        "consensus": consensus_row(rows, seen.minutes) | {"tests": tested.as_dict()},
        "members": [member_row(rows, seen.minutes, name) for name in who.models],
        "baselines": baseline_rows(rows, bars),
        "best_reference": best_reference(rows) if len(rows) else None,
        "backtest": None if money is None else backtest_dict(money, sharpe_of(money, key)),
        **_trust(bars, rows, sure),
        "charts": _charts(bars, seen, rows, money, plan.costs, key, sure),
        "dropped": sorted({*seen.left_out, *seen.ballots.dropped}),
        "notes": _notes(bars, seen, plan.costs, sure),
        "tasks": {"run": seen.ballots.tasks_run, "cached": seen.ballots.tasks_cached},
        "journal_hash": money.head if money else None,
        "costs": {"fee": plan.costs.fee, "slippage": plan.costs.slippage},
        "strategy": plan.strategy,
        "feature_set": {
            "name": seen.columns.name,
            "columns": len(seen.columns.names),
            "definition": plan.features if is_own(plan.features) else None,
        },
        "provenance": provenance(bars, plan, key) | {"features": seen.columns.hash()},
    }


def _trust(bars: Bars, rows: Scored, sure: Calibration) -> dict[str, Any]:
    """Return how far the probabilities can be believed, overall and in each state."""
    overall = {"ece": sure.error, "null_95": sure.null_95, "p": sure.p_value}
    return {"calibration": overall, "regimes": by_regime(bars, rows)}


def provenance(bars: Bars, plan: Plan, key: str) -> dict[str, str]:
    """Return the hashes of what a study was made from, and its own name."""
    return {
        "study": key,
        "data": bars.hash(),
        "config": content_hash(plan.config),
        "code": code_version(),
    }


def facts_of(
    rows: Scored, tested: Skill, money: Money | None, study: dict[str, Any]
) -> dict[str, Any]:
    """Return what the verdict rests on, Sharpe ratios not yet deflated."""
    low, high = (study["backtest"] or {}).get("sharpe_bounds", (math.nan, math.nan))
    net = money.net if money else np.zeros(0)
    skew, kurtosis = shape(net)
    return {
        "scored": len(rows),
        "skill_p": tested.p,
        "member_p": tested.members,
        "voice": rows.voice,
        "sharpe_lower": low,
        "sharpe_upper": high,
        "changes": money.changes if money else 0,
        "accuracy": tested.accuracy,
        "gross_sharpe": sharpe_ratio(money.gross, money.year) if money else math.nan,
        "bars_a_year": money.year if money else math.nan,
        "per_bar": {"sharpe": sharpe_ratio(net), "n": len(net), "skew": skew, "kurt": kurtosis},
        "controls": None,
        "planted": None,
    }


def _span(bars: Bars, rows: Scored) -> list[str] | None:
    if not len(rows):
        return None
    return [iso(int(bars.close_time[rows.rows[place]])) for place in (0, -1)]


def _charts(
    bars: Bars,
    seen: Examined,
    rows: Scored,
    money: Money | None,
    costs: Costs,
    digest: str,
    sure: Calibration,
) -> dict[str, Any]:
    reliability = [
        {"p": b.p, "hit": b.share, "low": b.interval[0], "high": b.interval[1], "n": b.n}
        for b in sure.bins
    ]
    if money is None:
        return {"reliability": reliability}
    block = seen.ballots.block
    folds = []
    for index in sorted({int(block[row]) for row in rows.rows}):
        inside = np.flatnonzero(block == index)
        start, stop = int(bars.open_time[inside[0]]), int(bars.close_time[inside[-1]])
        folds.append({"block": index, "start": start, "stop": stop})
    pick = np.unique(np.linspace(0, len(money.equity) - 1, POINTS).astype(int))
    equity = {
        "time": (money.open_time[pick] + bars.timeframe.ms).tolist(),
        "desk": (money.equity[pick] / money.equity[0]).tolist(),
        "hold": (money.hold[pick] / money.hold[0]).tolist(),
    }
    table = cost_table(money, digest, costs.rate)
    return {"equity": equity, "folds": folds, "reliability": reliability, "costs": table}


def _notes(bars: Bars, seen: Examined, costs: Costs, sure: Calibration) -> list[str]:
    notes = check(bars).findings()
    if said := uncalibrated(sure.p_value):
        notes.insert(0, said)
    if seen.left_out:
        why = "unknown on every bar"
        notes.append(
            f"{len(seen.left_out)} columns left the set, {why}: {', '.join(seen.left_out)}"
        )
    y, block = seen.ballots.y, seen.ballots.block
    asked = block >= 0
    gaps = int(np.sum(np.isnan(y[asked])))
    notes.append(f"{gaps} of {int(asked.sum())} labels span a gap or are not known yet")
    zero = int(np.sum(y[asked] == 0.0))
    notes.append(f"{zero} returns of exactly zero count in the money, not in the accuracy")
    if costs.unknown:
        names = " and ".join(costs.unknown)
        notes.append(f"{names} are unknown and charged to nobody")
    if np.isnan(bars.volume).all():
        notes.append("the series has no volume")
    return notes


def with_reading(facts: dict[str, Any], bars: Bars, reading: Reading | None) -> dict[str, Any]:
    """Return a study's JSON with what its present reading refused, dropped and assumed.

    It is no part of what is stored: the same bars may have been read from another file. Without a
    reading nothing is said. Raises `UsageError` for the reading of other bars.
    """
    if reading is None:
        return facts | {"reading": None}
    if reading.bars is not bars and reading.bars.hash() != bars.hash():
        raise UsageError("the reading is of other bars", where="reading", allowed="that of `bars`")
    rows = [
        f"{place(row, reading.first_line)}: {reason}" for row, reason in reading.refused[:REFUSED]
    ]
    told = {
        "refused": len(reading.refused),
        "refused_rows": rows,
        "duplicates": reading.duplicates,
        "notes": list(reading.notes),
    }
    said = list(reading.notes)
    if rows:
        more = len(reading.refused) - len(rows)
        rest = f"; and {more} more" if more else ""
        said.append(
            f"{len(reading.refused)} bad rows left out (counted from 0): {'; '.join(rows)}{rest}"
        )
    if reading.duplicates:
        said.append(f"duplicates dropped: {reading.duplicates}")
    return facts | {"reading": told, "notes": [*said, *facts["notes"]]}


def nulls(found: list[dict[str, Any]]) -> tuple[dict[str, Any] | None, list[Any] | None]:
    """Return the sign-randomised copies as a study shows them, and as the verdict reads them."""
    copies = [facts for facts in found if facts["kind"] == NULL]
    if not copies:
        return None, None
    shown = [{name: f[name] for name in ("seed", "n", "accuracy", "z", "k1_p")} for f in copies]
    passed = all(f["k1_p"] > SKILL_P and abs(f["z"]) <= CONTROL_Z for f in copies)
    return {"copies": shown, "passed": passed}, [[f["k1_p"], f["z"]] for f in copies]


def power_of(found: list[dict[str, Any]], n: int) -> tuple[dict[str, Any], tuple[int, int] | None]:
    """Return the power part of a study that scored `n` rows, and (found, tried) for the verdict."""
    copies = [facts for facts in found if facts["kind"] == PLANTED]
    seen = sum(facts["k1_p"] <= SKILL_P for facts in copies)
    power = {
        "n": n,
        "bound_accuracy": bound_accuracy(n),
        "planted_accuracy": EDGE,
        "planted_found": seen if copies else None,
        "planted_tried": len(copies) if copies else None,
    }
    return power, (seen, len(copies)) if copies else None
