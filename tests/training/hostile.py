"""Files that lie: sealed as ours are, with contents that no training has written."""

import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from tests.models.conftest import make

from folkmoot import models
from folkmoot.core.forecast import LEVELS
from folkmoot.features import feature_set
from folkmoot.training import container
from folkmoot.training.container import Arrays

META = {"format": container.FORMAT, "seal": "0" * 64}
Contents = tuple[Arrays, dict[str, Any]]

SMALL = {"hidden": 4, "layers": 1, "lookback": 3}


def sealed(header: Any, body: bytes = b"") -> bytes:
    """Return a file of that header and body with a seal that holds."""
    text = json.dumps(header, separators=(",", ":")).encode()
    whole = struct.pack("<Q", len(text)) + text + body
    return whole.replace(b"0" * 64, hashlib.sha256(whole).hexdigest().encode(), 1)


def described(entry: Any) -> bytes:
    """Return such a file with facts and one array of 8 bytes, described by `entry`."""
    facts = {"dtype": "U8", "shape": [2], "data_offsets": [8, 10]}
    return sealed({"__metadata__": META, "a": entry, "facts": facts}, bytes(8) + b"{}")


def card() -> dict[str, Any]:
    """Return a card that is served: what it says of features is so."""
    return {
        "symbol": "WALK/USD",
        "timeframe": "1h",
        "features": {"name": "core", "hash": feature_set("core", "1h").hash()},
        "validation": {"passed": True, "horizons": {"1": {"earned": True}}},
        "calibration": {"1": [1.0, 0.0]},
    }


def contents_of(name: str, member: Any) -> Contents:
    """Return the arrays and facts of a model file."""
    arrays, state = member.state()
    facts = {"model": name, "state": json.loads(container.canonical_json(state)), "card": card()}
    return dict(arrays), facts


def numbers() -> Contents:
    """Return a member without a network, fitted."""
    market = make(600)
    member = models.build("ar1").fit(market.x(2), market.labels(2, 1), np.ones(599))
    return contents_of("ar1", member)


def network(name: str = "gru_standard") -> Contents:
    """Return a network as a fit leaves it, with weights that no fit has touched."""
    member = models.build(name, **SMALL)
    member.columns = ("return_1", "rsi_14")
    ones, shape = np.ones(2), np.linspace(-2.0, 2.0, len(LEVELS))[None]
    member.learnt = {"centre": ones, "gain": ones, "base": np.zeros(1), "shape": shape}
    for key, tensor in member.network(2, 8).state_dict().items():
        member.learnt[f"net0.{key}"] = tensor.numpy()
    return contents_of(name, member)


def document(path: Path) -> Contents:
    """Return the contents of the file that document 001's `export_model` writes."""
    import torch

    from folkmoot.models.networks.trading_model import TradingModel
    from folkmoot.training.documents_export import export_model

    sizes = {"input_channels": 5, "n_indicators": 3, "output_dim": 1}
    model = TradingModel(sizes, channels=4, hidden=4, layers=1, heads=2)
    model(torch.randn(4, 6, 5), torch.randn(4, 3))
    export_model(model, path)
    return container.read(path)


STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 1.5, 1e308, 10**7, 2**63 - 1, "", "x", "1h", "\0.toml"),
    *("x" * 5000 + ".py", "/etc/hosts.toml", "core", [], [[]], [None], [1, 5], ["a"], {}),
    *({"a": 1}, {"1": []}, {"validation": {"passed": True}}, [10**6] * 20, "tft", "gru"),
)
KINDS: tuple[Any, ...] = tuple(container.KINDS.values())


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of everything in a tree of JSON values."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in list(keys):
        yield tree, key
        yield from places(tree[key])


def mutated(contents: Contents, rng: np.random.Generator) -> Contents:
    """Return the contents with one or two of their values, keys or arrays changed."""
    arrays, facts = dict(contents[0]), deepcopy(contents[1])
    for _ in range(int(rng.integers(1, 3))):
        change = CHANGES[int(rng.integers(len(CHANGES)))] if arrays else _value
        change(arrays, facts, rng)
    return arrays, facts


def _some(given: Any, rng: np.random.Generator) -> Any:
    return given[int(rng.integers(len(given)))]


def _value(arrays: Arrays, facts: dict[str, Any], rng: np.random.Generator) -> None:
    del arrays
    # Upper floors of the tree are as likely as its many leaves.
    found = list(places(facts)) + 5 * [(facts, key) for key in facts]
    if found:
        where, key = _some(found, rng)
        where[key] = _some(STRANGE, rng)


def _left_out(arrays: Arrays, facts: dict[str, Any], rng: np.random.Generator) -> None:
    del arrays
    found = [place for place in places(facts) if isinstance(place[0], dict)]
    if found:
        where, key = _some(found, rng)
        del where[key]


def _added(arrays: Arrays, facts: dict[str, Any], rng: np.random.Generator) -> None:
    del arrays
    found = [facts] + [w[k] for w, k in places(facts) if isinstance(w[k], dict)]
    _some(found, rng)["further"] = _some(STRANGE, rng)


def _shape(arrays: Arrays, facts: dict[str, Any], rng: np.random.Generator) -> None:
    del facts
    name = _some(list(arrays), rng)
    array = arrays[name]
    empty = np.empty((0, 3), dtype=array.dtype)
    forms = (array[..., None], array[:0], array.T, array.ravel()[:-1], array[None, None], empty)
    arrays[name] = _some(forms, rng)


def _kind(arrays: Arrays, facts: dict[str, Any], rng: np.random.Generator) -> None:
    del facts
    name = _some(list(arrays), rng)
    arrays[name] = np.zeros(arrays[name].shape, dtype=_some(KINDS, rng))


def _name(arrays: Arrays, facts: dict[str, Any], rng: np.random.Generator) -> None:
    del facts
    name = _some(list(arrays), rng)
    held = arrays.pop(name)
    if rng.random() < 0.5:
        arrays[_some(["net0.x", "net1.head", "onnx0", "x", name.upper()], rng)] = held


CHANGES: tuple[Callable[..., None], ...] = (_value, _value, _left_out, _added, _shape, _kind, _name)
