"""A trained version as a file for others: our container, an ONNX graph, a library's own trees."""

from pathlib import Path
from typing import Any

from folkmoot.app.load import check_absent, check_file
from folkmoot.app.shelved import Shelved
from folkmoot.core.errors import UsageError
from folkmoot.core.hashing import canonical_json

GRAPH = ".onnx"
TREES = {"lightgbm": ".txt", "xgboost": ".json", "catboost": ".json"}
"""How each boosting library's own text ends."""


Files = dict[Path, bytes]


def exported(found: Shelved, path: Path, *, overwrite: bool = False) -> list[Path]:
    """Write the version to `path` and return the files.

    `x.onnx` gets the network's graph (one file a seed: `x.onnx`, `x.1.onnx`, ...) and `x.onnx.json`
    what has to be done before and after it. `x.txt` of LightGBM and `x.json` of XGBoost and
    CatBoost get the library's own text of each forest, `x.up_1.txt`, `x.scale_1.txt`, ..., and
    `x.txt.card.json` how to ask them. Any other path gets our container, its card in
    `PATH.card.json`. Nothing is written unless all of it can be.
    Raises `UsageError` where there is no graph to export, for a file that is there already unless
    `overwrite`, and always for one on the shelf.
    """
    from folkmoot.training import container

    files = _files(found, path)
    kept = found.path.parent.parent.resolve()
    if any(kept in file.resolve().parents for file in files):
        raise UsageError(
            f"{path} lies on the shelf of trained models", where="export", allowed="another folder"
        )
    check_absent(files, "export", overwrite=overwrite)
    for file in files:
        check_file(file)
    for file, body in files.items():
        container.write(file, body)
    return list(files)


def _files(found: Shelved, path: Path) -> Files:
    """Return what is to be written, by file."""
    if path.suffix.lower() == GRAPH:
        return _graphs(found, path)
    if path.suffix.lower() == TREES.get(found.model):
        return _trees(found, path)
    if path.suffix.lower() == ".json":
        raise UsageError("that is a card's ending", where=str(path), allowed="x.safetensors, x.pt")
    return {path: found.path.read_bytes(), beside(path): canonical_json(dict(found.card or {}))}


def beside(path: Path) -> Path:
    """Return where the card of an exported file goes: `mine.pt.card.json`, `net.onnx.json`."""
    return path.with_name(f"{path.name}{'' if path.suffix.lower() == GRAPH else '.card'}.json")


def _graphs(found: Shelved, path: Path) -> Files:
    from folkmoot.training import container

    arrays, facts = container.read(found.path)
    names = sorted(name for name in arrays if name.startswith("onnx") and name[4:].isdigit())
    if not names:
        raise UsageError(
            f"{found.name} ({found.model}) has no ONNX form",
            where=str(path),
            allowed="a network" + _endings(found),
        )
    files = {
        path.with_suffix(f".{place}{GRAPH}") if place else path: arrays[name].tobytes()
        for place, name in enumerate(names)
    }
    return files | {beside(path): canonical_json(_scaling(found, arrays, facts["state"]))}


def _endings(found: Shelved) -> str:
    own = TREES.get(found.model)
    return (f"; here x{own}, its library's own text" if own else "") + "; x.safetensors, our own"


def _trees(found: Shelved, path: Path) -> Files:
    from folkmoot.training import container

    arrays, facts = container.read(found.path)
    state = facts["state"]
    files = {
        path.with_suffix(f".{part}_{horizon}{path.suffix}"): arrays[f"{part}_{horizon}"].tobytes()
        for part in ("up", "scale")
        for horizon in state["options"]["horizons"]
    }
    return files | {beside(path): canonical_json(_asked_trees(found, arrays, state))}


def _asked_trees(found: Shelved, arrays: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Return what whoever loads the forests needs: the columns, and how to read the answers."""
    from folkmoot.core.forecast import LEVELS

    return _named(found) | {
        "options": state["options"],
        "input": {"columns": state["columns"], "says": "raw values, NaN where unknown"},
        "output": {
            "horizons": state["options"]["horizons"],
            "levels": list(LEVELS),
            "shape": arrays["shape"].tolist(),
            "says": "p_up = sigmoid(raw score of up_h); quantiles = shape[h] * ewma_vol * sqrt(h) "
            "* exp(raw score of scale_h)",
        },
    }


def _named(found: Shelved) -> dict[str, Any]:
    """Return which version this is, of what market, and how its probabilities are calibrated."""
    card = dict(found.card or {})
    return {
        "model": found.model,
        "name": found.name,
        "version": found.version,
        **{key: card.get(key) for key in ("symbol", "timeframe", "features", "calibration")},
    }


def _scaling(found: Shelved, arrays: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """Return what a graph's user needs: inputs, their scores, and how to read the answer."""
    from folkmoot.core.forecast import LEVELS
    from folkmoot.models.neural.network import CLIP
    from folkmoot.models.neural.targets import BOUND, SMALLEST_GAP

    own = {name: array.tolist() for name, array in arrays.items() if name.startswith("own.")}
    return _named(found) | {
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
        "own": own,
    }
