"""Evidence, targets, orders, fills, the book and the decision that explains them all."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Belief


class Signal(Enum):
    """The side of a decision; BUY / SELL / HOLD and long / short / flat are one enum."""

    SELL = -1
    HOLD = 0
    BUY = 1

    @classmethod
    def of(cls, word: "str | int | Signal") -> "Signal":
        """Read any spelling.

        >>> Signal.of("long") is Signal.BUY
        True
        """
        if isinstance(word, Signal):
            return word
        key = word.strip().lower() if isinstance(word, str) else word
        if key not in _SPELLINGS:
            raise UsageError(f"unknown signal {word!r}", where="signal", allowed=list(_SPELLINGS))
        return _SPELLINGS[key]

    @property
    def side(self) -> str:
        """The same in the other spelling: long, short or flat."""
        return {1: "long", 0: "flat", -1: "short"}[self.value]


_SPELLINGS: dict[str | int, Signal] = {
    "buy": Signal.BUY,
    "long": Signal.BUY,
    1: Signal.BUY,
    "sell": Signal.SELL,
    "short": Signal.SELL,
    -1: Signal.SELL,
    "hold": Signal.HOLD,
    "flat": Signal.HOLD,
    0: Signal.HOLD,
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact an analyst may cite by `id`; its number is rendered by code, never by an LLM.

    `percentile` in [0, 1] among the symbol's own past; `direction` -1, 0 or 1; NaN is unknown.
    """

    id: str
    kind: str
    value: float
    unit: str
    percentile: float
    direction: int
    known_at: int


@dataclass(frozen=True, slots=True)
class Case:
    """All that an analyst may see. `now` is epoch ms; nothing in here is known later."""

    now: int
    symbol: str
    horizon: int
    evidence: tuple[Evidence, ...]
    beliefs: tuple[Belief, ...]
    precedents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A wanted weight of equity in [-1, 1], and the one-line reason."""

    weight: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Clamp:
    """One risk limit that fired: the wanted weight before and after it."""

    limit: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Order:
    """A market order for the next open; `id` derives from (strategy, symbol, timeframe, bar)."""

    id: str
    symbol: str
    quantity: float
    created_at: int


@dataclass(frozen=True, slots=True)
class Fill:
    """Part or all of an order done: (`order_id`, `number`) names it; `fee` in quote currency."""

    order_id: str
    number: int
    symbol: str
    quantity: float
    price: float
    fee: float
    filled_at: int


@dataclass(frozen=True, slots=True)
class Ack:
    """The venue has the order."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Reject:
    """The venue refused the order, and why."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether the venue has the order; only the venue's answer resolves it."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Book:
    """Cash and signed holdings, valued at the last known prices.

    `cash` and `prices` in quote currency, `holdings` in units; `peak` is the highest equity so
    far and `day_open` the equity at the first bar of the current UTC day.
    """

    cash: float
    holdings: Mapping[str, float] = field(default_factory=dict)
    prices: Mapping[str, float] = field(default_factory=dict)
    peak: float = 0.0
    day_open: float = 0.0

    @property
    def equity(self) -> float:
        """Cash plus holdings at the last known prices."""
        prices, total = self.prices, self.cash
        for symbol, quantity in self.holdings.items():
            total += quantity * prices[symbol]
        return total

    def weight(self, symbol: str) -> float:
        """Return the signed share of equity held in `symbol`."""
        held = self.holdings.get(symbol, 0.0)
        return held * self.prices[symbol] / self.equity if held else 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided at the close of one bar, complete enough to explain years later.

    `confidence` is the calibrated probability that the signal is right, NaN while unknown, with
    `interval` (80 %) and `n_evidence`, the matured outcomes behind it. `status` is `ok` or why
    nobody may act: `warming`, `no_earned_weight`, `stale`, `unknown_features`.
    """

    symbol: str
    timeframe: str
    strategy: str
    known_at: int
    signal: Signal
    confidence: float
    interval: tuple[float, float]
    n_evidence: int
    reason: str
    status: str
    consensus: Belief
    beliefs: tuple[Belief, ...]
    target: Target
    clamps: tuple[Clamp, ...]
    orders: tuple[Order, ...]
    evidence: tuple[Evidence, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values, `signal`, `confidence` and `reason` first, NaN as None."""
        return {
            "signal": self.signal.name,
            "confidence": number(self.confidence),
            "reason": self.reason,
            "interval": [number(x) for x in self.interval],
            "n_evidence": self.n_evidence,
            "status": self.status,
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "strategy": self.strategy,
            "known_at": self.known_at,
            "consensus": belief_dict(self.consensus),
            "beliefs": [belief_dict(b) for b in self.beliefs],
            "target": {"weight": number(self.target.weight), "why": self.target.why},
            "clamps": [
                {"limit": c.limit, "before": c.before, "after": c.after} for c in self.clamps
            ],
            "orders": [order_dict(o) for o in self.orders],
            "evidence": [evidence_dict(e) for e in self.evidence],
            "provenance": dict(self.provenance),
        }


def number(x: float) -> float | None:
    """Return `x`, or None where JSON has no word for it."""
    return x if math.isfinite(x) else None


def belief_dict(b: Belief) -> dict[str, Any]:
    """Return a belief as plain JSON values."""
    return {
        "source": b.source,
        "known_at": b.known_at,
        "horizon": b.horizon,
        "p_up": number(b.p_up),
        "quantiles": [number(q) for q in b.quantiles],
        "life": number(b.life),
        "weight": number(b.weight),
        "evidence": list(b.evidence),
        "why": b.why,
    }


def order_dict(o: Order) -> dict[str, Any]:
    """Return an order as plain JSON values."""
    return {
        "id": o.id,
        "symbol": o.symbol,
        "quantity": o.quantity,
        "created_at": o.created_at,
    }


def evidence_dict(e: Evidence) -> dict[str, Any]:
    """Return a piece of evidence as plain JSON values."""
    return {
        "id": e.id,
        "kind": e.kind,
        "value": number(e.value),
        "unit": e.unit,
        "percentile": number(e.percentile),
        "direction": e.direction,
        "known_at": e.known_at,
    }
