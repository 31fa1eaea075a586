"""What a training step costs: against a bare loop, against neuralforecast, and the gathering alone.

Prints one JSON line a contestant. Times are of one thread and come twice: by the clock, and what
the thread itself `used`, which others' work on the machine does not stretch as it does the clock's.
Contestants take turns, a fit each; ratios are theirs over ours of the same turn (median, lowest,
highest; above 1: folkmoot is faster). A step is counted from one forward pass to the next.

1. Windows of 60 bars of 1 and 64 columns, 256 at once: `Windowed.take`, numpy's and torch's
   indexing of a strided view; then the share of a step of the smallest network.
2. The fit loop against a bare loop of PyTorch: the same network, loss, batches of 256, clipping,
   AdamW and schedule, its windows taken by one `index_select`.
3. neuralforecast's LSTM, TFT and TCN: one series, windows of 60 bars, batch 64, 4 x 7 quantiles
   (ours: 4 horizons of 7 quantiles and a direction), sizes as told in `options`; steps, and a fit
   of 200 steps with its set-up, from the table to the fitted network.
4. Two processes of one thread against one process of two threads: windows a second by the clock.

    python benchmarks/training.py [--quick] [--peers PYTHON]

PYTHON is an interpreter with neuralforecast; without one the third part says so.
"""

import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, cast

import numpy as np
import torch
from training_peers import Stamp, Took, against_peers, both, fresh, say, spread, timed

from folkmoot import models
from folkmoot.core.forecast import Features
from folkmoot.models.networks import loop
from folkmoot.models.networks.batches import Material
from folkmoot.models.networks.criterion import Criterion
from folkmoot.models.networks.head import count
from folkmoot.models.neural import targets
from folkmoot.models.neural.inputs import Inputs, Windowed
from folkmoot.models.neural.plan import Plan

QUICK = "--quick" in sys.argv
TURNS, STEPS = (2, 6) if QUICK else (5, 14)
FIRST = 2
"""Steps of a fit that do not count: memory is fetched, threads wake up."""

STEPS_BACK, COLUMNS, BATCH = 60, 64, 256
HORIZONS = (1, 2, 3, 4)
PATIENCE = 600.0
"""Seconds to wait for a process that may have died."""

PRESETS = ("dlinear", "gru_standard", "lstm_standard", "cnn_tcn")


def gathering(columns: int) -> float:
    """Compare ways to take a batch of windows; return ours in microseconds used."""
    rng = np.random.default_rng(1)
    table = rng.standard_normal((40_000, columns)).astype(np.float32)
    starts = np.arange(len(table) - STEPS_BACK + 1)
    index = rng.permutation(len(starts))[:BATCH]
    own = Windowed(table, starts, STEPS_BACK)
    run, item = columns * STEPS_BACK, table.itemsize
    strides = (columns * item, item)
    view = np.lib.stride_tricks.as_strided(table, (len(starts), run), strides, writeable=False)
    flat = torch.from_numpy(table).as_strided((len(starts), run), (columns, 1))
    entries: dict[str, Callable[[], Any]] = {
        "folkmoot": lambda: own.take(index),
        "numpy, indexed view": lambda: view[index],
        "torch, index_select": lambda: flat.index_select(0, torch.from_numpy(index)),
    }
    for work in entries.values():
        np.testing.assert_array_equal(np.asarray(work()).reshape(BATCH, -1), view[index])
    rounds = range(40 if QUICK else 400)
    turns = [[timed(work) for work in entries.values()] for _ in rounds]
    took = np.array(turns)
    for place, name in enumerate(entries):
        facts: dict[str, Any] = both(took[:, place])
        facts["windows_per_s"] = round(BATCH / np.median(took[:, place, 1]) * 1e6)
        facts["ratio"] = round(float(np.median(took[:, place, 1] / took[:, 0, 1])), 3)
        say(f"gather {STEPS_BACK} x {columns}", name, **facts)
    return float(np.median(took[:, 0, 1]))


def material(columns: int, batch: int, steps: int) -> Material:
    """Return random windows and labels for `steps` batches an epoch, nothing held out."""
    rng = np.random.default_rng(2)
    rows = batch * steps
    table = rng.standard_normal((rows + STEPS_BACK - 1, columns)).astype(np.float32)
    part = Windowed(table, np.arange(rows), STEPS_BACK)
    volatility = Features(np.full((rows, 1, 1), 0.006), ("ewma_vol",), np.arange(rows))
    y, known = 0.006 * rng.standard_normal((rows, len(HORIZONS))), np.ones(rows, np.bool_)
    member = models.build("dlinear", horizons=HORIZONS)
    taught = targets.targets(member, volatility, y, np.ones(rows), known)
    plan = Plan(epochs=1, batch=batch, windows=rows, device="cpu")
    index = np.arange(rows)
    return Material(Inputs((part,), known), taught, index, index[:0], plan)


def stamped(network: torch.nn.Module, work: Callable[[], object]) -> Took:
    """Return `[steps, 2]`: microseconds between the forward passes that `work` makes."""
    seen: list[Stamp] = []

    def note(*_: Any) -> None:
        seen.append((time.perf_counter_ns(), time.thread_time_ns()))

    hook = network.register_forward_pre_hook(note)
    work()
    hook.remove()
    return np.diff(np.array(seen), axis=0)[FIRST:] / 1e3


