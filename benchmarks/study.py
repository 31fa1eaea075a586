"""Every member and the ensemble on hourly Bitcoin: `python benchmarks/study.py [options]`.

Blocks of docs/verdict.md, horizons 1, 5, 15, 30, bars of 2021-01-01 to 2025-07-31 from ../shared.
Each (member, fold) is a task: a killed run goes on where it was, and a new member costs only
itself. The scores go to benchmarks/results/study.json; `python docs/study.py` makes the page.

Options: --store FOLDER (default .study), --workers N (2), --members a,b,c, --score (compute
nothing that is missing), --out FILE.
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import kept
import numpy as np

from folkmoot import models
from folkmoot.committee.prequential import deliberate
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.errors import FolkmootError
from folkmoot.core.forecast import LEVELS
from folkmoot.core.stamps import instant, iso
from folkmoot.features import feature_set
from folkmoot.market.specs import history
from folkmoot.proof import statistics
from folkmoot.proof.scored import CONSENSUS, Scored, scored
from folkmoot.training import Ballots, TaskStore, walk_forward
from folkmoot.training.keys import code_version

HORIZONS = (1, 5, 15, 30)
FIRST, LAST = "2021-01-01", "2025-08-01"
VOLATILITY = "ewma"
"""The baseline of the quantiles: its decay is chosen on training rows, as a rival's options are."""
RIVALS = ("garch", "har_rv")
"""Members that foretell spreads only, which quantiles are compared with besides."""

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "ohlcv" / "BTC-USDT_1h.parquet"
OUT = ROOT / "benchmarks" / "results" / "study.json"
PLAN = {"epochs": 6, "windows": 8_192, "batch": 256, "rate": 2e-3, "holdout_windows": 2_000}
SLOW = ("convnext", "convnext_lstm", "lstm_model", "tft")
"""Networks whose step takes a second or more on one thread: half the windows."""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    reader.add_argument("--store", type=Path, default=ROOT / ".study")
    reader.add_argument("--workers", type=int, default=2)
    reader.add_argument("--members", default="")
    reader.add_argument("--score", action="store_true")
    reader.add_argument("--device", default="cpu")
    reader.add_argument("--precision", default="32")
    reader.add_argument("--last", type=int, default=0, help="only the last so many bars")
    reader.add_argument("--out", type=Path, default=OUT)
    return reader.parse_args()


def bitcoin(last: int) -> Bars:
    """Return the bars of the study, the `last` of them if it is not zero."""
    first = instant(FIRST)
    if last:
        first = (instant(LAST) or 0) - last * 3_600_000
    return history(f"parquet:{DATA}", "BTC-USDT", "1h", start=first, end=LAST)


def member_options(name: str, device: str, precision: str) -> dict[str, Any]:
    """Return the options of a member in the study."""
    if "training" in options_of(name):
        plan = {**PLAN, **models.build(name).training, "device": device, "precision": precision}
        if name in SLOW:
            plan["windows"] = 4_096
        return {"horizons": HORIZONS, "training": plan}
    return {"horizons": HORIZONS}


def options_of(name: str) -> dict[str, Any]:
    """Return the options that a member has."""
    from folkmoot.core import plugins

    return plugins.options(plugins.load("folkmoot.models", name))


def pinball(truth: Floats, quantiles: Floats) -> Floats:
    """Return `[rows]`: the mean over the levels, in basis points."""
    error = truth[:, None] - quantiles
    levels = np.array(LEVELS)
    return 1e4 * np.maximum(levels * error, (levels - 1.0) * error).mean(axis=1)


def interval(x: Floats, horizon: int) -> list[float]:
    """Return [mean, low, high]."""
    return [float(part) for part in statistics.mean_interval(x, horizon)]


def compared(losses: Floats, reference: Floats, horizon: int) -> dict[str, float]:
    """Return what was gained over a reference, a mean, with the test that it is above zero."""
    test = statistics.diebold_mariano(losses, reference, horizon)
    return {"mean": test.mean, "z": test.statistic, "p": test.p}


