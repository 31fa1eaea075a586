"""1,000 windows of 224 to GASF 224 x 224: `python benchmarks/gaf.py [--quick]`.

One JSON line a contestant, seconds as median, lowest and highest of the repeats, and `ratio`, its
seconds over folkmoot's in the same repeat (median): `fill` writes the memory and nothing else;
`numpy` is the rank-2 formula in float32; pyts is left out where it is not installed. The second
group draws all three channels, the third document 002's picture.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from folkmoot.features import gaf_images, generate_gaf_3channel

try:
    from pyts.image import GramianAngularField
except ModuleNotFoundError:
    GramianAngularField = None

QUICK = "--quick" in sys.argv
WINDOWS, LENGTH, REPEATS = (200, 224, 3) if QUICK else (1000, 224, 9)


def contest(bench: str, images: int, entries: dict[str, Callable[[], object]]) -> None:
    """Let the entries take turns and print a line each; the first is folkmoot's."""
    for work in entries.values():
        work()
    runs: dict[str, list[float]] = {name: [] for name in entries}
    for _ in range(REPEATS):
        for name, work in entries.items():
            began = time.perf_counter()
            work()
            runs[name].append(time.perf_counter() - began)
    own = next(iter(runs.values()))
    for name, seconds in runs.items():
        ratios = [theirs / ours for theirs, ours in zip(seconds, own, strict=True)]
        line = {
            "bench": bench,
            "contestant": name,
            "images": images,
            "median": round(statistics.median(seconds), 5),
            "lowest": round(min(seconds), 5),
            "highest": round(max(seconds), 5),
            "ratio": round(statistics.median(ratios), 2),
        }
        print(json.dumps(line), flush=True)


def outer(windows: np.ndarray, out: np.ndarray) -> None:
    """Write GASF by numpy's outer products in float32."""
    low, high = windows.min(axis=1, keepdims=True), windows.max(axis=1, keepdims=True)
    z = ((2.0 * windows - low - high) / (high - low)).astype(np.float32)
    s = np.sqrt(np.maximum(0.0, 1.0 - z * z))
    np.multiply(z[:, :, None], z[:, None, :], out=out)
    out -= s[:, :, None] * s[:, None, :]


def main() -> None:
    """Run the three contests."""
    rng = np.random.default_rng(2)
    windows = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal((WINDOWS, LENGTH)), axis=1))
    one = np.zeros((WINDOWS, 1, LENGTH, LENGTH), dtype=np.float32)
    entries: dict[str, Callable[[], object]] = {
        "folkmoot": lambda: gaf_images(windows, out=one, channels="gasf"),
        "fill": lambda: one.fill(0.5),
        "numpy": lambda: outer(windows, one[:, 0]),
    }
    if GramianAngularField is not None:
        entries["pyts"] = GramianAngularField(LENGTH, method="summation").fit(windows).transform
        entries["pyts"] = lambda work=entries["pyts"]: work(windows)
        apart = np.abs(gaf_images(windows, channels="gasf")[:, 0] - entries["pyts"]()).max()
        print(json.dumps({"bench": "gasf", "largest_difference_to_pyts": float(apart)}))
    contest("gasf", WINDOWS, entries)
    three = np.zeros((WINDOWS // 4, 3, LENGTH, LENGTH), dtype=np.float32)
    some = windows[: WINDOWS // 4]
    entries = {"folkmoot": lambda: gaf_images(some, out=three), "fill": lambda: three.fill(0.5)}
    contest("gasf + gadf + scale", len(some), entries)
    few = windows[:20]
    contest("picture", 20, {"folkmoot": lambda: [generate_gaf_3channel(x) for x in few]})


if __name__ == "__main__":
    main()
