"""Document 003's 19 models loaded from files by a fresh process: seconds, memory, what it lacks.

1. Once: each of the 16 networks and 3 boosters, at its preset's size and four horizons, is fitted
   for one short epoch (a few trees) on a made market, given its ONNX form or kept with its
   library's own text, and saved. What it answers is not looked at, and its card says so.
2. A process of its own loads all of them into `NeuralPredictor` and answers one bar. It must not
   have imported torch, lightning or a boosting library; seconds are counted from its start.
3. The same again `--rounds` times, warm; and once cold: the pages of the models and of the
   libraries are dropped from the system's cache before it starts, where the system allows that.

    python benchmarks/serving.py [--folder .study/serving] [--rounds 5] [--warm]
                                 [--members a,b,c]

One JSON line a run, then one with the goals: 600 MB and 2.3 s, warm. On a busy machine
`ready_cpu_s` tells the work from the waiting; the goal is held against the clock on the wall.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NETWORKS = (
    *("lstm_standard", "lstm_bidirectional", "lstm_stacked"),
    *("gru_standard", "gru_bidirectional", "gru_stacked", "gru_attention", "gru_residual"),
    *("transformer_standard", "transformer_timeseries", "transformer_informer"),
    *("cnn_standard", "cnn_resnet", "cnn_multiscale", "cnn_dilated", "cnn_tcn"),
)
BOOSTERS = {"xgboost": {"depth": 5}, "lightgbm": {"leaves": 31}, "catboost": {"depth": 5}}
COMMITTEE = (*NETWORKS, *BOOSTERS)
HORIZONS = (1, 5, 15, 30)
SHORT = {"epochs": 1, "windows": 256, "holdout_windows": 64, "device": "cpu"}
BARS, TREES = 2_000, 200
FORBIDDEN = ("torch", "lightning", "xgboost", "lightgbm", "catboost")
LIBRARIES = ("onnxruntime", "numba", "llvmlite", "numpy", "scipy", "safetensors", "folkmoot")
MEMORY_GOAL, SECONDS_GOAL = 600.0, 2.3
"""Megabytes resident at the most, and seconds from the start of a warm process."""

PRICED = ("open_time", "open", "high", "low", "close", "volume")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    reader.add_argument("--folder", type=Path, default=ROOT / ".study" / "serving")
    reader.add_argument("--rounds", type=int, default=5)
    reader.add_argument("--members", default=",".join(COMMITTEE))
    reader.add_argument("--warm", action="store_true", help="leave the system's cache alone")
    reader.add_argument("--serve", action="store_true", help="be the process that is measured")
    reader.add_argument("--began", type=float, default=0.0)
    return reader.parse_args()


def make(folder: Path, members: list[str]) -> None:
    """Fit, freeze and save each member that has no file yet, and the bars to ask about."""
    import numpy as np

    from folkmoot.features import feature_set, labels, windows
    from folkmoot.market import world

    bars = world("planted", BARS).bars
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "bars.npy", np.stack([bars.column(n).astype(float) for n in PRICED[1:]]))
    np.save(folder / "times.npy", bars.open_time)
    missing = [name for name in members if not (folder / f"{name}.safetensors").exists()]
    if not missing:
        return
    own = feature_set("core", bars.timeframe)
    table = own.plus(feature_set("bars", bars.timeframe)).matrix(bars)
    y = np.column_stack([labels(bars, horizon).y for horizon in HORIZONS])
    card = {
        "symbol": bars.symbol,
        "timeframe": bars.timeframe.label,
        "features": {"name": "core", "timeframe": bars.timeframe.label, "hash": own.hash()},
        "validation": {"passed": True, "horizons": {}, "note": "made to be timed, never judged"},
    }
    for name in missing:
        began = time.perf_counter()
        keep(folder / f"{name}.safetensors", name, table, y, card, windows)
        say({"bench": "serving", "made": name, "seconds": round(time.perf_counter() - began, 2)})


def keep(path: Path, name: str, table: Any, y: Any, card: dict[str, Any], windows: Any) -> None:
    """Fit one member quickly and save it in the form in which it is served."""
    import numpy as np

    from folkmoot import models
    from folkmoot.training.artefacts import save_model

    options = {"trees": TREES, **BOOSTERS[name]} if name in BOOSTERS else {"training": SHORT}
    member = models.build(name, horizons=HORIZONS, **options)
    x = windows(table, member.lookback)
    member.fit(x, y[member.lookback - 1 :], np.ones(len(x)))
    served: dict[str, Any] = {}
    if name not in BOOSTERS:
        served = dict(member.freeze(x))
        # A file for machines without torch answers by its graph, whichever was faster here.
        member.served = {**served, "by": "onnx"}
    save_model(path, name, member, {**card, "served": served})


def serve(folder: Path, members: list[str], began: float) -> dict[str, Any]:
    """Load every file and answer the last bar twice; return seconds and megabytes."""
    started = time.monotonic()
    import numpy as np

    from folkmoot.core.bars import Bars
    from folkmoot.core.timeframe import Timeframe
    from folkmoot.training.predictor import NeuralPredictor

    imported = time.monotonic()
    predictor = NeuralPredictor()
    for name in members:
        predictor.load_model(name, folder / f"{name}.safetensors")
    loaded, resident, worked = time.monotonic(), megabytes(), time.process_time()
    times = np.load(folder / "times.npy")
    bars = Bars("BENCH", Timeframe.of("1h"), times, *np.load(folder / "bars.npy"))
    answers = []
    for _ in range(2):
        before = time.monotonic()
        found = predictor.predict(bars)
        answers.append(time.monotonic() - before)
    said = np.array([row["p_up"] for row in found["models"].values()])
    if said.shape != (len(members), len(HORIZONS)) or not np.isfinite(said).all():
        sys.exit(f"not every model answered: {said}")
    if present := [name for name in FORBIDDEN if name in sys.modules]:
        sys.exit(f"imported: {present}")
    return {
        "models": len(members),
        "start_s": round(started - began, 3),
        "import_s": round(imported - started, 3),
        "load_s": round(loaded - imported, 3),
        "ready_s": round(loaded - began, 3),
        "ready_cpu_s": round(worked, 3),
        "first_answer_s": round(answers[0], 3),
        "next_answer_s": round(answers[1], 3),
        "rss_loaded_mb": round(resident, 1),
        "rss_mb": round(megabytes(), 1),
        "peak_mb": round(megabytes("VmHWM"), 1),
        "absent": FORBIDDEN,
    }


def megabytes(which: str = "VmRSS") -> float:
    """Return the resident memory of this process in MB (10^6 bytes), from /proc."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = next(line for line in lines if line.startswith(which))
    return int(found.split()[1]) * 1024 / 1e6


