"""A decision as canonical JSON and back; keys stand sorted, floats in their shortest form."""

import math
from typing import Any

import orjson

from folkmoot.core.decision import Clamp, Decision, Evidence, Order, Signal, Target
from folkmoot.core.forecast import Belief

Row = tuple[Any, ...]


def encode(decision: Decision, state: object, halts: tuple[int, bool]) -> bytes:
    """Return the payload of a decision's row; NaN becomes null.

    What the row's own columns say (strategy, symbol, timeframe, open time), the provenance and the
    orders are not repeated. `state` is the broker's after this bar's fills.
    """
    target, consensus = decision.target, decision.consensus
    symbol, known_at, horizon = decision.symbol, decision.known_at, consensus.horizon
    return orjson.dumps(
        {
            "beliefs": _spoken(decision.beliefs, symbol, known_at, horizon),
            "broker": state,
            "clamps": _clamp_rows(decision.clamps) if decision.clamps else (),
            "confidence": decision.confidence,
            "consensus": _spoken((consensus,), symbol, known_at, horizon)[0],
            "evidence": _evidence_rows(decision.evidence) if decision.evidence else (),
            "halts": halts,
            "horizon": horizon,
            "interval": decision.interval,
            "known_at": known_at,
            "n_evidence": decision.n_evidence,
            "reason": decision.reason,
            "signal": decision.signal.value,
            "status": decision.status,
            "target": (target.weight, target.why),
        },
        option=orjson.OPT_SERIALIZE_NUMPY,
    )


def decode(
    payload: Any,
    key: tuple[str, str, str],
    orders: tuple[Order, ...],
    provenance: dict[str, str],
) -> Decision:
    """Return the decision of a parsed payload; `key` is (strategy, symbol, timeframe)."""
    strategy, symbol, timeframe = key
    weight, why = payload["target"]
    low, high = payload["interval"]
    about = (symbol, payload["known_at"], payload["horizon"])
    return Decision(
        symbol=symbol,
        timeframe=timeframe,
        strategy=strategy,
        known_at=payload["known_at"],
        signal=Signal(payload["signal"]),
        confidence=_real(payload["confidence"]),
        interval=(_real(low), _real(high)),
        n_evidence=payload["n_evidence"],
        reason=payload["reason"],
        status=payload["status"],
        consensus=_belief(payload["consensus"], about),
        beliefs=tuple(_belief(row, about) for row in payload["beliefs"]),
        target=Target(_real(weight), why),
        clamps=tuple(Clamp(name, _real(a), _real(b)) for name, a, b in payload["clamps"]),
        orders=orders,
        evidence=tuple(_evidence(row) for row in payload["evidence"]),
        provenance=provenance,
    )


def _spoken(beliefs: tuple[Belief, ...], symbol: str, known_at: int, horizon: int) -> list[Row]:
    """Return beliefs as rows; one about something else than the decision ends with that."""
    return [
        (b.source, b.p_up, b.quantiles, b.life, b.weight, b.evidence, b.why)
        if b.known_at == known_at and b.horizon == horizon and b.symbol == symbol
        else (
            b.source,
            b.p_up,
            b.quantiles,
            b.life,
            b.weight,
            b.evidence,
            b.why,
            b.symbol,
            b.known_at,
            b.horizon,
        )
        for b in beliefs
    ]


def _belief(row: list[Any], about: Row) -> Belief:
    source, p_up, quantiles, life, weight, evidence, why, *other = row
    levels = tuple([_real(quantile) for quantile in quantiles])
    numbers = (_real(p_up), levels, _real(life), _real(weight))
    symbol, known_at, horizon = other or about
    return Belief(source, symbol, known_at, horizon, *numbers, tuple(evidence), why)


def _clamp_rows(clamps: tuple[Clamp, ...]) -> list[Row]:
    return [(c.limit, c.before, c.after) for c in clamps]


def _evidence_rows(evidence: tuple[Evidence, ...]) -> list[Row]:
    return [
        (e.id, e.kind, e.value, e.unit, e.percentile, e.direction, e.known_at) for e in evidence
    ]


def _evidence(row: list[Any]) -> Evidence:
    id_, kind, value, unit, percentile, direction, known_at = row
    return Evidence(id_, kind, _real(value), unit, _real(percentile), direction, known_at)


def _real(x: float | None) -> float:
    return math.nan if x is None else x
