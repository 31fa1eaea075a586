"""Rules K1 and K1m: is the consensus, is any member, better than every reference?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from folkmoot.models import REFERENCES
from folkmoot.proof.scored import COMMITTEE, CONSENSUS, Scored
from folkmoot.proof.statistics import Comparison, diebold_mariano, hits, share_z

FEWEST = 10


@dataclass(frozen=True, slots=True)
class Skill:
    """The tests of one study: largest p over the references, accuracy and its z against 1/2.

    Every test knows how long labels overlap; `z` is on the normal scale at every horizon.
    `members` holds each member's largest p over the references, not yet corrected for their number.
    """

    n: int
    p: float
    statistic: float
    accuracy: float
    z: float
    members: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "n": self.n,
            "k1_p": self.p,
            "k1_statistic": self.statistic,
            "accuracy": self.accuracy,
            "z": self.z,
            "members_p": self.members,
        }


def skill(found: Scored, members: Sequence[str]) -> Skill:
    """Test the consensus and every member against all references.

    A strategy with a voice of its own is tested alone: members whom it does not hear are left out.
    """
    members = members if found.voice == COMMITTEE else ()
    n = len(found)
    if n < FEWEST:
        return Skill(n, 1.0, 0.0, math.nan, 0.0, dict.fromkeys(members, 1.0))
    worst = _worst(found, CONSENSUS)
    each = {name: _worst(found, name).p for name in members}
    right = hits(found.p[CONSENSUS], found.up)
    z = share_z(right, found.horizon)
    return Skill(n, worst.p, worst.statistic, float(right.mean()), z, each)


def _worst(found: Scored, name: str) -> Comparison:
    own = found.losses(name)
    tests = [diebold_mariano(own, found.losses(other), found.horizon) for other in REFERENCES]
    return max(tests, key=lambda test: test.p)
