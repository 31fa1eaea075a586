"""Ask all members of a committee about the same bars in one call.

Networks that see the same columns of the same window on the same scale are shown one table: its
scores and what is known of it are worked out once. Everyone else answers alone. What each answers
is what its own `predict` answers, to the bit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from folkmoot.core.errors import UsageError
from folkmoot.core.forecast import Features, Forecast
from folkmoot.models import rows
from folkmoot.models.neural.inputs import Inputs
from folkmoot.models.neural.network import Network

View = tuple[object, ...]


def ask(members: Sequence[Any], x: Mapping[int, Features]) -> list[Forecast]:
    """Return the forecast of each member, in their order.

    `x` holds the rows by the lookback of their windows; members of one lookback share them. Raises
    `UsageError` where a member's lookback is not there, `Untrained` before a fit.
    """
    seen: dict[View, Inputs] = {}
    return [_answer(member, x, seen) for member in members]


def _answer(member: Any, x: Mapping[int, Features], seen: dict[View, Inputs]) -> Forecast:
    found = x.get(member.lookback)
    if found is None:
        raise UsageError(
            f"there are no windows of {member.lookback} bars",
            where=type(member).__name__,
            allowed=sorted(x),
        )
    if not isinstance(member, Network) or type(member).inputs is not Network.inputs:
        forecast: Forecast = member.predict(found)
        return forecast
    view = _view(member)
    shown = seen.get(view)
    if shown is None:
        shown = seen[view] = member.inputs(found)
    return member.answer(found, shown)


def _view(member: Network) -> View:
    """Return all that the common `inputs` depend on, beside the rows."""
    learnt = rows.learnt(member)
    scale = learnt["centre"].tobytes(), learnt["gain"].tobytes()
    return member.lookback, member.columns, member.raw, *scale
