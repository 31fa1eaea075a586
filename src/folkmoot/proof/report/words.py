"""What each verdict and each reason code means, and what it would take to change it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Meaning:
    """A reason code in plain language."""

    because: str
    takes: str


REASONS = {
    "edge": Meaning(
        "The consensus beat every reference on bars that it had not seen, the desk kept money "
        "after all costs, the result survives the number of things that were tried, and copies "
        "of the same bars with randomised signs show nothing.",
        "To stay true it has to continue: run the same desk on paper, where its journal can be "
        "compared with this study bar by bar, and risk only what a wrong verdict may cost.",
    ),
    "no_skill": Meaning(
        "No forecaster here is better than the naive references, on a history in which an edge "
        "that was planted is found nearly always. These members, on these features, show none.",
        "Information that these columns do not hold, or other members. Running the same "
        "committee again until a run looks good is counted as a trial and raises the bar.",
    ),
    "loses_money": Meaning(
        "Acting on these forecasts loses money after costs, with little doubt: even the upper "
        "bound of the net Sharpe ratio lies below zero.",
        "Far lower costs or far fewer position changes. The section on costs shows where the "
        "result would cross zero, if it does.",
    ),
    "too_short": Meaning(
        "There is too little history to tell anything apart from chance: on it, even an edge that "
        "was planted would not be found often enough.",
        "More scored bars: a longer history, or a finer timeframe on which the idea still makes "
        "sense. The bound under Power says what the present length can tell apart from chance.",
    ),
    "skill_without_profit": Meaning(
        "The forecasts are better than every reference, and still acting on them does not earn "
        "its costs with enough certainty.",
        "Lower costs, or a belief that lasts longer than a bar or is right about the larger "
        "moves. Compare the size-weighted accuracy and the gross basis points a bar with the "
        "plain accuracy: direction called on small moves pays nobody.",
    ),
    "member_only": Meaning(
        "A member on its own shows skill; the committee as a whole does not.",
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

DEFAULTS = {"EDGE FOUND": "edge", "NO EDGE": "no_skill"}
UNDECIDED = "Neither an edge nor its absence has been shown."

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
    """Return the study's reasons as (code, its sentence or None), the deciding one first."""
    codes: list[tuple[str, str | None]] = []
    for reason in study.get("reasons") or []:
        code, colon, sentence = str(reason).partition(": ")
        if colon and code.replace("_", "").isalpha():
            codes.append((code, sentence))
        else:
            codes.append((str(reason), None))
    return codes


def explain(study: dict[str, Any]) -> list[Meaning]:
    """Return the verdict in plain language, then what each further reason means."""
    word = str(study.get("verdict"))
    meanings = [
        meaning
        for code, _ in reason_codes(study) or [(DEFAULTS.get(word, ""), None)]
        if (meaning := REASONS.get(code)) is not None
    ]
    if word == "NOT PROVEN":
        first, *further = meanings or [Meaning("", "More bars, or a stronger edge.")]
        return [Meaning(f"{UNDECIDED} {first.because}".strip(), first.takes), *further]
    return meanings or [Meaning("No verdict was reached.", "A complete study.")]
