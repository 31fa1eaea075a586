"""Where the service's predictions come from."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from folkmoot.app.load import is_live, load, store
from folkmoot.app.members import ENSEMBLE, MemberStatus, members
from folkmoot.core.bars import Bars
from folkmoot.core.clock import SystemClock
from folkmoot.core.decision import Decision, Signal, number
from folkmoot.core.errors import UnknownSymbol, Untrained, UsageError
from folkmoot.core.forecast import Belief
from folkmoot.core.settings import settings

if TYPE_CHECKING:
    from folkmoot.committee import Committee
    from folkmoot.execution import Costs
    from folkmoot.proof.studies import Subject


Study = dict[str, Any]
NO_WEIGHT = "no_earned_weight"
FAILED = frozenset({"too_short", "suspect", "control_failed"})
"""What decided a study that may not be acted on: it shows nothing, or cannot be trusted."""
UNKNOWN = float("nan")


class Oracle(Protocol):
    """What the service asks; an answer may take long and is called in a thread."""

    def members(self) -> list[MemberStatus]:
        """Return every member once per market, with its status there."""

    def markets(self) -> list[str]:
        """Return the symbols that are served."""

    def predict(self, symbol: str, timeframe: str | None, model: str) -> dict[str, Any]:
        """Return a `Prediction` for an exact symbol of `markets` and a known model.

        Raises `Untrained` where no stored study of that market holds the model, `UnknownSymbol`
        where the market is not served in that timeframe.
        """


@dataclass(frozen=True, slots=True)
class Market:
    """A series that is served, and how its bars are had anew."""

    symbol: str
    timeframe: str
    data: str
    source: str | None = None

    def bars(self) -> Bars:
        """Return the bars as they are now."""
        return load(self.data, self.symbol, self.timeframe, self.source).bars


def markets(
    data: Sequence[str] | None, symbols: Sequence[str] | None, timeframe: str | None
) -> list[Market]:
    """Return what `serve` was told to serve; without data, every stored series.

    Raises `UsageError` where data and symbols do not pair.
    """
    if not data:
        return [
            Market(one.symbol, one.timeframe.label, one.symbol, "store")
            for one in store().series()
            if timeframe in (None, one.timeframe.label)
        ]
    if symbols and len(symbols) != len(data):
        raise UsageError(
            f"{len(data)} data, {len(symbols)} symbols", where="symbol", allowed="one for each"
        )
    found = []
    wanted: Sequence[str | None] = symbols or [None] * len(data)
    for spec, symbol in zip(data, wanted, strict=True):
        bars = load(spec, symbol, timeframe).bars
        found.append(Market(bars.symbol, bars.timeframe.label, spec))
    return found


class StudyOracle:
    """Answers from the stored studies: a model without one is untrained and says nothing.

    A study counts where its `Subject` is what is served: history, columns, horizon, costs, weights
    and options, half Kelly within the usual limits, scored over the whole span. Of several the
    newest that holds the model decides, and for the ensemble the same members. The decision for a
    bar is made once and kept until the next bar.
    """

    def __init__(
        self, served: Sequence[Market], committee: "Committee", features: str, costs: "Costs"
    ) -> None:
        self._served = list(served)
        self._committee = committee
        self._features = features
        self._costs = costs
        self._made: dict[Market, tuple[str, Decision]] = {}
        self._subjects: dict[Market, Subject] = {}
        self._known: tuple[Any, dict[Subject, list[Study]]] = (None, {})
        self._locks = {market: threading.Lock() for market in self._served}

    def markets(self) -> list[str]:
        """Return the symbols that are served."""
        return list(dict.fromkeys(market.symbol for market in self._served))

    def members(self) -> list[MemberStatus]:
        """Return every member once per market, `trained` where a study of it holds and stands."""
        known = members(self._committee)
        if not self._served:
            return known
        found = []
        for market in self._served:
            if market not in self._subjects:
                self._bars(market)
            found += [_placed(member, market, self._study(market, member.id)) for member in known]
        return found

    def predict(self, symbol: str, timeframe: str | None, model: str) -> dict[str, Any]:
        """Return the committee's decision for the last bar, or one member's belief in it."""
        market = self._market(symbol, timeframe)
        bars = self._bars(market)
        study = self._study(market, model)
        if study is None or study["reason"] in FAILED:
            raise _untrained(model, market, study)
        said = prediction(self._decision(market, bars), model, earned=_earned(model, study))
        return said | {
            "verdict": study["verdict"],
            "verdict_reason": study["reason"],
            "caveats": _caveats(study),
        }

    def _bars(self, market: Market) -> Bars:
        """Return the bars as they are now, and remember what a study of them would be of."""
        from folkmoot.proof.studies import Subject

        bars = market.bars()
        self._subjects[market] = Subject.of(bars, self._features, self._committee, self._costs)
        return bars

    def _decision(self, market: Market, bars: Bars) -> Decision:
        from folkmoot.execution import Limits
        from folkmoot.proof import last_decision

        with self._locks[market]:
            clock = SystemClock() if is_live(market.source or market.data) else None
            # What is too old is told in whole bars; a decision is kept for as long as its age.
            age = (clock.now() - int(bars.close_time[-1])) // bars.timeframe.ms if clock else 0
            digest = f"{bars.hash()} {age}"
            if market not in self._made or self._made[market][0] != digest:
                decision = last_decision(
                    bars,
                    self._committee,
                    features=self._features,
                    costs=self._costs,
                    limits=Limits(),
                    clock=clock,
                )
                self._made[market] = digest, decision
            return self._made[market][1]

    def _market(self, symbol: str, timeframe: str | None) -> Market:
        of_symbol = [market for market in self._served if market.symbol == symbol]
        for market in of_symbol:
            if timeframe in (None, market.timeframe):
                return market
        raise UnknownSymbol(
            f"{symbol} is not served in {timeframe}",
            where="timeframe",
            allowed=[market.timeframe for market in of_symbol],
        )

    def _study(self, market: Market, model: str) -> Study | None:
        """Return the newest study that fits and holds the model, if there is one."""
        who = set(self._committee.models)
        for study in self._studies(market):
            if model != ENSEMBLE and _row(model, study) is not None:
                return study
            if model == ENSEMBLE and {row["name"] for row in study["members"]} == who:
                return study
        return None

    def _studies(self, market: Market) -> list[Study]:
        """Return what fits a market, read again once any study was added or changed."""
        from folkmoot.proof.studies import Studies
        from folkmoot.proof.study import settle

        kept = Studies(settings().data_root)
        paths = sorted(kept.folder.glob("*.json"))
        files = [(path.name, path.stat().st_mtime_ns) for path in paths]
        if self._known[0] != files:
            self._known = files, {}
        known, subject = self._known[1], self._subjects[market]
        if subject not in known:
            trials = kept.trials(subject.lineage)
            known[subject] = [settle(record, trials) for record in kept.fitting(subject)]
        return known[subject]


def _placed(member: MemberStatus, market: Market, study: Study | None) -> MemberStatus:
    """Return the member as it stands on one market."""
    placed = replace(member, market=market.symbol, timeframe=market.timeframe)
    skill = _row(member.id, study)
    if study is None or skill is None:
        return placed
    if member.id == ENSEMBLE:
        skill |= {"verdict": study["verdict"], "reason": study["reason"]}
    return replace(
        placed,
        status="untrained" if study["reason"] in FAILED else "trained",
        verdict=study["verdict"],
        study=study["provenance"]["study"],
        skill=skill,
    )


def _untrained(model: str, market: Market, study: Study | None) -> Untrained:
    said = f"{model} is untrained for {market.symbol} {market.timeframe}"
    if study is not None:
        said += f": its study says {study['verdict']} ({study['reason']})"
    return Untrained(said, where=model, allowed=f"folkmoot prove {market.data}")


def _earned(model: str, study: Study) -> bool:
    """Return whether a member, or the consensus at any bar, earned a weight in its study."""
    row = _row(model, study) or {}
    return bool(row["status"] != NO_WEIGHT if model == ENSEMBLE else row["weight"] > 0.0)


def _caveats(study: Study) -> list[str]:
    """Return what stands in a study against acting on its forecasts."""
    from folkmoot.proof.reliability import uncalibrated
    from folkmoot.proof.verdict import EDGE_FOUND

    found = uncalibrated(study["calibration"]["p"])
    short = [] if study["verdict"] == EDGE_FOUND else [f"{study['verdict']}: {study['reasons'][0]}"]
    return [*short, *([found] if found else [])]


def _row(model: str, study: Study | None) -> dict[str, Any] | None:
    """Return how a study saw a member, or None where it did not."""
    if study is None:
        return None
    if model == ENSEMBLE:
        return dict(study["consensus"])
    for row in [*study["members"], *study["baselines"]]:
        if row["name"] == model:
            return dict(row)
    return None


def prediction(decision: Decision, model: str, *, earned: bool) -> dict[str, Any]:
    """Return the decision, or one member's belief in it, in the service's form.

    Who has earned no weight, in the study (`earned`) or at this bar, may be read but not followed:
    HOLD, confidence null. Raises `Untrained` where the committee did not hear it.
    """
    status = decision.status
    if model == ENSEMBLE:
        belief = decision.consensus
        signal, confidence, reason = decision.signal, decision.confidence, decision.reason
        interval = [number(end) for end in decision.interval]
        if not earned:
            status, signal, confidence = NO_WEIGHT, Signal.HOLD, UNKNOWN
            reason = "no member earned a weight in the study; nobody may act on this"
    else:
        belief = _belief(decision, model)
        interval = [None, None]
        if status == "ok" and not (earned and belief.weight > 0.0):
            status = NO_WEIGHT
        signal, confidence = _leaning(belief) if status == "ok" else (Signal.HOLD, UNKNOWN)
        reason = belief.why or f"{model}'s calibrated forecast; only the ensemble trades"
        if status == NO_WEIGHT:
            reason = f"{model} has earned no weight here; its p_up is shown, nobody may act on it"
    return {
        "signal": signal.name,
        "confidence": number(confidence),
        "reason": reason,
        "interval": interval,
        "n_evidence": decision.n_evidence,
        "status": status,
        "symbol": decision.symbol,
        "timeframe": decision.timeframe,
        "model": model,
        "horizon": belief.horizon,
        "known_at": decision.known_at,
        "p_up": number(belief.p_up),
        "quantiles": [number(value) for value in belief.quantiles],
        "weight": number(belief.weight),
    }


def _belief(decision: Decision, model: str) -> Belief:
    for belief in decision.beliefs:
        if belief.source == model:
            return belief
    raise Untrained(
        f"{model} does not sit on this committee",
        where=model,
        allowed=[belief.source for belief in decision.beliefs],
    )


def _leaning(belief: Belief) -> tuple[Signal, float]:
    """Return the side a calibrated p_up leans to, and the probability of that side."""
    if not belief.known or belief.p_up == 0.5:
        return Signal.HOLD, UNKNOWN
    return (Signal.BUY, belief.p_up) if belief.p_up > 0.5 else (Signal.SELL, 1.0 - belief.p_up)
