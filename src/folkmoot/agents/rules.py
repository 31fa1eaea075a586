"""The rule judge: document 000's fallback, exactly, and without an invented confidence.

The rule is `features.rule`, read from evidence. A missing input, volume included, means HOLD.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from folkmoot.agents.wording import rendered
from folkmoot.core.decision import Case, Evidence, Signal
from folkmoot.core.forecast import Belief
from folkmoot.features.rule import Readings, points, score, side

NAME = "rules"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say: `score` is NaN where an input is missing; `cited` evidence ids."""

    signal: Signal
    score: float
    words: str
    cited: tuple[str, ...]


def rule(evidence: Mapping[str, Evidence]) -> Ruling:
    """Apply the rule to the evidence, by id; no probability comes out of it."""
    facts = [evidence.get(name) for name in Readings._fields]
    readings = Readings(*(float("nan") if fact is None else fact.value for fact in facts))
    total = score(readings)
    if readings.missing:
        reason = f"insufficient history: {', '.join(readings.missing)} unknown"
        return Ruling(Signal.HOLD, total, reason, ())
    words = _words(points(readings), evidence, readings.confirmed)
    return Ruling(side(total), total, words, Readings._fields)


class RuleJudge:
    """An analyst without a server: a direction in words, and no probability."""

    name = NAME

    async def opine(self, case: Case) -> Belief:
        """Abstain from a probability; `why` holds the ruling in words."""
        return rule_belief(case)


def rule_belief(case: Case) -> Belief:
    """Return the rule judge's belief: unknown p_up, the ruling in words, what it cites."""
    ruling = rule({fact.id: fact for fact in case.evidence})
    why = f"{ruling.signal.name}: {ruling.words}"
    return Belief(
        NAME, case.symbol, case.now, case.horizon, float("nan"), evidence=ruling.cited, why=why
    )


def _words(parts: Mapping[str, float], evidence: Mapping[str, Evidence], confirmed: bool) -> str:
    said = {1: "up", -1: "down", 0: "neutral"}
    sides = [f"{rendered(evidence[name])} ({said[(x > 0) - (x < 0)]})" for name, x in parts.items()]
    volume = "confirmed" if confirmed else "not confirmed"
    return f"{'; '.join(sides)}; {volume} by {rendered(evidence['volume_ratio'])}"