def fresh(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what a process of its own measured."""
    words = ["--serve", "--folder", str(asked.folder), "--members", asked.members]
    command = [sys.executable, __file__, *words, "--began", repr(time.monotonic())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def forget(folder: Path) -> int:
    """Drop the models' and libraries' pages from the system's cache; return how many files."""
    if not hasattr(os, "posix_fadvise"):
        return 0
    places = [folder]
    for name in LIBRARIES:
        spec = find_spec(name)
        places += [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    files = [file for place in places for file in place.rglob("*") if file.is_file()]
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fdatasync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)
    return len(files)


def cold(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what a process measured whose files had to come from the disk."""
    # What is compiled at first use is compiled before.
    fresh(asked)
    dropped, load = forget(asked.folder), round(os.getloadavg()[0], 2)
    return {"bench": "serving", "state": "cold", "dropped": dropped, **fresh(asked), "load": load}


def say(line: dict[str, Any]) -> None:
    """Print one JSON line."""
    print(json.dumps(line), flush=True)


def main() -> None:
    """Make what is missing, measure cold and warm, and hold the medians to the goals."""
    asked = arguments()
    members = asked.members.split(",")
    if asked.serve:
        say(serve(asked.folder, members, asked.began))
        return
    make(asked.folder, members)
    size = sum((asked.folder / f"{name}.safetensors").stat().st_size for name in members)
    if not asked.warm:
        say(cold(asked))
    rounds = [fresh(asked) for _ in range(asked.rounds)]
    for row in rounds:
        say({"bench": "serving", "state": "warm", **row, "load": round(os.getloadavg()[0], 2)})
    ready = statistics.median(row["ready_s"] for row in rounds)
    most = max(row["rss_mb"] for row in rounds)
    goal = {
        "files_mb": round(size / 1e6, 1),
        "ready_s": ready,
        "ready_cpu_s": statistics.median(row["ready_cpu_s"] for row in rounds),
        "fastest_s": min(row["ready_s"] for row in rounds),
        "rss_mb": most,
        "wanted": [SECONDS_GOAL, MEMORY_GOAL],
        "met": ready <= SECONDS_GOAL and most <= MEMORY_GOAL,
    }
    say({"bench": "serving", "contestant": "goal", **goal})


if __name__ == "__main__":
    main()
