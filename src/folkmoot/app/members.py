"""Every member by name: its kind, its options, its size, and what has been made of it.

The service lists what stored studies say of members (`members`), the command line what lies on the
shelf of trained versions (`catalogue`).
"""

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from folkmoot.app.shelved import Shelved, shelved_all
from folkmoot.core.extras import get_extra

if TYPE_CHECKING:
    from folkmoot.committee import Committee
    from folkmoot.training.artefacts import Shelf

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
    from folkmoot.committee import Committee
    from folkmoot.models import BASELINES, MODELS

    found = [
        MemberStatus(name, "baseline" if name in BASELINES else "model", options_of(name))
        for name in MODELS
    ]

    seated = list((committee or Committee()).models)
    return [*found, MemberStatus(ENSEMBLE, "committee", {"models": seated})]


def options_of(name: str) -> dict[str, Any]:
    """Return a member's options as it is built without any, a preset's own among them."""
    from folkmoot import models
    from folkmoot.core.plugins import load, options

    known = options(load(models.__name__, name))
    if inspect.Parameter.empty in known.values():
        return plain(known)
    built = models.build(name)
    return plain({option: getattr(built, option, known[option]) for option in known})


def catalogue(shelf: "Shelf") -> list[dict[str, Any]]:
    """Return every member with its size and its versions on the shelf, as JSON values.

    `parameters`: trainable numbers of a network of the reference shape (64 features, 60 steps, 3
    answers), counted from the unfitted network; null for what is no network, and with a `note`
    where torch is not installed. `parameters_in_use`: of the version in use, or else of the newest.
    `status` is `trained` where a version has a passed, recorded validation.
    """
    kept: dict[str, list[Shelved]] = {}
    for one in shelved_all(shelf):
        kept.setdefault(one.model, []).append(one)
    rows = [
        _row(member, [] if member.id == ENSEMBLE else kept.pop(member.id, []))
        for member in members()
    ]
    rows[-1:-1] = [_row(_own(name, found[-1]), found) for name, found in kept.items() if name]
    if any(row["versions"] and row["status"] == "trained" for row in rows):
        rows[-1]["status"] = "trained"
    return rows


def _own(name: str, newest: "Shelved") -> MemberStatus:
    """Return a member that only its versions know of: one from a person's own file."""
    return MemberStatus(name, "own", dict((newest.card or {}).get("options", {})))


def _row(member: MemberStatus, versions: "list[Shelved]") -> dict[str, Any]:
    told = max(versions, key=lambda one: (one.in_use, one.passed, one.version), default=None)
    size, note = (None, None) if member.kind != "model" else reference_size(member.id)
    row: dict[str, Any] = {
        "id": member.id,
        "kind": member.kind,
        "status": "trained" if any(one.passed for one in versions) else "untrained",
        "parameters": size,
        "parameters_in_use": told.parameters if told else None,
        "options": member.parameters,
        "versions": [one.as_dict() for one in versions],
    }
    return row | ({"note": note} if note else {})


def reference_size(name: str) -> tuple[int | None, str | None]:
    """Return (trainable numbers of the unfitted reference network, why there is no such number)."""
    from folkmoot import models
    from folkmoot.models.neural.network import Network
    from folkmoot.models.neural.weights import has_torch

    member = models.build(name)
    if not isinstance(member, Network):
        return None, None
    if not has_torch():
        return None, f"not counted, torch is not installed: {get_extra('neural')}"
    import torch

    from folkmoot.models.networks.head import count

    with torch.random.fork_rng():
        return count(member.reference()), None


def plain(given: dict[str, Any]) -> dict[str, Any]:
    """Return constructor defaults as JSON values; one without a default is null."""
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return None
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return plain(value)
    return value if isinstance(value, bool | int | float | str | None) else str(value)
