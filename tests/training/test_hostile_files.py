"""A file may say anything: what reads it answers in time, in little memory, by a typed error."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training import hostile

from folkmoot.core.errors import DataError, FolkmootError, UsageError
from folkmoot.training import NeuralPredictor, container
from folkmoot.training.artefacts import load_model
from folkmoot.training.documents_export import setup_inference

torch = pytest.importorskip("torch", reason="needs the extra neural")

MOST_SECONDS = 1.0
MOST_MB = 50


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, hostile.Contents]:
    """Contents that are served as they are, by member."""
    folder = tmp_path_factory.mktemp("bases")
    return {
        "ar1": hostile.numbers(),
        "gru_standard": hostile.network(),
        "a document's": hostile.document(folder / "model.pt"),
    }


def asked(place: Path, beside: Path) -> dict[str, Callable[[], Any]]:
    """Return everything that reads a model file; `beside` holds one that is good."""

    def joined() -> Any:
        predictor = NeuralPredictor()
        predictor.load_model("good", beside)
        predictor.load_model("other", place)
        return predictor

    return {
        "load_model": lambda: load_model(place),
        "setup_inference": lambda: setup_inference(place),
        "NeuralPredictor": joined,
    }


@pytest.fixture
def refused(tmp_path: Path, bases: dict[str, hostile.Contents]) -> Callable[[bytes], None]:
    """Assert that a file of these bytes is refused by all readers, in time."""
    good, bad = tmp_path / "good.pt", tmp_path / "bad.pt"
    good.write_bytes(container.pack(*bases["ar1"]))

    def check(body: bytes) -> None:
        bad.write_bytes(body)
        for read in asked(bad, good).values():
            began = time.perf_counter()
            with pytest.raises(DataError):
                read()
            assert time.perf_counter() - began < MOST_SECONDS

    return check


F64 = {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}
ENTRIES: dict[str, Any] = {
    "65 axes": {**F64, "shape": [1] * 65},
    "9 axes": {**F64, "shape": [1] * 9},
    "no numbers, but axes beyond numpy": {
        **F64,
        "shape": [1_999_999_999] * 3 + [0],
        "data_offsets": [0, 0],
    },
    "100,000 axes": {**F64, "shape": [1_999_999_999] * 100_000},
    "an axis below zero": {**F64, "shape": [-1]},
    "an axis of truth": {**F64, "shape": [True]},
    "an axis of 1.0": {**F64, "shape": [1.0]},
    "a shape of text": {**F64, "shape": "1"},
    "a shape of nothing": {**F64, "shape": None},
    "a shape with names": {**F64, "shape": {"1": 1}},
    "an overflow": {**F64, "shape": [2**62, 2**62]},
    "offsets of text": {**F64, "data_offsets": ["0", "8"]},
    "offsets of 8.0": {**F64, "data_offsets": [0.0, 8.0]},
    "three offsets": {**F64, "data_offsets": [0, 4, 8]},
    "offsets the wrong way": {**F64, "data_offsets": [8, 0]},
    "an unknown type": {**F64, "dtype": "F8"},
    "a type that is a list": {**F64, "dtype": ["F64"]},
    "a list": ["F64", [1], [0, 8]],
    "nothing": None,
}


@pytest.mark.parametrize("what", ENTRIES)
def test_a_sealed_header_that_lies_is_refused(
    what: str, refused: Callable[[bytes], None], tmp_path: Path
) -> None:
    honest = tmp_path / "honest.pt"
    honest.write_bytes(hostile.described(F64))
    assert container.read(honest)[0]["a"].shape == (1,)
    refused(hostile.described(ENTRIES[what]))


@pytest.mark.parametrize("facts", [[], None, 3, "facts", True, [[]]])
def test_facts_without_names_are_refused(facts: Any, refused: Callable[[bytes], None]) -> None:
    body = json.dumps(facts).encode()
    entry = {"dtype": "U8", "shape": [len(body)], "data_offsets": [0, len(body)]}
    refused(hostile.sealed({"__metadata__": hostile.META, "facts": entry}, body))


def test_arrays_without_numbers_are_arrays(tmp_path: Path) -> None:
    arrays = {
        "a": np.empty((0, 5)),
        "b": np.ones((2, 3), dtype=np.float32),
        "c": np.empty((3, 0)),
        "d": np.arange(3),
    }
    place = tmp_path / "empty.safetensors"
    container.write(place, container.pack(arrays, {}))
    again, facts = container.read(place)
    assert facts == {}
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array, strict=True)


def test_a_header_of_any_length_is_read(tmp_path: Path) -> None:
    place, starts = tmp_path / "m.safetensors", set()
    for length in [*range(1, 300), *range(18_900, 19_300, 8)]:
        body = container.pack({"a" * length: np.ones(1)}, {})
        container.write(place, body)
        assert list(container.read(place)[0]) == ["a" * length]
        starts |= {body[:1], body[:2]}
    # So do a pickle and a zip archive begin.
    assert {b"\x80", b"PK"} <= starts


@pytest.mark.parametrize("place", ["a\0b", "x" * 5_000, "/", ""])
def test_what_is_no_path_is_refused(place: str) -> None:
    for read in (load_model, setup_inference):
        with pytest.raises(DataError):
            read(place)


CARDS: dict[str, Any] = {
    "a list": [],
    "nothing": None,
    "a number": 3,
    "a validation that is a list": {"validation": []},
    "a validation of nothing": {"validation": None},
    "a validation that says yes": {"validation": {"passed": "yes"}},
}


@pytest.mark.parametrize("what", CARDS)
def test_a_card_that_is_none_is_refused(
    what: str, refused: Callable[[bytes], None], bases: dict[str, hostile.Contents]
) -> None:
    arrays, facts = bases["ar1"]
    refused(container.pack(arrays, {**facts, "card": CARDS[what]}))


HALVES: dict[str, Any] = {
    "no timeframe": {"timeframe": None},
    "no features": {"features": []},
    "a hash that is a number": {"features": {"name": "core", "hash": 3}},
    "a file of features": {"features": {"name": "/etc/passwd.toml", "hash": ""}},
    "a symbol that is a list": {"symbol": []},
    "horizons in a list": {"validation": {"passed": True, "horizons": []}},
    "a horizon of nothing": {"validation": {"passed": True, "horizons": {"1": None}}},
    "a calibration of one number": {"calibration": {"1": [1.0]}},
    "a calibration of texts": {"calibration": {"1": ["1", "0"]}},
}


@pytest.mark.parametrize("what", HALVES)
def test_a_card_that_tells_half_is_not_asked(
    what: str, tmp_path: Path, bases: dict[str, hostile.Contents]
) -> None:
    arrays, facts = bases["ar1"]
    good, half = tmp_path / "good.pt", tmp_path / "half.pt"
    good.write_bytes(container.pack(arrays, facts))
    changed = {key: v for key, v in {**facts["card"], **HALVES[what]}.items() if v is not None}
    half.write_bytes(container.pack(arrays, {**facts, "card": changed}))
    predictor = NeuralPredictor()
    predictor.load_model("good", good)
    with pytest.raises(DataError):
        predictor.load_model("half", half)
    assert predictor.models == ("good",)


LIES: dict[str, dict[str, Any]] = {
    "hidden 3,000": {"hidden": 3_000},
    "hidden 10^6": {"hidden": 10**6},
    "hidden 10^7": {"hidden": 10**7},
    "hidden 2^62": {"hidden": 2**62},
    "hidden 1.5": {"hidden": 1.5},
    "layers 10^6": {"layers": 10**6},
    "layers 2": {"layers": 2},
    "lookback 10^12": {"lookback": 10**12},
    "lookback 3.0": {"lookback": 3.0},
    "10^9 seeds": {"training": {"seeds": 10**9}},
    "horizons of text": {"horizons": ["a"]},
}


@pytest.mark.parametrize("what", LIES)
def test_a_network_larger_than_its_arrays_is_refused(
    what: str, refused: Callable[[bytes], None], bases: dict[str, hostile.Contents]
) -> None:
    arrays, facts = bases["gru_standard"]
    state = {**facts["state"], "options": {**facts["state"]["options"], **LIES[what]}}
    refused(container.pack(arrays, {**facts, "state": state}))


def graph(*nodes: tuple[str, str, str, dict[str, int]]) -> bytes:
    """Return an ONNX graph of nodes (operator, input, output, attributes), from x to raw."""
    helper = pytest.importorskip("onnx.helper", reason="needs the extra onnx")
    made = [
        helper.make_node(op, source.split(), [name], **told) for op, source, name, told in nodes
    ]
    ends = [helper.make_tensor_value_info(name, 1, None) for name in ("x", "raw")]
    model = helper.make_model(
        helper.make_graph(made, "graph", ends[:1], ends[1:]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    return bytes(model.SerializeToString())


GRAPHS: dict[str, tuple[tuple[str, str, str, dict[str, int]], ...]] = {
    "no operator": (("Nope", "x", "raw", {}),),
    "an operator without a kernel": (
        ("Cast", "x", "wide", {"to": 11}),
        ("Asinh", "wide", "other", {}),
        ("Cast", "other", "raw", {"to": 1}),
    ),
    "nothing that leads to its end": (("Relu", "x", "other", {}),),
}


@pytest.mark.parametrize("what", GRAPHS)
def test_a_graph_that_cannot_run_is_refused(
    what: str, refused: Callable[[bytes], None], bases: dict[str, hostile.Contents]
) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    arrays, facts = bases["gru_standard"]
    body = np.frombuffer(graph(*GRAPHS[what]), dtype=np.uint8)
    state = {**facts["state"], "served": {"by": "onnx"}}
    refused(container.pack({**arrays, "onnx0": body}, {**facts, "state": state}))


MEASURED = """
import json, resource, sys
from folkmoot.core.errors import DataError
from folkmoot.training.artefacts import load_model
from folkmoot.training.documents_export import setup_inference
told = {}
def top():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
load_model(sys.argv[1]), setup_inference(sys.argv[2])
for path in sys.argv[3:]:
    before = top()
    for read in (load_model, setup_inference):
        try:
            read(path)
        except DataError:
            told[path] = top() - before
