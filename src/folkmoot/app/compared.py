"""Two trained versions side by side, from what their cards record."""

from typing import Any

from folkmoot.app.shelved import Shelved, in_order

SCORES = ("log_loss", "brier", "accuracy", "pinball_bp")


def compared(first: Shelved, second: Shelved) -> dict[str, Any]:
    """Return both versions' scores at each horizon that they share, and what keeps them apart.

    `same_bars` says whether both were scored on the same bars and rows: otherwise a difference
    may be the bars' and not the models'. `better` names the lower log loss where the two 95 %
    intervals do not overlap, which is stricter than a paired test; else null.
    """
    cards = [one.card or {} for one in (first, second)]
    rows = [card.get("validation", {}).get("horizons", {}) for card in cards]
    names = [f"{one.name}@{one.version}" for one in (first, second)]
    shared = [horizon for horizon, _ in in_order(rows[0]) if horizon in rows[1]]
    same = cards[0].get("data", {}).get("hash") == cards[1].get("data", {}).get("hash")
    return {
        "models": names,
        "members": [first.model, second.model],
        "same_bars": same,
        "parameters_in_use": [first.parameters, second.parameters],
        "seconds": [card.get("cost", {}).get("seconds") for card in cards],
        "horizons": {h: _horizon(names, rows[0][h], rows[1][h]) for h in shared},
    }


def _horizon(names: list[str], first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    pairs = {score: [first.get(score), second.get(score)] for score in SCORES}
    return {
        "n": [first["n"], second["n"]],
        "earned": [first["earned"], second["earned"]],
        **pairs,
        "better": _better(names, *pairs["log_loss"]),
    }


def _better(names: list[str], first: Any, second: Any) -> str | None:
    """Return whose [mean, low, high] lies wholly below the other's."""
    if not first or not second or None in (*first, *second):
        return None
    if first[2] < second[1]:
        return names[0]
    return names[1] if second[2] < first[1] else None
