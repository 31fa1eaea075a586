"""Whose forecasts a study judges: those that its strategy trades, the committee's or its own."""

import numpy as np

from folkmoot.core import plugins
from folkmoot.core.bars import Bars
from folkmoot.proof.rule_voice import RuleVoice
from folkmoot.proof.scored import CONSENSUS, Scored


def judged(found: Scored, bars: Bars, strategy: str) -> Scored:
    """Return the scored rows with the traded probabilities in the consensus' place.

    A strategy that trades the committee leaves them as they are. For one with a voice of its own
    only the rows on which that voice spoke are left, so that skill and money are of one forecaster.
    """
    kind = plugins.load("folkmoot.strategies", strategy)
    if getattr(kind, "voice", "committee") == "committee" or not len(found):
        return found
    voice = RuleVoice(bars, found.horizon)
    said = np.array([voice.hear(bars.bar(row)).consensus.p_up for row in found.rows.tolist()])
    spoke = np.isfinite(said)
    return Scored(
        rows=found.rows[spoke],
        returns=found.returns[spoke],
        up=found.up[spoke],
        p={name: p[spoke] for name, p in {**found.p, CONSENSUS: said}.items()},
        raw={name: p[spoke] for name, p in found.raw.items()},
        horizon=found.horizon,
        voice=strategy,
    )
