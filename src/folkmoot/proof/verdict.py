"""The verdict: EDGE FOUND, NO EDGE or NOT PROVEN, by written rules.

`docs/verdict.md` states the same rules for people, and which were settled while building.
`judge` is pure: same facts, same verdict.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from folkmoot.core.errors import UsageError
from folkmoot.proof.statistics import holm

EDGE_FOUND, NO_EDGE, NOT_PROVEN = "EDGE FOUND", "NO EDGE", "NOT PROVEN"

SKILL_P = 0.005
MEMBER_P = 0.05
MIN_CHANGES = 30
DEFLATED = 0.95
CONTROL_Z = 3.29
FOUND_SHARE = 0.8
MIN_ROWS = 1_000
SUSPECT_ACCURACY = 0.58
SUSPECT_SHARPE = 10.6
HOURS_A_YEAR = 8_766.0


@dataclass(frozen=True, slots=True)
class Control:
    """One sign-randomised copy of the user's bars: K1's p-value there, and the accuracy's z."""

    skill_p: float
    accuracy_z: float


@dataclass(frozen=True, slots=True)
class Planted:
    """A planted 55 % edge: on how many copies of the user's bars K1 found it, of how many."""

    found: int
    tried: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the verdict rests on; NaN is unknown and never passes a rule.

    `scored` rows; `skill_p` is the consensus' largest one-sided p over the references, and
    `member_p` that of each member; `sharpe_lower` and `sharpe_upper` the one-sided 95 % bounds of
    the net annual Sharpe ratio; `changes` of position; `deflated` the deflated Sharpe. `accuracy`
    of the consensus and the annual `gross_sharpe`, with `bars_a_year`, are checked for being too
    good; `audited` says that all leak tests were passed. `controls` and `planted` are None while
    they have not been run; `Planted(0, 0)` says that none could be.
    """

    scored: int
    skill_p: float
    member_p: Mapping[str, float]
    sharpe_lower: float
    sharpe_upper: float
    changes: int
    deflated: float
    accuracy: float = math.nan
    gross_sharpe: float = math.nan
    bars_a_year: float = HOURS_A_YEAR
    audited: bool = False
    voice: str = "the consensus"
    controls: tuple[Control, ...] | None = None
    planted: Planted | None = None

    @property
    def skill(self) -> bool:
        """K1: the consensus beats every reference."""
        return self.skill_p <= SKILL_P

    @property
    def skilled_members(self) -> list[str]:
        """K1m: the members that beat every reference, after Holm's correction."""
        known = {name: p if p == p else 1.0 for name, p in self.member_p.items()}
        return sorted(name for name, p in holm(known).items() if p <= MEMBER_P)

    @property
    def profit(self) -> bool:
        """K2: money is made after costs, and by more than a few lucky changes."""
        return self.sharpe_lower > 0.0 and self.changes >= MIN_CHANGES

    @property
    def beyond_luck(self) -> bool:
        """K3: the deflated Sharpe allows for everything that was tried."""
        return self.deflated >= DEFLATED

    @property
    def loses(self) -> bool:
        """Whether even the upper bound of the net Sharpe is below zero."""
        return self.sharpe_upper < 0.0

    @property
    def short(self) -> bool:
        """Whether there are too few rows, or too few to try a planted edge."""
        return self.scored < MIN_ROWS or (self.planted is not None and self.planted.tried == 0)

    @property
    def implausible(self) -> bool:
        """T9: too good to be true, and no audit has cleared it."""
        pace = math.sqrt(max(1.0, self.bars_a_year / HOURS_A_YEAR))
        too_good = self.accuracy > SUSPECT_ACCURACY or self.gross_sharpe > SUSPECT_SHARPE * pace
        return too_good and not self.audited

    @property
    def failed_controls(self) -> int:
        """K4: on how many sign-randomised copies something was found that cannot be there."""
        fine = [c.skill_p > SKILL_P and abs(c.accuracy_z) <= CONTROL_Z for c in self.controls or ()]
        return len(fine) - sum(fine)

    @property
    def powered(self) -> bool:
        """Whether a planted 55 % edge was found in at least 4 of 5 copies."""
        planted = self.planted
        return bool(planted and planted.tried and planted.found >= FOUND_SHARE * planted.tried)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, the code of what decided it, and every reason as a sentence, that one first."""

    word: str
    reason: str
    reasons: list[str] = field(default_factory=list)


def needs(facts: Facts) -> set[str]:
    """Return which of `controls` and `power` must still be run before `judge` can say its word."""
    if facts.short or facts.implausible or facts.loses:
        return set()
    if facts.skill and facts.profit and facts.beyond_luck:
        return {"controls"} if not facts.controls else set()
    if not facts.skill and not facts.skilled_members and facts.planted is None:
        return {"power"}
    return set()


def judge(facts: Facts) -> Verdict:
    """Return the verdict of proof.md section 5.

    Raises `UsageError` while `needs(facts)` names something that has not been run.
    """
    missing = needs(facts)
    if missing:
        raise UsageError(
            f"the verdict rests on {sorted(missing)}, not run yet",
            where="judge",
            allowed="facts with at least one control, or with the planted copies",
        )
    codes = _codes(facts)
    words = {"edge": EDGE_FOUND, "no_skill": NO_EDGE, "loses_money": NO_EDGE}
    return Verdict(words.get(codes[0], NOT_PROVEN), codes[0], [_sentence(c, facts) for c in codes])


def _codes(facts: Facts) -> list[str]:
    """Return the codes that hold, the deciding one first."""
    controls = [("control_failed", facts.failed_controls > 0)]
    outcome = list(_outcome(facts).items())
    rules = [
        ("too_short", facts.short),
        ("suspect", facts.implausible),
        ("loses_money", facts.loses),
        # Skill that is also found where none can be decides; without skill it is a footnote.
        *(controls + outcome if facts.skill else outcome + controls),
    ]
    codes = list(dict.fromkeys(code for code, holds in rules if holds))
    spoilt = {"edge"} if codes[0] == "loses_money" else {"edge", "no_skill"}
    return [codes[0], *(code for code in codes[1:] if code not in spoilt)]


def _outcome(facts: Facts) -> dict[str, bool]:
    members = bool(facts.skilled_members)
    if facts.skill:
        paid = facts.profit and facts.beyond_luck
        return {"edge": paid, "skill_without_profit": not paid}
    nothing = not members and facts.powered
    return {
        "no_skill": nothing,
        "member_only": members,
        "profit_without_skill": facts.profit and not nothing,
        "too_short": not members and facts.planted is not None and not facts.powered,
    }


def _sentence(code: str, facts: Facts) -> str:
    sentences = {
        "too_short": _too_short,
        "suspect": _suspect,
        "loses_money": _loses_money,
        "control_failed": _control_failed,
        "edge": _edge,
        "skill_without_profit": _skill_without_profit,
        "no_skill": _no_skill,
        "member_only": _member_only,
        "profit_without_skill": _profit_without_skill,
    }
    return f"{code}: {sentences[code](facts)}"


def _too_short(facts: Facts) -> str:
    if facts.scored < MIN_ROWS:
        return f"{facts.scored} scored bars; nothing can be shown with fewer than {MIN_ROWS}"
    if facts.planted is None or facts.planted.tried == 0:
        return f"{facts.scored} scored bars are too few to try a planted edge on"
    return (
        f"no skill was found in {facts.scored} scored bars, and it might have been missed: "
        + _power(facts)
    )


def _suspect(facts: Facts) -> str:
    return (
        f"accuracy {facts.accuracy:.3f} or gross Sharpe {facts.gross_sharpe:.1f} is too good to be "
        "true; run the leak audit before believing anything here"
    )


def _loses_money(facts: Facts) -> str:
    return f"after costs it loses: the upper bound of the net Sharpe is {facts.sharpe_upper:.2f}"


def _control_failed(facts: Facts) -> str:
    return (
        f"{facts.failed_controls} of {len(facts.controls or ())} copies of your bars with random "
        "signs show skill, where none can be: the study cannot be trusted"
    )


def _edge(facts: Facts) -> str:
    return (
        f"{facts.voice} beats every reference (p {facts.skill_p:.2g}), pays its costs (net Sharpe "
        f"above {facts.sharpe_lower:.2f}) and remains after all that was tried "
        f"(deflated Sharpe {facts.deflated:.3f})"
    )


def _skill_without_profit(facts: Facts) -> str:
    start = f"{facts.voice} beats every reference (p {facts.skill_p:.2g}), but "
    if not facts.sharpe_lower > 0.0:
        return start + f"not the costs: the net Sharpe may be as low as {facts.sharpe_lower:.2f}"
    if facts.changes < MIN_CHANGES:
        return start + f"{facts.changes} changes of position are too few (at least {MIN_CHANGES})"
    return start + f"the deflated Sharpe is {facts.deflated:.3f}, below {DEFLATED}"


def _no_skill(facts: Facts) -> str:
    return "these members, on these features, show none; " + _power(facts)


def _member_only(facts: Facts) -> str:
    names = ", ".join(facts.skilled_members)
    return f"{names} beats every reference, {facts.voice} does not (p {facts.skill_p:.2g})"


def _profit_without_skill(facts: Facts) -> str:
    return (
        f"the desk made money (net Sharpe above {facts.sharpe_lower:.2f}), but its forecasts do "
        f"not beat every reference (p {facts.skill_p:.2g}): luck or drift"
    )


def _power(facts: Facts) -> str:
    if facts.planted is None:
        return "no edge was planted"
    found, tried = facts.planted.found, facts.planted.tried
    return f"a planted 55 % edge was found in {found} of {tried} copies of your bars"
