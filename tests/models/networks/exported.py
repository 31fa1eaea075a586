"""A network as ONNX Runtime reads it."""

import io
import warnings
from typing import Any

import pytest


def program(network: Any, *inputs: Any) -> Any:
    """Return torch's export of `network`, for any number of rows."""
    torch = pytest.importorskip("torch", reason="needs the extra neural")
    pytest.importorskip("onnxscript", reason="needs the extra onnx")
    free = {0: torch.export.Dim("rows", min=1)}
    with warnings.catch_warnings():
        # The exporter uses parts of torch that torch itself calls deprecated.
        warnings.simplefilter("ignore")
        return torch.onnx.export(
            network, inputs, dynamic_shapes=tuple(free for _ in inputs), verbose=False
        )


def answers(found: Any, *inputs: Any) -> Any:
    """Return what ONNX Runtime answers to `inputs`."""
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    file = io.BytesIO()
    found.save(file)
    session = runtime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    names = [part.name for part in session.get_inputs()]
    return session.run(None, {n: x.numpy() for n, x in zip(names, inputs, strict=True)})[0]
