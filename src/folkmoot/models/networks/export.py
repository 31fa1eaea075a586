"""A fitted network as an ONNX graph, checked against the network it came from."""

import contextlib
import io
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from folkmoot.core.errors import DataError, EnvironmentProblem
from folkmoot.core.extras import get_extra
from folkmoot.models.neural import serving
from folkmoot.models.neural.inputs import Array

TOLERANCE = 1e-5
OPSET = 20
ROUNDS = 30


def export(network: nn.Module, rows: tuple[Array, ...]) -> bytes:
    """Return the ONNX form of `network`, whose arguments look like `rows`; any number of rows fits.

    Raises `DataError` if it answers the rows otherwise than the network, by more than 1e-5, and
    `EnvironmentProblem` without the extra `onnx`.
    """
    inputs = tuple(torch.from_numpy(array) for array in rows)
    body = _graph(network.eval(), inputs)
    with torch.inference_mode():
        wanted = network(*inputs).numpy()
    for count in (len(wanted), 1):
        found = serving.ask(serving.session(body), tuple(array[:count] for array in rows))
        error = float(np.abs(found - wanted[:count]).max())
        if not error <= TOLERANCE * max(1.0, float(np.abs(wanted).max())):
            raise DataError(
                f"its ONNX form answers otherwise, by {error:.1e}",
                where=type(network).__name__,
                allowed=f"{TOLERANCE:g}",
            )
    return body


def latency(network: nn.Module, body: bytes, row: tuple[Array, ...]) -> tuple[float, float]:
    """Return the least seconds of one row, one thread: (as a torch network, as ONNX).

    What else the machine does only ever adds to a time.
    """
    inputs = tuple(torch.from_numpy(array[:1]) for array in row)
    session, one = serving.session(body), tuple(array[:1] for array in row)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            pairs = [
                (_seconds(lambda: network(*inputs)), _seconds(lambda: serving.ask(session, one)))
                for _ in range(ROUNDS)
            ]
    finally:
        torch.set_num_threads(threads)
    eager, graph = np.min(pairs, axis=0)
    return float(eager), float(graph)


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _graph(network: nn.Module, inputs: tuple[torch.Tensor, ...]) -> bytes:
    names = [f"input{place}" for place in range(len(inputs))]
    axes = torch.export.Dim("rows", min=1, max=1 << 20)
    with _quietly():
        try:
            program = torch.onnx.export(
                network,
                inputs,
                dynamo=True,
                input_names=names,
                output_names=["raw"],
                dynamic_shapes=tuple({0: axes} for _ in inputs),
                opset_version=OPSET,
                verbose=False,
            )
        except ImportError as problem:
            raise EnvironmentProblem(
                "the ONNX exporter is not installed", where="export", allowed=get_extra("onnx")
            ) from problem
    body: bytes = program.model_proto.SerializeToString()
    return body


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporter's running commentary off the terminal."""
    voices = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    before = [voice.level for voice in voices]
    for voice in voices:
        voice.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for voice, level in zip(voices, before, strict=True):
            voice.setLevel(level)