def bare(network: torch.nn.Module, criterion: Criterion, shown: Material) -> None:
    """Do an epoch as one would write it down for this very case."""
    plan, part = shown.plan, cast("Windowed", shown.inputs.parts[0])
    table = torch.from_numpy(part.table)
    rows, columns = len(shown.taught), table.shape[1]
    flat = table.as_strided((rows, STEPS_BACK * columns), (columns, 1))
    z, up = torch.from_numpy(shown.targets.z), torch.from_numpy(shown.targets.up)
    weights = torch.from_numpy(shown.targets.weights)
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.rate, foreach=True)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, shown.steps)
    network.train()
    for index in torch.randperm(rows).split(plan.batch):
        x = flat.index_select(0, index).view(len(index), STEPS_BACK, columns)
        optimiser.zero_grad()
        loss = criterion(network(x), z[index], up[index], weights[index])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), plan.clip)
        optimiser.step()
        rate.step()


def against_bare(name: str) -> float:
    """Compare the loop with a bare one; return the microseconds that ours used a step."""
    shown = material(COLUMNS, BATCH, STEPS)
    criterion = Criterion(shown.targets.base, shown.targets.shape, shown.plan.loss)
    network = fresh(name, HORIZONS, COLUMNS)
    entries = {
        "folkmoot": lambda: loop.fit(network, criterion, shown),
        "bare loop": lambda: bare(network, criterion, shown),
    }
    turns = [{n: stamped(network, work) for n, work in entries.items()} for _ in range(TURNS)]
    for contestant in entries:
        ratios = [
            np.median(turn[contestant], axis=0) / np.median(turn["folkmoot"], axis=0)
            for turn in turns
        ]
        every = np.concatenate([turn[contestant] for turn in turns])
        say(
            f"one step of {name}, batch {BATCH}",
            contestant,
            parameters=count(network),
            **both(every),
            ratio_clock=spread([float(r[0]) for r in ratios]),
            ratio_used=spread([float(r[1]) for r in ratios]),
            wanted=0.9,
        )
    return float(np.median(np.concatenate([turn["folkmoot"] for turn in turns])[:, 1]))


def busy(name: str, threads: int, steps: int, gate: Barrier) -> None:
    """Fit in a process of so many threads, between two meetings at the gate."""
    shown = material(COLUMNS, BATCH, steps)
    network = fresh(name, HORIZONS, COLUMNS)
    criterion = Criterion(shown.targets.base, shown.targets.shape, shown.plan.loss)
    torch.set_num_threads(threads)
    bare(network, criterion, material(COLUMNS, BATCH, 2))
    gate.wait(PATIENCE)
    bare(network, criterion, shown)
    gate.wait(PATIENCE)


def seconds(name: str, processes: int, threads: int, steps: int) -> float:
    """Return the seconds that so many processes take, each with so many steps."""
    context = get_context("spawn")
    gate = context.Barrier(processes + 1)
    crew = [
        context.Process(target=busy, args=(name, threads, steps, gate)) for _ in range(processes)
    ]
    for one in crew:
        one.start()
    gate.wait(PATIENCE)
    began = time.perf_counter()
    gate.wait(PATIENCE)
    took = time.perf_counter() - began
    for one in crew:
        one.join()
    return took


def processes_or_threads(name: str) -> bool:
    """Compare two processes of one thread with one of two; return whether processes win."""
    steps = STEPS
    turns = [
        (seconds(name, 2, 1, steps), 2.0 * seconds(name, 1, 2, steps))
        for _ in range(1 if QUICK else 3)
    ]
    ratio = spread([threads / processes for processes, threads in turns])
    for place, contestant in enumerate(("2 processes of 1 thread", "1 process of 2 threads")):
        speed = [2.0 * steps * BATCH / turn[place] for turn in turns]
        say(
            f"{name}, two cores, batch {BATCH}",
            contestant,
            windows_per_s=spread(speed),
            ratio=ratio if place else [1.0, 1.0, 1.0],
        )
    return ratio[0] > 1.0


def main() -> None:
    """Run every contest."""
    torch.set_num_threads(1)
    narrow, wide = gathering(1), gathering(COLUMNS)
    used = {name: against_bare(name) for name in PRESETS}
    smallest = min(used, key=lambda name: used[name])
    share = wide / used[smallest]
    say("gathering", "share of a step", smallest=smallest, share=round(share, 4), wanted=0.03)
    goals = {"60 x 1": (BATCH / narrow, 5.0), f"60 x {COLUMNS}": (BATCH / wide, 0.3)}
    for size, (speed, wanted) in goals.items():
        say("gathering", size, millions_per_s=round(speed, 2), wanted=wanted, met=speed >= wanted)
    against_peers(sys.argv, QUICK)
    won = [processes_or_threads(name) for name in ("gru_standard", "cnn_tcn")]
    default = "processes of one thread" if sum(won) * 2 >= len(won) else "threads"
    say("two cores", "default", default=default, plan_threads=Plan().threads)


if __name__ == "__main__":
    main()
