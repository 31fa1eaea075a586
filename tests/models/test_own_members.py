"""The laws of every member, for members that a person brings: a network, an estimator, a graph."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from safetensors.numpy import save_file
from tests.models import test_laws as laws

from folkmoot import models
from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, UsageError
from folkmoot.core.hashing import content_hash

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
torch = pytest.importorskip("torch", reason="needs the extra neural")

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = {
    "own_network": 'OwnNetwork.small = {"training": {"epochs": 4, "batch": 128, "rate": 4e-3}}\n',
    "own_estimator": 'OwnTrees.small = {"trees": 30}\n',
}
GRAPH = """
from pathlib import Path
from folkmoot.models.own import OnnxMember
class Drift(OnnxMember):
    path = Path(__file__).with_name("drift.onnx")
    inputs = {"x": ("momentum", "noise")}
PLUGIN = Drift
"""
ONE_MARKET = [
    laws.test_a_forecast_has_the_shapes_it_promises,
    laws.test_one_row_many_rows_and_a_prefix_give_the_same_bits,
    laws.test_probabilities_are_inside_and_quantiles_rise,
    laws.test_an_unfitted_member_refuses,
    laws.test_fitting_twice_gives_the_same_bits,
    laws.test_an_unknown_input_gives_an_unknown_answer_and_touches_no_other_row,
    laws.test_rows_without_weight_or_label_teach_nothing,
    laws.test_too_few_labels_are_refused,
    laws.test_a_missing_column_is_named,
    laws.test_wrong_shapes_and_options_are_refused,
    laws.test_a_strong_edge_is_learnt,
]


def linear(
    slope: Floats,
    nodes: tuple[tuple[str, str, str], ...] = (("Sigmoid", "z", "p_up"),),
    rows: Any = "rows",
    kind: int = onnx.TensorProto.FLOAT,
    **stored: Any,
) -> bytes:
    """Return a graph: what `nodes` (operator, input, output) make of x @ slope."""
    made = onnx.helper
    shape = np.atleast_2d(slope)
    values = made.make_tensor_value_info
    graph = made.make_graph(
        [
            made.make_node("MatMul", ["x", "slope"], ["z"]),
            *(made.make_node(node, [given], [out]) for node, given, out in nodes),
        ],
        "drift",
        [values("x", kind, [rows, shape.shape[0]])],
        [values("p_up", kind, None)],
        [onnx.numpy_helper.from_array(shape.astype(made.tensor_dtype_to_np_dtype(kind)), "slope")],
    )
    for name, value in stored.items():
        setattr(graph.initializer[0], name, value)
    model = made.make_model(graph, opset_imports=[made.make_opsetid("", 20)], ir_version=9)
    body: bytes = model.SerializeToString()
    return body


STEEP = np.array([[2.0, 2.0], [0.0, 0.0]])


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two examples that learn, made quick, and a graph on the laws' columns."""
    folder = tmp_path_factory.mktemp("own")
    for name, quick in QUICK.items():
        text = (EXAMPLES / f"{name}.py").read_text("utf-8")
        (folder / f"{name}.py").write_text(text + quick)
    (folder / "drift.py").write_text(GRAPH)
    (folder / "drift.onnx").write_bytes(linear(STEEP))
    return folder


KINDS = ("own_network", "own_estimator", "drift")
every = pytest.mark.parametrize("kind", KINDS)


@every
@pytest.mark.parametrize("law", ONE_MARKET, ids=lambda law: law.__name__[5:])
def test_it_obeys(law: Callable[..., None], kind: str, own: Path, market: Any) -> None:
    name, given = str(own / f"{kind}.py"), {"market": market}
    wanted = law.__code__.co_varnames[: law.__code__.co_argcount]
    law(name, **{key: value for key, value in given.items() if key in wanted})


