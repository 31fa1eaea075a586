"""Ask a network in its ONNX form: needs onnxruntime, not torch."""

from functools import lru_cache
from typing import Any

import numpy as np

from folkmoot.core.bars import Floats
from folkmoot.core.errors import DataError
from folkmoot.models.neural.inputs import Array, Index, Inputs

PASS = 256
"""Rows that are asked at once."""

ANSWER = ["raw"]
REFUSALS = (
    *("EPFail", "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "ModelLoaded"),
    *("NoModel", "NoSuchFile", "NotImplemented", "RuntimeException"),
)
"""The ways in which onnxruntime refuses a graph; they have no common base."""


@lru_cache(maxsize=1)
def available() -> bool:
    """Return whether onnxruntime is installed."""
    from importlib.util import find_spec

    return find_spec("onnxruntime") is not None


@lru_cache(maxsize=256)
def session(body: bytes) -> Any:
    """Return a session of one thread for an ONNX graph, kept for the next time.

    Raises `DataError` for bytes that are no such graph.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as refusals

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    refused = tuple(getattr(refusals, name) for name in REFUSALS if hasattr(refusals, name))
    try:
        return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    except refused as problem:
        raise DataError(
            "this is no ONNX graph", where="model", allowed=str(problem)[:200]
        ) from problem


def ask(running: Any, arrays: tuple[Array, ...]) -> Floats:
    """Return the raw numbers `[rows, out]` of a session for the arguments of forward."""
    raw: Floats = running.run(ANSWER, dict(zip(_names(running), arrays, strict=True)))[0]
    return raw


def answers(running: Any, inputs: Inputs, index: Index) -> Floats:
    """Return the raw numbers `[len(index), out]` of the rows of `index`."""
    if len(index) <= PASS:
        return ask(running, inputs.take(index))
    parts = range(0, len(index), PASS)
    return np.concatenate([ask(running, inputs.take(index[i : i + PASS])) for i in parts])


@lru_cache(maxsize=256)
def _names(running: Any) -> tuple[str, ...]:
    return tuple(node.name for node in running.get_inputs())
