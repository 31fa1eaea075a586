"""The four indicators of document 001 by torch: `python benchmarks/tensors.py [--quick]`.

One JSON line a measurement. On a card: 5,000 symbols x 5,000 bars; `bandwidth` is the bytes of the
columns read and the values written over the seconds, `share` that over what a plain copy on the
same card reaches in the same run. On a processor: fewer symbols, beside the compiled reading on
one thread (`machine`). The lines `parity` compare every indicator and every core column with the
compiled reading.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from folkmoot.causal import Expr, compile
from folkmoot.causal.tensors import read
from folkmoot.core.bars import Bars, Floats
from folkmoot.core.timeframe import Timeframe
from folkmoot.features import feature_set
from folkmoot.indicators import adx, cci, rsi, wavetrend

try:
    import torch
except ModuleNotFoundError:
    sys.exit("needs torch: pip install 'folkmoot[neural]'")

QUICK = "--quick" in sys.argv
REPEATS = 3 if QUICK else 9
CARD = torch.cuda.is_available()
SYMBOLS, BARS = (5_000, 5_000) if CARD else (100 if QUICK else 500, 5_000)
NAMES = ("high", "low", "close")
COMPARED = 5
LOOSE = ("cci", "rank_cci", "wavetrend")


def indicators() -> dict[str, Expr]:
    """Return the outputs of the four indicators at their defaults."""
    waves = {f"wavetrend.{name}": line for name, line in wavetrend().items()}
    return {"rsi": rsi(), "cci": cci(), **adx(), **waves}


def prices(symbols: int, bars: int) -> dict[str, Floats]:
    """Return random walks `[symbols, bars]`."""
    noise = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(0.004 * noise.standard_normal((symbols, bars)), axis=1))
    start = np.concatenate((close[:, :1], close[:, :-1]), axis=1)
    high = np.maximum(start, close) * (1.0 + 0.002 * noise.random((symbols, bars)))
    low = np.minimum(start, close) * (1.0 - 0.002 * noise.random((symbols, bars)))
    return {"open": start, "high": high, "low": low, "close": close}


def seconds(work: Callable[[], object]) -> float:
    """Return the median seconds of the repeats, after two that do not count."""
    times = []
    for _ in range(REPEATS + 2):
        began = time.perf_counter()
        work()
        if CARD:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return statistics.median(times[2:])


def copy_bandwidth() -> float:
    """Return the bytes a second that a copy of 2 GiB reads and writes."""
    source = torch.zeros(1 << 28, dtype=torch.float64, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.numel() * 8 / seconds(lambda: target.copy_(source))


def bars_of(columns: dict[str, Floats], row: int) -> Bars:
    """Return one symbol's walk as bars."""
    hour = Timeframe.of("1h")
    times = hour.ms * (400_000 + np.arange(columns["close"].shape[1]))
    lines = [columns[name][row] for name in ("open", "high", "low", "close")]
    volume = 1.0 + np.random.default_rng(row).random(len(times))
    return Bars(f"W{row}", hour, times, *lines, volume)


def parity(columns: dict[str, Floats], device: str) -> None:
    """Print the largest difference from the compiled reading of every indicator and core column.

    In units of max(1, |value|), on the first symbols; infinite where a value is known to one
    reading only.
    """
    walks = [bars_of(columns, row) for row in range(COMPARED)]
    exprs = {**indicators(), **{c.name: c.expr for c in feature_set("core", "1h").columns}}
    times = torch.tensor(walks[0].open_time)
    names = ("open", "high", "low", "close", "volume")
    given = {n: torch.tensor(np.array([bars.column(n) for bars in walks])) for n in names}
    seen = read(exprs, {**given, "open_time": times}, "1h", device=device)
    expected = [compile(exprs, "1h").batch(bars) for bars in walks]
    for name, values in seen.items():
        error = largest_error(values.cpu().numpy(), np.array([x[name] for x in expected]))
        bound = 1e-7 if name.startswith(LOOSE) else 1e-9
        line = {"bench": "parity", "column": name, "error": error, "bound": bound}
        print(json.dumps({**line, "verdict": error <= bound}), flush=True)


def largest_error(values: Floats, expected: Floats) -> float:
    """Return the largest difference in units of max(1, |value|)."""
    if not np.array_equal(np.isnan(values), np.isnan(expected)):
        return float("inf")
    return float(np.nanmax(np.abs(values - expected) / np.maximum(1.0, np.abs(expected))))


def measure(columns: dict[str, Floats], dtype: "torch.dtype", copied: float) -> None:
    """Time the torch reading and print its line."""
    device = "cuda" if CARD else "cpu"
    given = {name: torch.tensor(columns[name], dtype=dtype, device=device) for name in NAMES}
    exprs = indicators()
    with torch.no_grad():
        seen = read(exprs, given, dtype=dtype)
        took = seconds(lambda: read(exprs, given, dtype=dtype))
    moved = sum(x.numel() * x.element_size() for x in (*given.values(), *seen.values()))
    line = {
        "bench": "tensors",
        "device": torch.cuda.get_device_name() if CARD else "cpu",
        "dtype": str(dtype).removeprefix("torch."),
        "symbols": SYMBOLS,
        "bars": BARS,
        "seconds": round(took, 5),
        "symbol_bars_per_second": round(SYMBOLS * BARS / took),
        "bandwidth": round(moved / took),
    }
    if CARD:
        line |= {"copy_bandwidth": round(copied), "share": round(moved / took / copied, 4)}
        line |= {"peak_bytes": torch.cuda.max_memory_allocated()}
    print(json.dumps(line), flush=True)


def measure_machine(columns: dict[str, Floats]) -> None:
    """Time the compiled reading, symbol after symbol on one thread, and print its line."""
    program = compile(indicators())
    panel = [bars_of(columns, row) for row in range(SYMBOLS)]
    took = seconds(lambda: [program.matrix(bars) for bars in panel])
    line = {"bench": "machine", "symbols": SYMBOLS, "bars": BARS, "seconds": round(took, 5)}
    line["symbol_bars_per_second"] = round(SYMBOLS * BARS / took)
    print(json.dumps(line), flush=True)


def main() -> None:
    """Run every measurement that this machine allows."""
    columns = prices(SYMBOLS, BARS)
    parity(columns, "cuda" if CARD else "cpu")
    copied = copy_bandwidth() if CARD else 0.0
    measure(columns, torch.float64, copied)
    measure(columns, torch.float32, copied)
    if not CARD:
        measure_machine(columns)


if __name__ == "__main__":
    main()
