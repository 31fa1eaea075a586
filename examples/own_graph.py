"""An ONNX graph as a member: `folkmoot prove ... --models examples/own_graph.py`.

`own_graph.onnx` answers P(up) = sigmoid(0.01 rsi_14), `rsi_14` counted from 50: trend following by
hand. Any exporter's graph will do.
"""

from pathlib import Path
from typing import ClassVar

from folkmoot.models.own import OnnxMember


class OwnGraph(OnnxMember):
    """A graph that was made elsewhere; its argument `x` is [rows, 1]."""

    path = Path(__file__).with_name("own_graph.onnx")
    inputs: ClassVar = {"x": ("rsi_14",)}


PLUGIN = OwnGraph
