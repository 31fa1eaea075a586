"""Every network's training step on a CUDA card: `python benchmarks/card.py [--seconds N]`.

One JSON line a network, precision and batch size: samples a second of whole steps (forward, loss,
backward, AdamW) of windows of 60 bars x 64 columns and four horizons, and the step's floating-point
operations as a share of what a large matrix product reaches on the same card in the same run. The
line `losses` compares the first ten steps' losses on the card with the processor's, from the same
weights and batches, without dropout.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from folkmoot import models
from folkmoot.core.plugins import load

try:
    import torch
    from torch.utils.flop_counter import FlopCounterMode
except ModuleNotFoundError:
    sys.exit("needs torch: pip install 'folkmoot[neural]'")

from folkmoot.models.networks.criterion import Criterion
from folkmoot.models.neural.network import Network
from folkmoot.models.neural.targets import WIDTH

HORIZONS = (1, 5, 15, 30)
COLUMNS, STEPS = 64, 60
SIZES = (256, 4096)
PRECISIONS = {"32": None, "bf16": torch.bfloat16}
SLICE = 10
"""Steps of a measurement."""

Step = Callable[[], torch.Tensor]


def networks() -> list[str]:
    """Return the ids of the networks that read plain windows."""
    found = [name for name in models.MODELS if issubclass(load("folkmoot.models", name), Network)]
    return [name for name in found if name not in ("tft", "convnext", "convnext_lstm", "engram")]


def arguments_of(member: Any, rows: int, seed: int) -> tuple[torch.Tensor, ...]:
    """Return random arguments of the member's forward."""
    rng = np.random.default_rng(seed)
    parts = [rng.standard_normal((rows, STEPS, COLUMNS), dtype=np.float32)]
    if member.raw:
        parts.append(0.01 * rng.standard_normal((rows, STEPS, len(member.raw)), dtype=np.float32))
    return tuple(torch.from_numpy(part) for part in parts)


def truth(rows: int, seed: int) -> tuple[torch.Tensor, ...]:
    """Return random labels: standardised returns, sides, weights."""
    rng = np.random.default_rng(seed + 1)
    z = rng.standard_normal((rows, len(HORIZONS)), dtype=np.float32)
    return torch.from_numpy(z), torch.from_numpy((z > 0).astype(np.float32)), torch.ones(rows)


def school(name: str, device: str, rows: int, kind: Any, *, drop: bool = True) -> tuple[Any, Step]:
    """Return a fresh network on `device` and a function that takes one step."""
    torch.manual_seed(1)
    member = models.build(name, horizons=HORIZONS)
    network = member.network(COLUMNS, WIDTH * len(HORIZONS)).to(device)
    network.train()
    if not drop:
        for module in network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    shape = np.tile(np.array([-1.6, -1.3, -0.7, 0.0, 0.7, 1.3, 1.6]), (len(HORIZONS), 1))
    loss_of = Criterion(np.zeros(len(HORIZONS)), shape, {"bce": 1.0, "pinball": 1.0}).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    inputs = tuple(part.to(device) for part in arguments_of(member, rows, 0))
    labels = tuple(part.to(device) for part in truth(rows, 0))

    def step() -> torch.Tensor:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=kind, enabled=kind is not None):
            raw = network(*inputs)
        loss: torch.Tensor = loss_of(raw, *labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        return loss.detach()

    return network, step


def peak(kind: Any) -> float:
    """Return the operations a second of a product of two 8192 x 8192 matrices."""
    side = 8192
    a = torch.randn(side, side, device="cuda", dtype=kind or torch.float32)
    for _ in range(3):
        a @ a
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(10):
        a @ a
    torch.cuda.synchronize()
    return 10 * 2 * side**3 / (time.perf_counter() - began)


def speed(name: str, precision: str, rows: int, limit: float) -> dict[str, Any]:
    """Return one measurement."""
    _, step = school(name, "cuda", rows, PRECISIONS[precision])
    for _ in range(3):
        step()
    with FlopCounterMode(display=False) as counted:
        step()
    times = []
    for _ in range(3):
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(SLICE):
            step()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - began) / SLICE)
    spent = statistics.median(times)
    return {
        "bench": "card",
        "member": name,
        "precision": precision,
        "batch": rows,
        "samples_per_second": round(rows / spent),
        "step_ms": round(1e3 * spent, 3),
        "share": round(counted.get_total_flops() / spent / limit, 4),
        "peak_mb": round(torch.cuda.max_memory_allocated() / 1e6),
    }


def losses(name: str) -> dict[str, Any]:
    """Return how far ten steps' losses on the card are from the processor's."""
    curves = []
    for device in ("cpu", "cuda"):
        _, step = school(name, device, 128, None, drop=False)
        curves.append([float(step()) for _ in range(10)])
    error = float(np.abs(np.subtract(*curves)).max())
    return {"bench": "losses", "member": name, "error": error, "last": curves[0][-1]}


def main() -> None:
    """Measure until the time is up."""
    reader = argparse.ArgumentParser()
    reader.add_argument("--seconds", type=float, default=1e9)
    asked = reader.parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device")
    torch.backends.cuda.matmul.allow_tf32 = False
    ends = time.perf_counter() + asked.seconds
    limits = {name: peak(kind) for name, kind in PRECISIONS.items()}
    card = {"bench": "limit", "device": torch.cuda.get_device_name(0), "torch": torch.__version__}
    print(json.dumps({**card, **{f"tflops_{k}": round(v / 1e12, 1) for k, v in limits.items()}}))
    for rows in SIZES:
        for name in networks():
            for precision, limit in limits.items():
                if time.perf_counter() < ends:
                    torch.cuda.reset_peak_memory_stats()
                    print(json.dumps(speed(name, precision, rows, limit)), flush=True)
    for name in networks():
        if time.perf_counter() < ends:
            print(json.dumps(losses(name)), flush=True)


if __name__ == "__main__":
    main()