@pytest.mark.parametrize("kind", ["own_network", "drift"])
@pytest.mark.parametrize("more", [5, 1])
def test_windows_of_another_length_are_refused(
    kind: str, more: int, own: Path, market: Any
) -> None:
    model = laws.fitted(str(own / f"{kind}.py"))
    steps = model.lookback + more
    x, y = market.x(steps), market.labels(steps, 2)
    with pytest.raises(DataError, match=f"show {steps} bars"):
        model.predict(x)
    with pytest.raises(DataError, match=f"show {steps} bars"):
        type(model)(horizons=(1, 5)).fit(x, y, np.ones(len(x)))


@every
def test_shuffled_labels_give_chance(kind: str, own: Path, make_market: Any) -> None:
    laws.test_shuffled_labels_give_chance(str(own / f"{kind}.py"), make_market)


@every
def test_restored_in_another_process_it_gives_the_same_bits(
    kind: str, own: Path, market: Any, tmp_path: Path
) -> None:
    name = str(own / f"{kind}.py")
    model = laws.fitted(name)
    arrays, facts = model.state()
    save_file({"v": market.table.values, "t": market.table.known_at}, tmp_path / "table")
    save_file(arrays, tmp_path / "arrays")
    (tmp_path / "facts").write_bytes(orjson.dumps({"state": facts, "names": market.table.names}))
    answer = model.predict(market.x(model.lookback))
    found = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path), name], check=True, capture_output=True
    )
    assert json.loads(found.stdout) == content_hash(answer.p_up, answer.quantiles)


READER = """
import json, sys
from pathlib import Path
import orjson
from safetensors.numpy import load_file
from folkmoot.core import plugins
from folkmoot.core.hashing import content_hash
from folkmoot.features import Table, windows
root, name = Path(sys.argv[1]), sys.argv[2]
facts, table = orjson.loads((root / "facts").read_bytes()), load_file(root / "table")
model = plugins.load("folkmoot.models", name).restore(load_file(root / "arrays"), facts["state"])
x = windows(Table(table["v"], tuple(facts["names"]), table["t"]), model.lookback)
answer = model.predict(x)
print(json.dumps(content_hash(answer.p_up, answer.quantiles)))
"""

SCALED = """
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from folkmoot.models.own import SklearnMember
class PLUGIN(SklearnMember):
    def make(self):
        return make_pipeline(StandardScaler(), {})
"""


def estimator(tmp_path: Path, made: str) -> Any:
    place = tmp_path / "mine.py"
    place.write_text(SCALED.replace("{}", made))
    return models.build(str(place))


@pytest.mark.parametrize("made", ["LogisticRegression()", "KNeighborsClassifier(50)"])
def test_an_estimator_is_asked_for_what_it_knows(made: str, tmp_path: Path, market: Any) -> None:
    x, y = market.x(), market.labels(1, 1)
    model = estimator(tmp_path, made).fit(x.rows(slice(0, 2000)), y[:2000], np.ones(2000))
    p_up = model.predict(x.rows(slice(2000, 2990))).p_up
    assert ((p_up > 0.5) == (y[2000:2990] > 0.0)).mean() > 0.7


def test_every_chance_in_an_estimator_is_seeded(tmp_path: Path, market: Any) -> None:
    x, y = market.x().rows(slice(0, 300)), market.labels(1, 1)[:300]
    answers = [
        estimator(tmp_path, "MLPClassifier((4,), tol=1.0)").fit(x, y, np.ones(300)).predict(x).p_up
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize(
    ("made", "said"),
    [("RidgeClassifier()", "no predict_proba"), ("KNeighborsClassifier()", "takes no weights")],
)
def test_an_estimator_that_cannot_is_refused(
    made: str, said: str, tmp_path: Path, market: Any
) -> None:
    x, y = market.x(), market.labels(1, 1)
    with pytest.raises(UsageError, match=said):
        estimator(tmp_path, made).fit(x, y, np.linspace(0.5, 1.0, len(x)))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("told", lambda a: a + 0.01, "answers otherwise"),
        ("values", lambda a: a[:, :-1], "arrays"),
        ("up", lambda a: a + 1, "arrays"),
        ("weights", lambda a: a * np.nan, "not finite"),
    ],
)
def test_an_estimator_taught_something_else_is_refused(
    name: str, change: Any, said: str, own: Path
) -> None:
    model = laws.fitted(str(own / "own_estimator.py"))
    arrays, facts = model.state()
    with pytest.raises(DataError, match=said):
        type(model).restore({**arrays, name: np.ascontiguousarray(change(arrays[name]))}, facts)


