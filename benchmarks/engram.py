"""What Engram's memory adds: `python benchmarks/engram.py [options]`.

Three arms: memory on; off, the same backbone; off, the backbone widened to as many parameters. On
world N (60,000 bars; the last 15,000 are asked) for seeds that no setting was chosen on, and on
hourly Bitcoin from ../shared (the last quarter is asked). One JSON line an arm, and one a
comparison: the gain in log loss of memory over the other arm with its one-sided 95 % lower bound
(Newey-West). An arm is not fitted again if its file is in --store under the same key: the hash of
the world, Engram's code, its plan, the libraries and the device.

Options: --worlds ngram,bitcoin, --seeds 10,11,12,13,14, --arms on,off,wide, --bars N (of world N),
--device cpu|cuda, --workers N, --store FOLDER, --out FILE.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import kept
import numpy as np
from scipy import special

from folkmoot import models
from folkmoot.core.bars import Floats
from folkmoot.core.hashing import content_hash
from folkmoot.features import Table, feature_set, labels, windows
from folkmoot.market.specs import history
from folkmoot.models.engram.world import COLUMN, ngram_world
from folkmoot.proof import statistics
from folkmoot.training.keys import code_version

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks" / "results" / "engram.jsonl"
DATA = ROOT.parent / "shared" / "data" / "ohlcv" / "BTC-USDT_1h.parquet"
FIRST, LAST = "2018-01-01", "2025-08-01"
BARS, ASKED = 60_000, 0.25
PLAN = {"epochs": 6, "batch": 256, "windows": 24_000, "patience": 3}
HOUR = 3_600_000
Fit = tuple[str, int, str]
"""A world, a seed, an arm."""


def material(world: str, seed: int, bars_made: int) -> tuple[Table, Floats]:
    """Return the table and `y[bars, 1]` of a world; how many bars are made, world N is asked."""
    if world == "ngram":
        made = ngram_world(bars_made, seed)
        times = np.arange(bars_made, dtype=np.int64) * HOUR
        return Table(np.ascontiguousarray(made.values), made.names, times), made.labels()[:, None]
    bars = history(f"parquet:{DATA}", "BTC-USDT", "1h", start=FIRST, end=LAST)
    table = feature_set("bars", bars.timeframe).matrix(bars)
    return table, labels(bars, 1).y[:, None]


def key_of(world: str, bars: int, device: str) -> str:
    """Return the key of the arms of a world on a device."""
    rows = bars if world == "ngram" else [content_hash(DATA.read_bytes()), FIRST, LAST]
    asked = {"world": [world, rows, ASKED, COLUMN], "plan": PLAN, "device": device}
    return kept.key("engram", asked)


def fit_arm(world: str, seed: int, arm: str, bars: int, device: str) -> dict[str, Any]:
    """Fit one arm and return its log losses on the rows it is asked about."""
    table, y = material(world, seed, bars)
    plan = {**PLAN, "device": device, "seed": 7 + seed}
    options: dict[str, Any] = {"memory": arm, "training": plan}
    if world == "ngram":
        options["column"] = COLUMN
    member = models.build("engram", **options)
    x, known = windows(table, member.lookback), y[member.lookback - 1 :]
    first = int(len(x) * (1.0 - ASKED))
    began = time.perf_counter()
    member.fit(x.rows(slice(0, first - 2)), known[: first - 2], np.ones(first - 2))
    seconds = time.perf_counter() - began
    truth = known[first:, 0]
    p = member.predict(x.rows(slice(first, None))).p_up[:, 0]
    use = np.isfinite(p) & np.isfinite(truth) & (truth != 0.0)
    losses = np.where(use, statistics.log_losses(np.where(use, p, 0.5), 1.0 * (truth > 0.0)), 0.0)
    return {
        "world": world,
        "seed": seed,
        "arm": arm,
        "log_loss": float(losses[use].mean()),
        "n": int(use.sum()),
        "key": key_of(world, bars, device),
        "device": device,
        "code": code_version("engram")[:12],
        "plan": PLAN,
        "parameters": member.parameters_in_use(),
        "seconds": round(seconds, 1),
        "losses": [round(float(loss), 7) for loss in losses],
        "used": use.tolist(),
    }


def compared(on: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the gain of memory over another arm, with its bound."""
    both = np.array(on["used"]) & np.array(other["used"])
    gain = np.array(other["losses"])[both] - np.array(on["losses"])[both]
    lags = statistics.newey_west_lags(len(gain))
    error = np.sqrt(statistics.long_run_variance(gain, lags) / len(gain))
    return {
        "bench": "engram",
        "world": on["world"],
        "seed": on["seed"],
        "key": on["key"],
        "against": "equal compute" if other["arm"] == "off" else "equal parameters",
        "gain": float(gain.mean()),
        "bound": float(gain.mean() - special.stdtrit(len(gain) - 1, 0.95) * error),
        "z": float(gain.mean() / error),
    }


def arguments() -> argparse.Namespace:
    """Read the command line."""
    reader = argparse.ArgumentParser()
    reader.add_argument("--worlds", default="ngram,bitcoin")
    reader.add_argument("--seeds", default="10,11,12,13,14")
    reader.add_argument("--arms", default="on,off,wide")
    reader.add_argument("--bars", type=int, default=BARS)
    reader.add_argument("--device", default="cpu")
    reader.add_argument("--workers", type=int, default=2)
    reader.add_argument("--out", type=Path, default=OUT)
    reader.add_argument("--store", type=Path, default=ROOT / ".study" / "engram")
    return reader.parse_args()


def main() -> None:
    """Fit the arms that are missing and compare them."""
    asked = arguments()
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    pairs = [
        (w, s) for w in asked.worlds.split(",") for s in seeds if w == "ngram" or s == seeds[0]
    ]
    keys = {world: key_of(world, asked.bars, asked.device) for world, _ in pairs}
    files = {
        (world, seed, arm): asked.store / f"{world}-{seed}-{arm}-{keys[world]}.json"
        for world, seed in pairs
        for arm in asked.arms.split(",")
    }
    fit_missing(files, asked)
    lines: list[dict[str, Any]] = []
    for pair in pairs:
        lines += lines_of({fit[2]: file for fit, file in files.items() if fit[:2] == pair})
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    kept.write(asked.out, text)
    print(text, end="")


def fit_missing(files: dict[Fit, Path], asked: argparse.Namespace) -> None:
    """Fit the arms whose file is not there, a process each."""
    missing = [fit for fit, file in files.items() if not file.exists()]
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as crew:
        waiting = {crew.submit(fit_arm, *fit, asked.bars, asked.device): fit for fit in missing}
        for finished in as_completed(waiting):
            found = finished.result()
            kept.write(files[waiting[finished]], json.dumps(found))
            sys.stderr.write(f"{waiting[finished]} {found['log_loss']:.5f} {found['seconds']}\n")


def lines_of(files: dict[str, Path]) -> list[dict[str, Any]]:
    """Return the lines of one world and seed: its arms, and memory compared with the others."""
    arms = {arm: json.loads(file.read_text()) for arm, file in files.items()}
    alone = [{k: v for k, v in arm.items() if k not in ("losses", "used")} for arm in arms.values()]
    others = [arms[arm] for arm in arms if arm != "on"] if "on" in arms else []
    return [*alone, *(compared(arms["on"], other) for other in others)]


if __name__ == "__main__":
    main()
