"""Every member by name: its kind, its options, and whether a stored study has tried it."""

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from folkmoot.committee import Committee

ENSEMBLE = "ensemble"


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """A member as the service lists it.

    `status` is `trained` only where a stored study of `market` has fitted and scored it and did not
    fail itself (too short, suspect, or with skill found where none can be). `verdict`
    is that study's, `study` its key, and `skill` its row for the member: status (`earned`,
    `no_earned_weight`, ...), weight, n, accuracy and its interval, log loss, brier.
    """

    id: str
    kind: str
    parameters: dict[str, Any]
    status: str = "untrained"
    market: str | None = None
    timeframe: str | None = None
    verdict: str | None = None
    study: str | None = None
    skill: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "id": self.id,
            "kind": self.kind,
            "status": self.status,
            "parameters": self.parameters,
            "market": self.market,
            "timeframe": self.timeframe,
            "verdict": self.verdict,
            "study": self.study,
            "skill": self.skill,
        }


def members(committee: "Committee | None" = None) -> list[MemberStatus]:
    """Return every model, every baseline, and `committee` (the default one) as `ensemble`."""
    from folkmoot.core.plugins import load, options
    from folkmoot.models import BASELINES, MODELS

    found = [
        MemberStatus(name, "baseline" if name in BASELINES else "model", plain(options(plugin)))
        for name in MODELS
        if (plugin := load("folkmoot.models", name))
    ]
    from folkmoot.committee import Committee

    seated = list((committee or Committee()).models)
    return [*found, MemberStatus(ENSEMBLE, "committee", {"models": seated})]


def plain(given: dict[str, Any]) -> dict[str, Any]:
    """Return constructor defaults as JSON values; one without a default is null."""
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return None
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)
