"""The decision for the last closed bar of one or many markets, worded by a judge.

1. Load the bars and decide, each market in a thread, a bounded number at once.
2. Ask the language model, if one was given, for an opinion within its deadline; it weighs
   nothing and changes no position.
3. Where it gave none, the rule judge words the reason, and the result says why.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from folkmoot.agents.evidence import RULE_NAMES, bar_evidence
from folkmoot.agents.rules import rule_belief
from folkmoot.app.load import is_live, load
from folkmoot.core.bars import Bars
from folkmoot.core.clock import Clock, SystemClock
from folkmoot.core.decision import Case, Decision
from folkmoot.core.errors import FolkmootError, UsageError
from folkmoot.core.forecast import Belief
from folkmoot.core.settings import settings
from folkmoot.core.stamps import iso

if TYPE_CHECKING:
    from folkmoot.agents.llm import LlmClient
    from folkmoot.committee import Committee
    from folkmoot.execution import Costs, Limits

NOT_ASKED = "no server was given: --llm URL --llm-model NAME"
# A late judge ends soon after its own deadline whatever happens inside it.
GRACE = 0.5

SECOND = "second voice, not the decision"
SPANS = (("year", 31_557_600), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))

Load = Callable[[str], Bars]
Decide = Callable[[str, Bars], Decision]
Caveats = Callable[[Bars], list[str]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bars of every market are; `symbol` only where one market is asked about."""

    symbol: str | None = None
    timeframe: str | None = None
    source: str | None = None
    lenient: bool = False

    def load(self, data: str) -> Bars:
        """Return the bars of one market."""
        return load(data, self.symbol, self.timeframe, self.source, lenient=self.lenient).bars

    def live(self, data: str) -> bool:
        """Whether that market is read from a venue, and not from what was kept of one."""
        return is_live(self.source or data)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every market."""

    place: Place
    committee: "Committee"
    features: str
    costs: "Costs"
    limits: "Limits"

    def decide(self, data: str, bars: Bars) -> Decision:
        """Return the desk's decision for the last bar; of a venue only a fresh one is acted on."""
        from folkmoot.proof import last_decision

        return last_decision(
            bars,
            self.committee,
            features=self.features,
            costs=self.costs,
            limits=self.limits,
            clock=SystemClock() if self.place.live(data) else None,
        )

    def caveats(self, bars: Bars) -> list[str]:
        """Return what the newest stored study of just this says against its probabilities."""
        from folkmoot.proof.reliability import uncalibrated
        from folkmoot.proof.studies import Studies, Subject

        who = set(self.committee.models)
        # A smaller position says nothing about probabilities: the usual limits, not those asked.
        subject = Subject.of(bars, self.features, self.committee, self.costs)
        for record in Studies(settings().data_root).fitting(subject):
            study = record["study"]
            if {row["name"] for row in study["members"]} == who:
                said = uncalibrated(study["calibration"]["p"])
                return [said] if said else []
        return []


def server(url: str | None, model: str | None, deadline: float | None = None) -> "LlmClient | None":
    """Return the client of the server that was given, or set; None if none was.

    Raises `UsageError` for an address without a model, a model without an address, or an address
    that may not be called.
    """
    given = settings()
    url, model = url or given.llm_url, model or given.llm_model
    if not url and not model:
        return None
    if not url or not model:
        raise UsageError(
            "a server needs both an address and a model", where="llm", allowed="--llm, --llm-model"
        )
    from folkmoot.agents.llm import LlmClient

    return LlmClient(url, model, key=given.llm_key, deadline=deadline or given.llm_timeout)


def analyze(
    markets: Sequence[str],
    question: Question,
    *,
    llm: "LlmClient | None" = None,
    at_once: int = 2,
) -> list[dict[str, Any]]:
    """Return a decision as JSON for each of `markets`, in their order.

    One market: its error is raised. Several: the error of one stands in its place. Raises
    `UsageError` where one symbol is given for several.
    """
    if question.place.symbol and len(markets) > 1:
        raise UsageError(
            "--symbol names one market, but several were given", where="symbol", allowed="none"
        )
    return asyncio.run(
        gathered(
            markets,
            question.place.load,
            question.decide,
            caveats=question.caveats,
            llm=llm,
            at_once=at_once,
        )
    )


async def gathered(
    markets: Sequence[str],
    load: Load,
    decide: Decide,
    *,
    caveats: Caveats | None = None,
    llm: "LlmClient | None" = None,
    at_once: int = 2,
) -> list[dict[str, Any]]:
    """Load, decide and word every market, at most `at_once` at a time."""
    room = asyncio.Semaphore(at_once)

    async def one(data: str) -> dict[str, Any]:
        async with room:
            try:
                bars = await asyncio.to_thread(load, data)
                found = await _analysed(data, bars, decide, llm)
                said = await asyncio.to_thread(caveats, bars) if caveats else []
            except FolkmootError as error:
                if len(markets) == 1:
                    raise
                return {"market": data, "error": error.as_dict()}
            return found | {"caveats": said, "closed": closed(bars, SystemClock())}

    async with llm or nullcontext():
        return list(await asyncio.gather(*(one(data) for data in markets)))


def closed(bars: Bars, clock: Clock) -> dict[str, Any]:
    """Return when the last bar closed, and how long ago that is in words and seconds.

    A close that lies ahead of the clock has a negative age, `from now` in words.
    """
    seconds = (clock.now() - int(bars.close_time[-1])) // 1_000
    far = abs(seconds)
    unit, size = next(((unit, size) for unit, size in SPANS if far >= size), SPANS[-1])
    count = far // size
    words = f"{count} {unit}{'' if count == 1 else 's'} {'ago' if seconds >= 0 else 'from now'}"
    return {"at": iso(int(bars.close_time[-1])), "age_seconds": seconds, "age": words}


async def _analysed(
    data: str, bars: Bars, decide: Decide, llm: "LlmClient | None"
) -> dict[str, Any]:
    decision = await asyncio.to_thread(decide, data, bars)
    if not {fact.id for fact in decision.evidence} >= RULE_NAMES:
        facts = await asyncio.to_thread(bar_evidence, bars)
        named = {fact.id: fact for fact in (*facts, *decision.evidence)}
        decision = replace(decision, evidence=tuple(named.values()))
    return await judged(decision, llm)


async def judged(decision: Decision, llm: "LlmClient | None") -> dict[str, Any]:
    """Return the decision as JSON with a judge's belief and words added, and the judge named."""
    case = Case(
        decision.known_at,
        decision.symbol,
        decision.consensus.horizon,
        decision.evidence,
        decision.beliefs,
    )
    belief, missed = await _opinion(case, llm)
    worded = replace(
        decision,
        reason=f"{decision.reason} ({SECOND}) [{belief.source}] {belief.why}".strip(),
        beliefs=(*decision.beliefs, belief),
    )
    return worded.as_dict() | {"judge": belief.source, "llm_not_used": missed}


async def _opinion(case: Case, llm: "LlmClient | None") -> tuple[Belief, str | None]:
    """Return the judge's belief, and why it is not the server's."""
    if llm is None:
        return rule_belief(case), NOT_ASKED
    from folkmoot.agents.reasoning import ReasoningAnalyst

    try:
        async with asyncio.timeout(llm.deadline + GRACE):
            return await ReasoningAnalyst(llm).opine(case), None
    except FolkmootError as error:
        return rule_belief(case), f"{error.message} ({error.where})"
    except TimeoutError:
        return rule_belief(case), f"no answer within {llm.deadline:g} s ({llm.name})"
