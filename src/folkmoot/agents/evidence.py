"""Evidence: the facts that an opinion may cite, each with its rank in the market's own past.

Three sources of facts: the last row of a feature table, the four facts of document 000's rule, and
the state of the market.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from folkmoot.agents.wording import STATE
from folkmoot.causal import Program, compile
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.decision import Evidence
from folkmoot.features.rule import program
from folkmoot.indicators.regime import REGIMES, regime

if TYPE_CHECKING:
    from folkmoot.features import FeatureSet, Table

MOST = 25

_SIGNED = frozenset({"ratio", "level", "approximate"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,62}[A-Za-z0-9]")

# What the rule of document 000 looks at: kind, unit, and whether the sign is a direction.
_RULE_FACTS: dict[str, tuple[str, str, bool]] = {
    "rsi": ("momentum", "", False),
    "macd_cross": ("event", "", True),
    "trend_gap": ("trend", "", True),
    "volume_ratio": ("volume", "", False),
}

RULE_NAMES = frozenset(_RULE_FACTS)


def table_evidence(table: "Table", columns: "FeatureSet", row: int = -1) -> tuple[Evidence, ...]:
    """Return the evidence in one row of a feature table, unknown values included.

    A column's sign is a direction where the set declares that it mirrors with the market;
    percentiles are among the rows before `row`.
    """
    described = {column.name: column for column in columns.columns}
    facts = {
        name: (column.group, column.unit, column.mirror in _SIGNED)
        for name, column in described.items()
    }
    wanted = [name for name in table.names if name in facts]
    values = table.values[:, [table.names.index(name) for name in wanted]]
    chosen = {name: facts[name] for name in wanted}
    return _gather(chosen, values, int(table.known_at[row]), row % len(table.values))


def rule_evidence(bars: Bars) -> tuple[Evidence, ...]:
    """Return what the rule judge needs, `features.rule.Readings` of the last of `bars`."""
    found = program().batch(bars)
    values = np.column_stack([found[name] for name in _RULE_FACTS])
    return _gather(_RULE_FACTS, values, int(bars.close_time[-1]), len(bars) - 1)


def regime_evidence(bars: Bars) -> Evidence:
    """Return the state of the market on the last of `bars`: its code, and its name as the unit.

    A state has no rank and no direction; it is unknown before some 560 bars.
    """
    code = float(_regime().batch(bars)["regime"][-1])
    name = REGIMES[int(code)] if code == code else "unknown"
    return Evidence("regime", STATE, code, name, float("nan"), 0, int(bars.close_time[-1]))


def bar_evidence(bars: Bars) -> tuple[Evidence, ...]:
    """Return what bars alone tell without a feature set: the rule's facts and the regime."""
    return (*rule_evidence(bars), regime_evidence(bars))


def unusual(evidence: Iterable[Evidence], most: int = MOST) -> tuple[Evidence, ...]:
    """Return at most `most` known pieces, those furthest from their median first."""
    known = [e for e in evidence if e.value == e.value]
    return tuple(sorted(known, key=lambda e: (-_distance(e), e.id))[:most])


def percentile(past: Floats, value: float) -> float:
    """Return the share of the known `past` below `value`, ties by half; NaN if nothing is known.

    >>> percentile(np.array([1.0, 2.0, np.nan, 2.0, 3.0]), 2.0)
    0.5
    """
    known = past[~np.isnan(past)]
    if not len(known) or value != value:
        return float("nan")
    below, equal = int(np.sum(known < value)), int(np.sum(known == value))
    return (below + 0.5 * equal) / len(known)


@lru_cache(maxsize=1)
def _regime() -> Program:
    return compile({"regime": regime()})


def _gather(
    facts: Mapping[str, tuple[str, str, bool]], values: Floats, known_at: int, row: int
) -> tuple[Evidence, ...]:
    gathered = []
    for position, (name, (kind, unit, signed)) in enumerate(facts.items()):
        if not _NAME.fullmatch(name):
            continue
        value = float(values[row, position])
        rank = percentile(values[:row, position], value)
        direction = int(np.sign(value)) if signed and value == value else 0
        gathered.append(Evidence(name, kind, value, unit, rank, direction, known_at))
    return tuple(gathered)


def _distance(fact: Evidence) -> float:
    return abs(fact.percentile - 0.5) if fact.percentile == fact.percentile else 0.0