MEAN = (("ReduceMean", "z", "m"), ("Sigmoid", "m", "p_up"))
LOTS = (("RandomUniformLike", "z", "p_up"),)
INT64 = onnx.TensorProto.INT64
HOSTILE = {
    "a pickle": (b"\x80\x04K\x01.", "no ONNX"),
    "nothing": (b"", "no ONNX"),
    "half a graph": (linear(STEEP)[:60], "ONNX"),
    "raw logits": (linear(STEEP, (("Identity", "z", "p_up"),)), "P\\(up\\) from"),
    "other columns": (linear(np.ones((3, 2))), "has shape"),
    "one row": (linear(STEEP, rows=1), "has shape"),
    "whole numbers": (linear(STEEP, (("Identity", "z", "p_up"),), kind=INT64), "is a tensor"),
    "three answers": (linear(np.ones((2, 3))), "answers"),
    "the batch's mean": (linear(STEEP, MEAN), "answers|other rows"),
    "a lottery": (linear(STEEP, LOTS), "RandomUniformLike"),
    "an unknown operator": (linear(STEEP, (("Oracle", "z", "p_up"),)), "ONNX"),
    "a file elsewhere": (linear(STEEP, data_location=1), "other files"),
    "no numbers": (linear(STEEP * np.nan), "NaN"),
}


@pytest.mark.parametrize("which", HOSTILE)
def test_a_graph_that_cannot_be_trusted_is_refused(which: str, tmp_path: Path, market: Any) -> None:
    body, said = HOSTILE[which]
    (tmp_path / "mine.py").write_text(GRAPH)
    (tmp_path / "drift.onnx").write_bytes(body)
    model = models.build(str(tmp_path / "mine.py"), horizons=(1, 5))
    with pytest.raises(DataError, match=said):
        model.fit(market.x(), market.labels(1, 2), np.ones(3000))


def test_another_graph_is_another_member(tmp_path: Path, market: Any) -> None:
    (tmp_path / "mine.py").write_text(GRAPH)
    (tmp_path / "drift.onnx").write_bytes(linear(STEEP))
    first = models.build(str(tmp_path / "mine.py"), horizons=(1, 5))
    (tmp_path / "drift.onnx").write_bytes(linear(2.0 * STEEP))
    assert models.build(str(tmp_path / "mine.py")).seal != first.seal
    with pytest.raises(DataError, match="has changed"):
        first.fit(market.x(), market.labels(1, 2), np.ones(3000))
    (tmp_path / "drift.onnx").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        models.build(str(tmp_path / "mine.py"))


def test_a_graph_may_answer_raw_numbers_or_two_classes(tmp_path: Path, market: Any) -> None:
    (tmp_path / "mine.py").write_text(GRAPH)
    x, y = market.x(), market.labels(1, 1)
    raw = np.zeros((2, 8))
    raw[0, 0] = 1.0
    answers = {}
    for name, nodes, slope in (
        ("raw", (("Identity", "z", "p_up"),), raw),
        ("classes", (("Softmax", "z", "p_up"),), [[0.0, 1.0], [0.0, 0.0]]),
        ("p_up", (("Sigmoid", "z", "p_up"),), [[1.0], [0.0]]),
    ):
        (tmp_path / "drift.onnx").write_bytes(linear(np.array(slope), nodes))
        model = models.build(str(tmp_path / "mine.py")).fit(x, y, np.ones(len(x)))
        answers[name] = model.predict(x)
    np.testing.assert_allclose(answers["classes"].p_up, answers["p_up"].p_up, atol=1e-6)
    base = model.learnt["base"]
    np.testing.assert_allclose(laws.logit(answers["raw"].p_up), x.of("momentum") + base, atol=1e-3)
    np.testing.assert_allclose(answers["raw"].quantiles, answers["p_up"].quantiles, atol=1e-9)
