"""A trained version as a file for others: our container, or an ONNX graph with its scaling."""

from pathlib import Path
from typing import Any

from folkmoot.app.shelved import Shelved
from folkmoot.core.errors import UsageError
from folkmoot.core.hashing import canonical_json

GRAPH = ".onnx"


def exported(found: Shelved, path: Path) -> list[Path]:
    """Write the version to `path` and return the files.

    `x.onnx` gets the network's graph (one file a seed: `x.onnx`, `x.1.onnx`, ...) and `x.json` what
    has to be done before and after it. Any other path gets our container, with the card beside it.
    Raises `UsageError` where there is no graph to export.
    """
    from folkmoot.training import container

    if path.suffix.lower() == GRAPH:
        return _graphs(found, path)
    card = path.with_suffix(".json")
    if card == path:
        raise UsageError("the card takes that name", where=str(path), allowed="x.safetensors, x.pt")
    container.write(path, found.path.read_bytes())
    container.write(card, canonical_json(dict(found.card or {})))
    return [path, card]


def _graphs(found: Shelved, path: Path) -> list[Path]:
    from folkmoot.training import container

    arrays, facts = container.read(found.path)
    names = sorted(name for name in arrays if name.startswith("onnx") and name[4:].isdigit())
    if not names:
        raise UsageError(
            f"{found.name} ({found.model}) has no ONNX form",
            where=str(path),
            allowed="a network, or another ending for our own file",
        )
    files = []
    for place, name in enumerate(names):
        file = path if not place else path.with_suffix(f".{place}{GRAPH}")
        container.write(file, arrays[name].tobytes())
        files.append(file)
    scaling = path.with_suffix(".json")
    container.write(scaling, canonical_json(_scaling(found, arrays, facts["state"])))
    return [*files, scaling]


def _scaling(found: Shelved, arrays: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Return what a graph's user needs: inputs, their scores, and how to read the answer."""
    from folkmoot.core.forecast import LEVELS
    from folkmoot.models.neural.network import CLIP
    from folkmoot.models.neural.targets import BOUND, SMALLEST_GAP

    card = dict(found.card or {})
    own = {name: array.tolist() for name, array in arrays.items() if name.startswith("own.")}
    return {
        "model": found.model,
        "name": found.name,
        "version": found.version,
        "symbol": card.get("symbol"),
        "timeframe": card.get("timeframe"),
        "features": card.get("features"),
        "options": state["options"],
        "input": {
            "columns": state["columns"],
            "steps": state["options"].get("lookback"),
            "centre": arrays["centre"].tolist(),
            "gain": arrays["gain"].tolist(),
            "clip": CLIP,
            "says": "score = clip((value - centre) * gain), [rows, steps, columns], newest last",
        },
        "output": {
            "horizons": state["options"]["horizons"],
            "levels": list(LEVELS),
            "base": arrays["base"].tolist(),
            "shape": arrays["shape"].tolist(),
            "bound": BOUND,
            "smallest_gap": SMALLEST_GAP,
            "says": "raw [rows, horizons * 8]: p_up = sigmoid(base + raw[0]); the other 7 move the "
            "quantiles from shape; times ewma_vol * sqrt(horizon)",
        },
        "calibration": card.get("calibration"),
        "own": own,
    }
