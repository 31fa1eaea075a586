"""A graph that somebody else made, as far as it can be trusted: read, held to its shapes, asked.

Refused are: what is no ONNX; a graph that reads files, draws lots or loops without a known end;
arguments or answers of another name, type or shape than its member says; on rows, answers that
are no probabilities, or that change with the other rows in the batch.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError, EnvironmentProblem
from folkmoot.core.extras import get_extra
from folkmoot.models.neural import serving, targets
from folkmoot.models.neural.inputs import Index, Inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 512 << 20
PROBES = 64
PASS = 256
"""Rows that are asked at once."""

ALIKE = 1e-5
CHANCE = frozenset(
    {
        *("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
        *("Bernoulli", "Multinomial"),
    }
)
ENDLESS = frozenset({"Loop"})
FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64}


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph that may be asked: its session, its output, and the type of each argument."""

    running: Any
    output: str
    kinds: dict[str, Any]
    flat: bool
    places: tuple[int, ...]

    def answers(self, shown: Inputs, index: Index) -> Floats:
        """Return `[len(index), width]` float64 of the rows of `index`; NaN if it says so.

        Raises `DataError` if it fails on them, or answers P(up) outside of 0 .. 1.
        """
        parts = [self._ask(shown, index[i : i + PASS]) for i in range(0, len(index), PASS)]
        if not parts:
            return np.empty((0, self.places[1]))
        return np.concatenate(parts)

    def _ask(self, shown: Inputs, index: Index) -> Floats:
        given = {}
        for (name, kind), part in zip(self.kinds.items(), shown.take(index), strict=True):
            given[name] = (part[:, 0] if self.flat else part).astype(kind)
        try:
            told = np.asarray(self.running.run([self.output], given)[0])
        except _refusals() as problem:
            raise DataError(
                "the graph fails on these rows", where="graph", allowed=str(problem)[:200]
            ) from problem
        if told.ndim != 2 or told.shape[0] != len(index) or told.shape[1] not in self.places:
            raise _wrong(f"it answers {told.shape} to {len(index)} rows", self.places)
        raw = told.shape[1] == self.places[0]
        if not raw and ((told < 0.0) | (told > 1.0)).any():
            raise DataError(
                f"P(up) from {float(np.nanmin(told)):g} to {float(np.nanmax(told)):g}",
                where="graph",
                allowed="0 .. 1: end it in a sigmoid or a softmax",
            )
        return told.astype(np.float64)


@lru_cache(maxsize=16)
def _session(body: bytes) -> Any:
    _inspect(body)
    try:
        return serving.session(body)
    except _refusals() as problem:
        raise DataError(
            "this ONNX graph cannot be run", where="graph", allowed=str(problem)[:200]
        ) from problem


def graph(body: bytes, sizes: dict[str, int], lookback: int, horizons: int, output: str) -> Graph:
    """Return the graph of these bytes, held to arguments of so many columns.

    Raises `DataError` as the module says, `EnvironmentProblem` without the extra `onnx`.
    """
    if len(body) > LARGEST:
        raise DataError(f"{len(body)} bytes", where="graph", allowed=f"at most {LARGEST}")
    running = _session(body)
    found = {node.name: node for node in running.get_inputs()}
    if list(found) != list(sizes) and set(found) != set(sizes):
        raise _wrong(f"its arguments are {sorted(found)}", sorted(sizes))
    flat = lookback == 1 and all(len(node.shape) == 2 for node in found.values())
    for name, columns in sizes.items():
        wanted = (None, columns) if flat else (None, lookback, columns)
        _fits(found[name], wanted)
    outputs = [node.name for node in running.get_outputs()]
    if (output or outputs[0]) not in outputs or (not output and len(outputs) != 1):
        raise _wrong(f"its outputs are {outputs}", output or "one, or `output` says which")
    kinds = {name: FLOATS[found[name].type] for name in sizes}
    widths = (targets.WIDTH * horizons, horizons, *((2,) if horizons == 1 else ()))
    return Graph(running, output or outputs[0], kinds, flat, widths)


def on_rows(made: Graph, shown: Inputs, index: Index) -> None:
    """Ask for rows together, in reverse and alone; raises `DataError` unless all agree."""
    together = made.answers(shown, index)
    if not np.isfinite(together).all():
        raise DataError("it answers NaN to known rows", where="graph", allowed="numbers")
    back = made.answers(shown, index[::-1])[::-1]
    alone = np.concatenate([made.answers(shown, index[[i]]) for i in (0, -1)])
    for other, same in ((back, together), (alone, together[[0, -1]])):
        apart = float(np.abs(other - same).max())
        if apart > ALIKE * max(1.0, float(np.abs(same).max())):
            raise DataError(
                f"a row's answer changes with the other rows, by {apart:.1e}",
                where="graph",
                allowed="each row by itself: export it in evaluation mode",
            )


def _fits(node: Any, wanted: tuple[int | None, ...]) -> None:
    """Raise `DataError` unless an argument is of floats and of that shape, rows free."""
    if node.type not in FLOATS:
        raise _wrong(f"{node.name} is a {node.type}", sorted(FLOATS))
    shape = list(node.shape)
    fine = len(shape) == len(wanted) and not isinstance(shape[0], int)
    sized = zip(shape[1:], wanted[1:], strict=False)
    if not fine or any(isinstance(has, int) and has != want for has, want in sized):
        raise _wrong(f"{node.name} has shape {shape}", ["rows", *map(str, wanted[1:])])


def _inspect(body: bytes) -> None:
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs
    except ImportError as problem:
        raise EnvironmentProblem(
            "onnx is not installed", where="graph", allowed=get_extra("onnx")
        ) from problem
    try:
        model = onnx.load_model_from_string(body)
    except DecodeError as problem:
        raise DataError("this is no ONNX graph", where="graph", allowed="an ONNX file") from problem
    if not model.graph.node:
        raise DataError("this is no ONNX graph", where="graph", allowed="an ONNX file with nodes")
    functions = [node for function in model.functions for node in function.node]
    for node in (*_nodes(model.graph.node), *_nodes(functions)):
        if node.op_type in CHANCE | ENDLESS:
            raise DataError(f"it has a node {node.op_type}", where="graph", allowed="no such node")
    if any(t.data_location for t in _tensors(model)):
        raise DataError("it reads other files", where="graph", allowed="all weights inside")


def _nodes(given: Any) -> "Iterator[Any]":
    """Yield nodes, those inside of other nodes too."""
    for node in given:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner.node)


def _tensors(model: Any) -> "Iterator[Any]":
    """Yield every stored tensor of the graph, and of the graphs inside its nodes."""
    functions = [node for function in model.functions for node in function.node]
    yield from _stored(model.graph)
    for node in (*_nodes(model.graph.node), *_nodes(functions)):
        for attribute in node.attribute:
            yield from (attribute.t, attribute.sparse_tensor.values, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from _stored(inner)


def _stored(graph: Any) -> "Iterator[Any]":
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)


def _refusals() -> tuple[type[Exception], ...]:
    """Return every way in which onnxruntime says no."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = (
        *("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "ModelLoaded"),
        *("NoModel", "NoSuchFile", "NotImplemented", "RuntimeException", "EPFail"),
    )
    return tuple(getattr(state, name) for name in names if hasattr(state, name))


def _wrong(what: str, allowed: Any) -> DataError:
    return DataError(what, where="graph", allowed=str(allowed))
