"""The rule judge: document 000's fallback, exactly, and without an invented confidence.

score = [RSI < 30] - [RSI > 70] + [MACD crosses up] - [MACD crosses down] + sign(trend) / 2,
times 1 if the volume is above its mean of 20 bars, else 1/2. BUY from 1, SELL from -1, else HOLD.
A missing input, volume included, means HOLD.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from folkmoot.agents.wording import rendered
from folkmoot.core.decision import Case, Evidence, Signal
from folkmoot.core.forecast import Belief

NAME = "rules"
OVERSOLD, OVERBOUGHT = 30.0, 70.0

_NEEDED = ("rsi", "macd_cross", "trend_gap", "volume_ratio")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say: `score` is NaN where an input is missing; `cited` evidence ids."""

    signal: Signal
    score: float
    words: str
    cited: tuple[str, ...]


def rule(evidence: Mapping[str, Evidence]) -> Ruling:
    """Apply the rule to the evidence, by id; no probability comes out of it."""
    missing = [name for name in _NEEDED if not _known(evidence.get(name))]
    if missing:
        reason = f"insufficient history: {', '.join(missing)} unknown"
        return Ruling(Signal.HOLD, float("nan"), reason, ())
    rsi = evidence["rsi"].value
    parts = {
        "rsi": float(rsi < OVERSOLD) - float(rsi > OVERBOUGHT),
        "macd_cross": float(evidence["macd_cross"].direction),
        "trend_gap": 0.5 * evidence["trend_gap"].direction,
    }
    confirmed = evidence["volume_ratio"].value > 1.0
    score = sum(parts.values()) * (1.0 if confirmed else 0.5)
    signal = Signal.BUY if score >= 1.0 else Signal.SELL if score <= -1.0 else Signal.HOLD
    return Ruling(signal, score, _words(parts, evidence, confirmed), _NEEDED)


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


def _known(fact: Evidence | None) -> bool:
    return fact is not None and fact.value == fact.value


def _words(parts: Mapping[str, float], evidence: Mapping[str, Evidence], confirmed: bool) -> str:
    said = {1: "up", -1: "down", 0: "neutral"}
    sides = [f"{rendered(evidence[name])} ({said[(x > 0) - (x < 0)]})" for name, x in parts.items()]
    volume = "confirmed" if confirmed else "not confirmed"
    return f"{'; '.join(sides)}; {volume} by {rendered(evidence['volume_ratio'])}"
