"""What Engram's memory adds: `python benchmarks/engram.py [options]`.

Three arms: memory on; off, the same backbone; off, the backbone widened to as many parameters. On
world N (60,000 bars; the last 15,000 are asked) for seeds that no setting was chosen on, and on
hourly Bitcoin from ../shared (the last quarter is asked). One JSON line an arm, and one a
comparison: the gain in log loss of memory over the other arm with its one-sided 95 % lower bound
(Newey-West). A line that is in --out is not computed again.

Options: --worlds ngram,bitcoin, --seeds 10,11,12,13,14, --arms on,off,wide, --workers N,
--store FOLDER, --out FILE.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from folkmoot import models
from folkmoot.core.bars import Floats
from folkmoot.features import Table, feature_set, labels, windows
from folkmoot.market.specs import history
from folkmoot.models.engram.world import COLUMN, ngram_world
from folkmoot.proof import statistics

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks" / "results" / "engram.jsonl"
DATA = ROOT.parent / "shared" / "data" / "ohlcv" / "BTC-USDT_1h.parquet"
BARS, ASKED = 60_000, 0.25
PLAN = {"epochs": 6, "batch": 256, "windows": 24_000, "patience": 3}
HOUR = 3_600_000


def material(world: str, seed: int) -> tuple[Table, Floats]:
    """Return the table and `y[bars, 1]` of a world."""
    if world == "ngram":
        made = ngram_world(BARS, seed)
        times = np.arange(BARS, dtype=np.int64) * HOUR
        return Table(np.ascontiguousarray(made.values), made.names, times), made.labels()[:, None]
    bars = history(f"parquet:{DATA}", "BTC-USDT", "1h", start="2018-01-01", end="2025-08-01")
    table = feature_set("bars", bars.timeframe).matrix(bars)
    return table, labels(bars, 1).y[:, None]


def fit_arm(world: str, seed: int, arm: str) -> dict[str, Any]:
    """Fit one arm and return its log losses on the rows it is asked about."""
    table, y = material(world, seed)
    options: dict[str, Any] = {"memory": arm, "training": {**PLAN, "seed": 7 + seed}}
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
    reader.add_argument("--workers", type=int, default=2)
    reader.add_argument("--out", type=Path, default=OUT)
    reader.add_argument("--store", type=Path, default=ROOT / ".study" / "engram")
    return reader.parse_args()


def main() -> None:
    """Fit the arms that are missing and compare them."""
    asked = arguments()
    asked.store.mkdir(parents=True, exist_ok=True)
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    pairs = [
        (w, s) for w in asked.worlds.split(",") for s in seeds if w == "ngram" or s == seeds[0]
    ]
    wanted = [(w, s, arm) for w, s in pairs for arm in asked.arms.split(",")]
    files = {fit: asked.store / "-".join(map(str, fit)) for fit in wanted}
    missing = [fit for fit in wanted if not files[fit].exists()]
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as crew:
        waiting = {crew.submit(fit_arm, *fit): fit for fit in missing}
        for finished in as_completed(waiting):
            found = finished.result()
            files[waiting[finished]].write_text(json.dumps(found))
            sys.stderr.write(f"{waiting[finished]} {found['log_loss']:.5f} {found['seconds']}\n")
    lines = []
    for world, seed in pairs:
        arms = {
            arm: json.loads(files[world, seed, arm].read_text()) for arm in asked.arms.split(",")
        }
        lines += [
            {k: v for k, v in arm.items() if k not in ("losses", "used")} for arm in arms.values()
        ]
        lines += [compared(arms["on"], arms[arm]) for arm in arms if arm != "on"]
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    main()
