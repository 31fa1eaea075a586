"""World M: who finds a rule that looks 20 bars back? `python benchmarks/memory.py [options]`.

The next bar repeats, with probability 0.55, the sign of the sum of the last 20 log returns; a
member sees four columns (log return, its size, log range, volume) of its window. Every member is
fitted at 9,000, 36,000 and 100,000 bars and asked about 20,000 further ones, for each seed.
One JSON line a fit goes to stdout and to --out. A fit is not repeated if its line is there with the
same key: the hash of the world, the member's code, its plan, the libraries and the device.

Options: --members a,b, --sizes 9000,36000,100000, --seeds 0,1,2, --device cpu|cuda, --workers N,
--out FILE.
"""

import argparse
import inspect
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import kept
import numpy as np

from folkmoot import models
from folkmoot.core import plugins
from folkmoot.core.bars import Floats
from folkmoot.features import BARS_SET, Table, windows
from folkmoot.training.keys import code_version

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks" / "results" / "memory.jsonl"
SIZES, SEEDS = (9_000, 36_000, 100_000), (0, 1, 2)
ASKED = 20_000
AGREES, LOOKS = 0.55, 20
COLUMNS = ("log_return", "size", "log_range", "volume_score")
Fit = tuple[str, int, int]
"""A member, a number of bars, a seed."""

PLAN = {"epochs": 6, "batch": 256, "windows": 24_000, "patience": 3, "rate": 2e-3}
HOUR = 3_600_000


def world(bars: int, seed: int) -> tuple[Table, Floats]:
    """Return the table of world M and `y[bars, 1]`, the next log return."""
    rng = np.random.default_rng([20, seed])
    sizes = 0.006 * np.abs(rng.standard_t(4, bars)) / np.sqrt(2.0)
    agrees = rng.random(bars) < AGREES
    moves = np.empty(bars)
    total, recent = 0.0, np.zeros(LOOKS)
    for t in range(bars):
        side = 1.0 if total >= 0.0 else -1.0
        moves[t] = sizes[t] * (side if agrees[t] else -side)
        total += moves[t] - recent[t % LOOKS]
        recent[t % LOOKS] = moves[t]
        if t % 1000 == 0:
            total = float(recent.sum())
    close = np.cumsum(moves)
    start = close - moves
    span = sizes * rng.uniform(0.2, 1.0, (2, bars))
    high, low = np.maximum(close, start) + span[0], np.minimum(close, start) - span[1]
    volume = rng.standard_normal(bars) + 20.0 * sizes
    volatility = np.full(bars, 0.006)
    own = [moves / 0.006, sizes / 0.006, (high - low) / 0.006, volume]
    priced = [start, high, low, close, volume, np.zeros(bars), volatility]
    values = np.ascontiguousarray(np.column_stack([*own, *priced]))
    y = np.full((bars, 1), np.nan)
    y[:-1, 0] = moves[1:]
    times = np.arange(bars, dtype=np.int64) * HOUR
    return Table(values, (*COLUMNS, *BARS_SET), times), y


def member_options(name: str, device: str) -> dict[str, Any]:
    """Return the options of a member, all but the seed of its fit."""
    known = plugins.options(plugins.load("folkmoot.models", name))
    options: dict[str, Any] = {}
    if "training" in known:
        options["training"] = {**PLAN, **models.build(name).training, "device": device}
    if "columns" in known:
        options["columns"] = COLUMNS
    return options


def key_of(name: str, device: str) -> str:
    """Return the key of a member's fits on a device."""
    rule = [AGREES, LOOKS, ASKED, inspect.getsource(world)]
    asked = {"world": rule, "options": member_options(name, device), "device": device}
    return kept.key(name, asked)


def trial(name: str, size: int, seed: int, device: str) -> dict[str, Any]:
    """Fit one member on `size` bars and return how often it is right about later ones."""
    table, y = world(size + ASKED, seed)
    options = member_options(name, device)
    plan = options.get("training")
    if plan is not None:
        options["training"] = {**plan, "seed": 7 + seed}
    member = models.build(name, **options)
    x = windows(table, member.lookback)
    labels = y[member.lookback - 1 :]
    taught = size - member.lookback - 1
    began = time.perf_counter()
    member.fit(x.rows(slice(0, taught)), labels[:taught], np.ones(taught))
    fitted = time.perf_counter() - began
    asked = slice(size - member.lookback + 1, len(x) - 1)
    p, truth = member.predict(x.rows(asked)).p_up[:, 0], labels[asked, 0]
    known = np.isfinite(p) & (truth != 0.0)
    right = (p[known] > 0.5) == (truth[known] > 0.0)
    n = int(known.sum())
    accuracy = float(right.mean())
    z = (accuracy - 0.5) * 2.0 * np.sqrt(n)
    return {
        "bench": "memory",
        "member": name,
        "bars": size,
        "seed": seed,
        "accuracy": round(accuracy, 5),
        "z": round(float(z), 2),
        "n": n,
        "seconds": round(fitted, 2),
        "key": key_of(name, device),
        "device": device,
        "code": code_version(name)[:12],
        "plan": plan,
        "epochs": len(member.history[0]) if getattr(member, "history", None) else None,
    }


def missing(fits: list[Fit], lines: list[dict[str, Any]], device: str) -> list[Fit]:
    """Return the fits that have no line with today's key."""
    there = {(line["member"], line["bars"], line["seed"], line.get("key")) for line in lines}
    keys = {name: key_of(name, device) for name in {name for name, _, _ in fits}}
    return [fit for fit in fits if (*fit, keys[fit[0]]) not in there]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    reader = argparse.ArgumentParser()
    reader.add_argument("--members", default="")
    reader.add_argument("--sizes", default=",".join(map(str, SIZES)))
    reader.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    reader.add_argument("--device", default="cpu")
    reader.add_argument("--workers", type=int, default=2)
    reader.add_argument("--out", type=Path, default=OUT)
    return reader.parse_args()


def main() -> None:
    """Run every fit that is missing, a process each."""
    asked = arguments()
    names = asked.members.split(",") if asked.members else list(models.MODELS)
    sizes = sorted((int(size) for size in asked.sizes.split(",")), reverse=True)
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    fits = [(name, size, seed) for size in sizes for seed in seeds for name in names]
    wanted = missing(fits, kept.lines(asked.out), asked.device)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as crew:
        waiting = {crew.submit(trial, *fit, asked.device): fit for fit in wanted}
        for finished in as_completed(waiting):
            problem = finished.exception()
            if problem is not None:
                sys.stderr.write(f"{waiting[finished]}: {problem!r}\n")
                continue
            line = json.dumps(finished.result())
            print(line, flush=True)
            with asked.out.open("a") as file:
                file.write(f"{line}\n")


if __name__ == "__main__":
    main()