def row(
    found: Scored, name: str, quantiles: Floats, against: dict[str, Floats], horizon: int
) -> dict[str, Any]:
    """Return one member's figures at one horizon."""
    p, up, truth = found.p[name], found.up, found.returns
    right = statistics.hits(p, up)
    distance = pinball(truth, quantiles)
    losses = found.losses(name)
    figures: dict[str, Any] = {
        "n": len(found),
        "log_loss": interval(losses, horizon),
        "brier": interval((p - up) ** 2, horizon),
        "accuracy": [float(right.mean()), *statistics.share_interval(right, horizon)],
        "weighted_accuracy": statistics.weighted_accuracy(p, truth),
        "gross_bp": interval(1e4 * statistics.sides(p) * truth, horizon),
        "pinball_bp": interval(distance, horizon),
        "coverage_90": float(np.mean((truth >= quantiles[:, 0]) & (truth <= quantiles[:, -1]))),
    }
    figures["gain"] = compared(losses, against["log_loss"], horizon)
    figures["pinball_gain"] = compared(distance, against[VOLATILITY], horizon)
    for rival in RIVALS:
        figures[f"pinball_gain_{rival}"] = compared(distance, against[rival], horizon)
    return figures


def scores(ballots: Ballots, horizon: int, members: list[str]) -> dict[str, Any]:
    """Return every row of one horizon's table, the ensemble's among them."""
    minutes = deliberate(ballots, references=models.REFERENCES, members=members, horizon=horizon)
    found = scored(ballots, minutes, members, horizon)
    columns = {name: ballots.quantiles[found.rows, k] for k, name in enumerate(ballots.members)}
    columns[CONSENSUS] = minutes.quantiles[found.rows]
    best = min(models.REFERENCES, key=lambda name: statistics.log_loss(found.p[name], found.up))
    against = {name: pinball(found.returns, columns[name]) for name in (VOLATILITY, *RIVALS)}
    against["log_loss"] = found.losses(best)
    names = [*ballots.members, CONSENSUS]
    seats = [minutes.names.index(name) for name in members]
    mean, spread = (
        dict(zip(members, table[found.rows][:, seats].mean(axis=0).tolist(), strict=True))
        for table in (minutes.weights, minutes.quantile_weights)
    )
    return {
        "best_reference": best,
        "rows": {name: row(found, name, columns[name], against, horizon) for name in names},
        "weights": mean,
        "quantile_weights": spread,
    }


def tell(done: int, total: int, title: str) -> None:
    """Say on stderr how far the run is."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {done}/{total} {title}\n")
    sys.stderr.flush()


def main() -> None:
    """Compute what is missing, score everything, keep the result."""
    asked = arguments()
    bars = bitcoin(asked.last)
    own = asked.members.split(",") if asked.members else list(models.MODELS)
    names = list(dict.fromkeys([*own, *models.REFERENCES, VOLATILITY, *RIVALS]))
    chosen = {name: (name, member_options(name, asked.device, asked.precision)) for name in names}
    members = [name for name in dict.fromkeys(own) if name not in models.BASELINES]
    store, columns = TaskStore(asked.store), feature_set("core", bars.timeframe)
    tables: dict[str, Any] = {}
    spent: dict[str, list[float]] = {}
    began = time.perf_counter()
    for horizon in HORIZONS:
        ballots = walk_forward(
            bars, columns, chosen, horizon, store=store, workers=asked.workers, progress=tell
        )
        tables[str(horizon)] = scores(ballots, horizon, members)
        spent = seconds(store, ballots)
    found = {
        "horizons": tables,
        "seconds": spent,
        "quantile_baseline": VOLATILITY,
        "bars": len(bars),
        "from": iso(int(bars.open_time[0])),
        "to": iso(int(bars.close_time[-1])),
        "data": bars.hash(),
        "features": columns.name,
        "code": {name: code_version(name) for name in names},
        "device": asked.device,
        "precision": asked.precision,
        "machine": f"{platform.machine()}, {asked.workers} processes of one thread",
        "wall_seconds": round(time.perf_counter() - began, 1),
    }
    kept.write(asked.out, json.dumps(found, indent=1, sort_keys=True) + "\n")


def seconds(store: TaskStore, ballots: Ballots) -> dict[str, list[float]]:
    """Return how long each member's folds took to fit and forecast."""
    spent: dict[str, list[float]] = {}
    for (_, member), key in sorted(ballots.artefacts.items()):
        spent.setdefault(member, []).append(store.seconds(key))
    return spent


if __name__ == "__main__":
    try:
        main()
    except FolkmootError as problem:
        sys.exit(str(problem))
