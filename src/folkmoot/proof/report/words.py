"""What each verdict and each reason code means, and what it would take to change it."""

from dataclasses import dataclass
from typing import Any

from folkmoot.proof.report.numbers import count, known, percent, words


@dataclass(frozen=True, slots=True)
class Meaning:
    """A reason code in plain language."""

    because: str
    takes: str


REASONS = {
    "too_short": Meaning(
        "There is too little history to tell. An edge that was planted on copies of these very "
        "bars was not found often enough, so finding none of yours means nothing.",
        "More scored bars: a longer history, or a finer timeframe on which the idea still makes "
        "sense. The bound below says what the present length can tell apart from chance.",
    ),
    "skill_without_profit": Meaning(
        "The forecasts are better than every reference, and still acting on them does not earn "
        "its costs with enough certainty.",
        "Lower costs, or a belief that lasts longer than a bar or is right about the larger "
        "moves. Compare the size-weighted accuracy and the gross basis points a bar with the "
        "plain accuracy: direction called on small moves pays nobody.",
    ),
    "member_only": Meaning(
        "One member alone shows skill; the committee as a whole does not.",
        "More scored bars, or a committee of fewer members that is named before fresh bars are "
        "looked at. Choosing the member that looked best here and testing it here proves nothing.",
    ),
    "profit_without_skill": Meaning(
        "The desk earned money, but the forecasts behind it are not better than the references. "
        "A few lucky position changes, or a market that happened to rise, do the same.",
        "Skill on fresh bars. Until the forecasts beat the references, the profit has no known "
        "cause and no reason to continue.",
    ),
    "control_failed": Meaning(
        "The same pipeline also found something in copies of these bars whose signs were "
        "randomised, where nothing can be found. Something leaks, or a statistic is broken.",
        "Find the leak before any other figure on this page is believed: a column that knows the "
        "future, or labels that overlap the training rows.",
    ),
    "suspect": Meaning(
        "The result is too good for a market of this kind, which is far more often a leak than a "
        "discovery.",
        "A passed leak audit of the features, the labels and every fitted part. Until then the "
        "result stands as suspect.",
    ),
}

VERDICTS = {
    "EDGE FOUND": Meaning(
        "The consensus beat every reference on bars that it had not seen, the desk kept money "
        "after all costs, the result survives the number of things that were tried, and copies "
        "of the same bars with randomised signs show nothing.",
        "To stay true it has to continue: run the same desk on paper, where its journal can be "
        "compared with this study bar by bar, and risk only what a wrong verdict may cost.",
    ),
    "NO EDGE": Meaning(
        "These members, on these features, show none{power}.",
        "Other information than these columns hold, or other members. Running the same "
        "committee again until a run looks good is counted as a trial and raises the bar.",
    ),
    "NOT PROVEN": Meaning(
        "Neither an edge nor its absence has been shown.",
        "More bars, or a stronger edge.",
    ),
}

LIMITS = (
    "The future. An edge that was there need not stay.",
    "Other committees. Other members, columns or horizons may see what these cannot.",
    "Your own footprint. Orders are filled at the next bar's open at a fixed cost; large ones move "
    "a thin market, and a venue can be down when it matters.",
    "What was left out of the data before it was handed over: markets that died, prices that the "
    "vendor corrected later.",
    "Luck across many studies. Every interval is for this study alone; the ledger counts what was "
    "tried on this data, not what was tried elsewhere.",
)


def reason_codes(study: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Return the study's reasons as (code, its own words or None)."""
    codes: list[tuple[str, str | None]] = []
    for reason in study.get("reasons") or []:
        if isinstance(reason, dict):
            said = reason.get("text") or reason.get("message")
            codes.append((str(reason.get("code")), None if said is None else str(said)))
        else:
            codes.append((str(reason), None))
    return codes


def explain(study: dict[str, Any]) -> list[Meaning]:
    """Return the verdict in plain language, then each known reason."""
    verdict = VERDICTS.get(str(study.get("verdict")))
    meanings = [REASONS[code] for code, _ in reason_codes(study) if code in REASONS]
    if verdict is None:
        return meanings or [Meaning("No verdict was reached.", "A complete study.")]
    if str(study.get("verdict")) == "NOT PROVEN" and meanings:
        return [
            Meaning(f"{verdict.because} {meanings[0].because}", meanings[0].takes),
            *meanings[1:],
        ]
    return [Meaning(verdict.because.format(power=_power(study)), verdict.takes), *meanings]


def _power(study: dict[str, Any]) -> str:
    power = study.get("power") or {}
    found, tried = known(power.get("planted_found")), known(power.get("planted_tried"))
    if found is None or not tried:
        return ""
    planted = percent(power.get("planted_accuracy"), 0)
    return (
        f"; an edge of {planted} planted on copies of these bars was found in {count(found)} of "
        f"{count(tried)} of them"
    )


def status(name: Any) -> str:
    """Return a member's status in words."""
    return words(name) if name else "\N{EN DASH}"
