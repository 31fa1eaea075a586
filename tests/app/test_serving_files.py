"""Trained files are served by a process that imports no library they were fitted with."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="fitting needs the extra neural")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")

BENCH = Path(__file__).parents[2] / "benchmarks" / "serving.py"
FAMILIES = "gru_standard,cnn_standard,lightgbm"


def test_networks_and_trees_answer_without_torch_or_their_library(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCH), "--folder", str(tmp_path), "--rounds", "1", "--warm"]
    done = subprocess.run(
        [*command, "--members", FAMILIES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    warm = next(line for line in lines if line.get("state") == "warm")
    assert warm["models"] == 3
    assert {"torch", "lightning", "lightgbm"} <= set(warm["absent"])
    assert 0.0 < warm["rss_mb"] <= 600.0
