"""The third part of `training.py`: neuralforecast, and how times are taken and told."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from folkmoot import models
from folkmoot.core.bars import Floats
from folkmoot.core.forecast import LEVELS
from folkmoot.features import BARS_SET, Table, windows
from folkmoot.models.networks.head import count
from folkmoot.models.neural.targets import WIDTH
from folkmoot.models.tft import CALENDAR

LOOKBACK, BATCH = 60, 64
HORIZONS = (1, 2, 3, 4)
FIRST = 2
"""Steps of a fit that do not count."""

WORKER = Path(__file__).with_name("training_worker.py")
PEERS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "LSTM": (
        "lstm_standard",
        {"hidden": 128, "layers": 2},
        {"encoder_hidden_size": 128, "encoder_n_layers": 2, "decoder_hidden_size": 64},
    ),
    "TFT": (
        "tft",
        {"hidden": 32, "heads": 4},
        {"hidden_size": 32, "futr_exog_list": [f"known_{name}" for name in CALENDAR]},
    ),
    "TCN": (
        "cnn_tcn",
        {"width": 80},
        {"encoder_hidden_size": 80, "kernel_size": 3, "decoder_hidden_size": 64},
    ),
}
"""The model, our member and its options, and neuralforecast's; a TFT is shown the same calendar."""

Stamp = tuple[int, int]
Took = npt.NDArray[np.float64]


def say(bench: str, contestant: str, **facts: Any) -> None:
    """Print a line, with the load of the machine."""
    line = {"bench": bench, "contestant": contestant, **facts, "load": round(os.getloadavg()[0], 2)}
    print(json.dumps(line), flush=True)


def spread(ratios: Sequence[float]) -> list[float]:
    """Return the median, the lowest and the highest."""
    return [round(float(f(ratios)), 3) for f in (np.median, np.min, np.max)]