print(json.dumps({"grown": told, "sympy": "sympy" in sys.modules}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts in Linux's kilobytes")
def test_lies_about_sizes_cost_no_memory(
    tmp_path: Path, bases: dict[str, hostile.Contents]
) -> None:
    lies = []
    for name in ("gru_standard", "a document's"):
        arrays, facts = bases[name]
        (tmp_path / name).write_bytes(container.pack(arrays, facts))
        for hidden in (1_000, 3_000, 10_000):
            size = {"hidden": hidden}
            state = facts.get("state", {"options": {}})
            state = {**state, "options": {**state["options"], **size}}
            told = {**facts, "state": state, "size": {**facts.get("size", {}), **size}}
            lies.append(tmp_path / f"{name} {hidden}")
            lies[-1].write_bytes(container.pack(arrays, told))
    honest = [str(tmp_path / name) for name in ("gru_standard", "a document's")]
    given = [sys.executable, "-c", MEASURED, *honest, *map(str, lies)]
    found = json.loads(subprocess.run(given, check=True, capture_output=True).stdout)
    assert set(found["grown"]) == set(map(str, lies))
    assert sum(found["grown"].values()) < MOST_MB
    assert not found["sympy"]


@pytest.mark.parametrize("name", ["ar1", "gru_standard", "a document's"])
def test_random_contents_are_served_or_refused(
    name: str, tmp_path: Path, bases: dict[str, hostile.Contents]
) -> None:
    rng = np.random.default_rng(11)
    good, place = tmp_path / "good.pt", tmp_path / "changed.pt"
    good.write_bytes(container.pack(*bases["ar1"]))
    told: Counter[str] = Counter()
    for _ in range(100):
        place.write_bytes(container.pack(*hostile.mutated(bases[name], rng)))
        for reader in asked(place, good).values():
            try:
                reader()
            except FolkmootError:
                told["refused"] += 1
            else:
                told["served"] += 1
    assert min(told["refused"], told["served"]) >= 10


def test_the_fence_lets_every_honest_network_pass() -> None:
    from folkmoot import models
    from folkmoot.core import plugins
    from folkmoot.models.neural.network import Network
    from folkmoot.training import claims

    built = 0
    for name in plugins.names(models.__name__):
        if not issubclass(plugins.load(models.__name__, name), Network):
            continue
        small = models.build(name)
        for lookback in (small.lookback, max(small.lookback, 256)):
            member = models.build(name, lookback=lookback)
            state = member.network(64, 32).state_dict()
            with claims.fence({key: tensor.numpy() for key, tensor in state.items()}):
                member.network(64, 32)
            built += 1
    assert built >= 50


def test_a_name_that_is_no_model_is_refused_by_what_there_is(
    tmp_path: Path, bases: dict[str, hostile.Contents]
) -> None:
    arrays, facts = bases["ar1"]
    place = tmp_path / "m.pt"
    for name in ("", "memory", "own", "neural", "__init__", "networks", "../ar1", "a.py", 3, None):
        place.write_bytes(container.pack(arrays, {**facts, "model": name}))
        with pytest.raises(DataError):
            load_model(place)
    with pytest.raises(UsageError):
        NeuralPredictor().load_model("m", place, weight=0.0)
