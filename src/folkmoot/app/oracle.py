"""Where the service's predictions come from."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from folkmoot.app.load import load, store
from folkmoot.app.members import ENSEMBLE, MemberStatus, members
from folkmoot.core.bars import Bars
from folkmoot.core.decision import Decision, Signal, number
from folkmoot.core.errors import UnknownSymbol, Untrained, UsageError
from folkmoot.core.forecast import Belief
from folkmoot.core.settings import settings
from folkmoot.core.timeframe import Timeframe

if TYPE_CHECKING:
    from folkmoot.committee import Committee
    from folkmoot.execution import Costs
    from folkmoot.proof.studies import Studies


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

    A study counts where it had the same horizon and the same columns as this service. The
    decision for a bar is made once and kept until the next bar.
    """

    def __init__(
        self, served: Sequence[Market], committee: "Committee", features: str, costs: "Costs"
    ) -> None:
        self._served = list(served)
        self._committee = committee
        self._features = features
        self._costs = costs
        self._made: dict[Market, tuple[str, Decision]] = {}
        self._known: tuple[Any, dict[Market, dict[str, Any] | None]] = (None, {})
        self._locks = {market: threading.Lock() for market in self._served}

    def markets(self) -> list[str]:
        """Return the symbols that are served."""
        return list(dict.fromkeys(market.symbol for market in self._served))

    def members(self) -> list[MemberStatus]:
        """Return every member once per market, `trained` where the market's study holds it."""
        known = members()
        if not self._served:
            return known
        found = []
        for market in self._served:
            facts = self._study(market)
            found += [_placed(member, market, facts) for member in known]
        return found

    def predict(self, symbol: str, timeframe: str | None, model: str) -> dict[str, Any]:
        """Return the committee's decision for the last bar, or one member's belief in it."""
        market = self._market(symbol, timeframe)
        if _skill(model, self._study(market)) is None:
            raise Untrained(
                f"{model} is untrained for {market.symbol} {market.timeframe}",
                where=model,
                allowed=f"folkmoot prove {market.data}",
            )
        return prediction(self._decision(market), model)

    def _decision(self, market: Market) -> Decision:
        from folkmoot.execution import Limits
        from folkmoot.proof import last_decision

        with self._locks[market]:
            bars = market.bars()
            digest = bars.hash()
            if market not in self._made or self._made[market][0] != digest:
                decision = last_decision(
                    bars,
                    self._committee,
                    features=self._features,
                    costs=self._costs,
                    limits=Limits(),
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

    def _study(self, market: Market) -> dict[str, Any] | None:
        """Return the latest study of a market, read again once any study was added or changed."""
        from folkmoot.proof.studies import Studies

        kept = Studies(settings().data_root)
        files = [(path.name, path.stat().st_mtime_ns) for path in kept.folder.glob("*.json")]
        state, found = self._known
        if state != files:
            found = {one: self._settled(kept, one) for one in self._served}
            self._known = files, found
        return found[market]

    def _settled(self, kept: "Studies", market: Market) -> dict[str, Any] | None:
        """Return the latest study of a market if it was of what is served here."""
        from folkmoot.features import feature_set
        from folkmoot.proof.study import settle

        record = kept.of(market.symbol, market.timeframe)
        if record is None:
            return None
        study = settle(record, kept.trials(record["lineage"]))
        columns = feature_set(self._features, Timeframe.of(market.timeframe)).hash()
        asked = self._committee.horizon, columns
        return study if (study["horizon"], study["provenance"]["features"]) == asked else None


def _placed(member: MemberStatus, market: Market, study: dict[str, Any] | None) -> MemberStatus:
    """Return the member as it stands on one market."""
    skill = _skill(member.id, study)
    return replace(
        member,
        market=market.symbol,
        timeframe=market.timeframe,
        status="untrained" if skill is None else "trained",
        skill=skill or {},
    )


def _skill(model: str, study: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return how a study saw a member, or None where it did not."""
    if study is None:
        return None
    if model == ENSEMBLE:
        return {**study["consensus"], "verdict": study["verdict"], "reason": study["reason"]}
    for row in [*study["members"], *study["baselines"]]:
        if row["name"] == model:
            return dict(row)
    return None


def prediction(decision: Decision, model: str) -> dict[str, Any]:
    """Return the decision, or one member's belief in it, in the service's form.

    Raises `Untrained` where the committee did not hear that member.
    """
    if model == ENSEMBLE:
        belief = decision.consensus
        signal, confidence, reason = decision.signal, decision.confidence, decision.reason
        interval = [number(end) for end in decision.interval]
    else:
        belief = _belief(decision, model)
        signal, confidence = _leaning(belief)
        reason = belief.why or f"{model}'s calibrated forecast; only the ensemble trades"
        interval = [None, None]
    return {
        "signal": signal.name,
        "confidence": number(confidence),
        "reason": reason,
        "interval": interval,
        "n_evidence": decision.n_evidence,
        "status": decision.status,
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
        return Signal.HOLD, float("nan")
    return (Signal.BUY, belief.p_up) if belief.p_up > 0.5 else (Signal.SELL, 1.0 - belief.p_up)