def both(took: Took) -> dict[str, float]:
    """Return the median and lowest of `[times, 2]`: by the clock, used; microseconds."""
    found = {}
    for place, name in enumerate(("clock", "used")):
        found[f"{name}_us"] = round(float(np.median(took[:, place])), 1)
        found[f"{name}_lowest_us"] = round(float(took[:, place].min()), 1)
    return found


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the microseconds of one call: by the clock, used by the thread."""
    used, began = time.thread_time_ns(), time.perf_counter_ns()
    work()
    took, used = time.perf_counter_ns() - began, time.thread_time_ns() - used
    return took / 1e3, used / 1e3


def fresh(name: str, horizons: tuple[int, ...], columns: int, **options: Any) -> torch.nn.Module:
    """Return an unfitted network of a member."""
    model = models.build(name, horizons=horizons, **options)
    network: torch.nn.Module = model.network(columns, WIDTH * len(horizons))
    return network


class Peer:
    """One model of neuralforecast in its own process, which fits when it is its turn."""

    def __init__(self, python: str, name: str, asked: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "settings.json"
            path.write_text(json.dumps(asked), encoding="utf-8")
            self._process = subprocess.Popen(
                [python, str(WORKER), name, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=tempfile.gettempdir(),
            )
            self.first = self._answer()

    def fit(self, steps: int) -> dict[str, Any]:
        """Have it fit anew for so many steps and say what that took."""
        if self._process.stdin is not None:
            print(steps, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        for line in self._process.stdout or ():
            if line.startswith("{"):
                said: dict[str, Any] = json.loads(line)
                return said
        return {"missing": f"it ended with code {self._process.wait()}"}

    def end(self) -> None:
        """Stop the process."""
        self._process.kill()
        self._process.wait()


def series(steps: int) -> tuple[Table, Floats, Floats]:
    """Return a table of one column beside the unscaled ones, its labels, and the column."""
    rng = np.random.default_rng(3)
    rows = BATCH * steps + LOOKBACK + max(HORIZONS)
    move = 0.006 * rng.standard_normal(rows)
    shut = 10.0 + np.cumsum(move)
    flat, volatility = np.zeros(rows), np.full(rows, 0.006)
    own = move / 0.006
    bars = [shut - move, shut, shut, shut, flat, flat, volatility]
    y = np.full((rows, len(HORIZONS)), np.nan)
    for place, horizon in enumerate(HORIZONS):
        y[:-horizon, place] = shut[horizon:] - shut[:-horizon]
    times = 1_700_000_000_000 + np.arange(rows, dtype=np.int64) * 3_600_000
    values = np.ascontiguousarray(np.column_stack([own, *bars]))
    return Table(values, ("own", *BARS_SET), times), y, own


def own_fit(
    name: str, options: dict[str, Any], steps: int, table: Table, y: Floats
) -> dict[str, Any]:
    """Fit our member as `Peer.fit` does: from the table to the fitted network."""
    stamps: list[Stamp] = []

    def note(*_: Any) -> None:
        stamps.append((time.perf_counter_ns(), time.thread_time_ns()))

    def work() -> Any:
        training: dict[str, Any] = {"epochs": 1, "batch": BATCH, "windows": BATCH * steps}
        training |= {"holdout": 0.0, "device": "cpu"}
        model = models.build(name, horizons=HORIZONS, training=training, **options)
        made = model.network

        def network(*sizes: int) -> torch.nn.Module:
            net: torch.nn.Module = made(*sizes)
            net.register_forward_pre_hook(note)
            return net

        model.network = network
        x = windows(table, model.lookback)
        return model.fit(x, y[model.lookback - 1 :], np.ones(len(x)))

    took, used = timed(work)
    apart = np.diff(np.array(stamps), axis=0) / 1e3
    return {
        "seconds": took / 1e6,
        "used": used / 1e6,
        "clock_us": apart[:, 0].tolist(),
        "used_us": apart[:, 1].tolist(),
    }


def against_peer(python: str, name: str, steps: int, times: int) -> None:
    """Compare steps in the steady state and a whole fit with neuralforecast's."""
    member, ours, theirs = PEERS[name]
    table, y, own = series(steps)
    asked = {"h": len(HORIZONS), "lookback": LOOKBACK, "batch": BATCH, "options": theirs}
    peer = Peer(python, name, {**asked, "levels": list(LEVELS), "series": own.tolist()})
    try:
        if "missing" in peer.first:
            say(f"{name}, batch {BATCH}", "neuralforecast", **peer.first)
            return
        own_fit(member, ours, 3, table, y)
        turns = [
            {"folkmoot": own_fit(member, ours, steps, table, y), "neuralforecast": peer.fit(steps)}
            for _ in range(times)
        ]
    finally:
        peer.end()
    sizes = (count(fresh(member, HORIZONS, 1, **ours)), peer.first["parameters"])
    facts = [
        {"parameters": size, "options": options}
        for size, options in zip(sizes, (ours, theirs), strict=True)
    ]
    tell(f"{name}, {steps} steps, batch {BATCH}", turns, facts)


def tell(bench: str, turns: list[dict[str, dict[str, Any]]], about: list[dict[str, Any]]) -> None:
    """Print a line a contestant: steps, whole fits, and the ratios of both to ours."""
    for contestant, facts in zip(turns[0], about, strict=True):
        fits = [(turn[contestant], turn["folkmoot"]) for turn in turns]
        told: dict[str, Any] = {}
        for kind in ("clock_us", "used_us"):
            each = [np.median(a[kind][FIRST:]) / np.median(b[kind][FIRST:]) for a, b in fits]
            told[f"ratio_step_{kind[:-3]}"] = spread([float(ratio) for ratio in each])
        for kind in ("seconds", "used"):
            told[f"fit_{kind}"] = spread([a[kind] for a, _ in fits])
            told[f"ratio_fit_{kind}"] = spread([a[kind] / b[kind] for a, b in fits])
        steps = [np.transpose([a["clock_us"], a["used_us"]])[FIRST:] for a, _ in fits]
        say(bench, contestant, **both(np.concatenate(steps)), **told, **facts)


def against_peers(arguments: list[str], quick: bool) -> None:
    """Run the contests with neuralforecast, if `arguments` name an interpreter that has it."""
    python = arguments[arguments.index("--peers") + 1] if "--peers" in arguments else ""
    for name in PEERS:
        if Path(python).is_file():
            against_peer(python, name, 20 if quick else 200, 1 if quick else 2)
        else:
            say(name, "neuralforecast", missing="no environment: --peers PYTHON")
