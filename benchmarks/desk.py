"""How fast the desk decides: `python benchmarks/desk.py [BARS]`.

One JSON line per contestant: a replay that stores nothing, one that commits 1,000 bars at a time,
one that commits every bar, and the bare append + fdatasync of as many bytes in the same run, which
is what one commit a bar is measured against.
"""

import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from folkmoot.causal import close, compile, ema
from folkmoot.core.bars import Bar, Bars
from folkmoot.core.forecast import Belief
from folkmoot.desk import Desk, Hearing, Journal, Replay
from folkmoot.execution import Costs, Limits, SimBroker
from folkmoot.strategies import build

if TYPE_CHECKING:
    from tests.desk.scene import Scene

GOAL = 30_000
UNKNOWN = (math.nan, math.nan)


class CrossingVoice:
    """A voice that believes in the side of the faster of two means; it has no members."""

    def __init__(self, fast: int = 20, slow: int = 80) -> None:
        means = compile({"fast": ema(close, fast), "slow": ema(close, slow)})
        self._push = means.stream().push_row

    def hear(self, bar: Bar) -> Hearing:
        """Return 0.6 for the side of the faster mean, nothing before both means are known."""
        fast, slow = self._push(bar).tolist()
        p_up = 0.6 if fast > slow else 0.4 if fast < slow else math.nan
        belief = Belief("crossing", bar.symbol, bar.close_time, 1, p_up)
        return Hearing("ok", belief, (), math.nan, UNKNOWN, 0, (), "")


def crossing_desk(bars: Bars, path: Path, fee: float = 0.001) -> Replay:
    """Trade the crossing of two means with 99 % of equity, every decision journalled.

    The band lets an order pass only where the side changes, as a rule without rebalancing does.
    """
    with Journal(path, commit_every=1_000) as journal:
        desk = Desk(
            bars.symbol,
            bars.timeframe,
            CrossingVoice(),
            build("follow_sign", weight=0.99),
            Limits(),
            SimBroker(Costs(fee=fee, slippage=0.0), 1_000_000.0),
            journal,
            {"data": bars.hash()},
            band=0.98,
        )
        return desk.replay(bars)


def replay(played: "Scene", path: Path | None, commit_every: int) -> float:
    """Return bars a second of one replay into a new journal."""
    from tests.desk.scene import seat

    with Journal(path, commit_every=commit_every) as journal:
        desk = seat(played, journal)
        start = time.perf_counter()
        done = desk.replay(played.bars)
        return done.decided / (time.perf_counter() - start)


def sync(path: Path, record: bytes, n: int) -> float:
    """Return how many times a second `record` can be appended and synced."""
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        start = time.perf_counter()
        for _ in range(n):
            os.write(file, record)
            os.fdatasync(file)
        return n / (time.perf_counter() - start)
    finally:
        os.close(file)


def contest(
    bars: int, folder: Path, rounds: int = 5, commits: int = 1_000
) -> Iterator[dict[str, object]]:
    """Yield one result per contestant, the contestants taking turns in each round."""
    # The scene lies beside the tests of the desk, which are no package that is installed.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tests.desk.scene import scene

    played, short = scene(bars), scene(commits)
    replay(short, None, 1_000)
    contestants: dict[str, Callable[[int], float]] = {
        "desk, nothing stored": lambda _: replay(played, None, 1_000),
        "desk, 1,000 bars a commit": lambda k: replay(played, folder / f"{k}.db", 1_000),
        "bare fdatasync": lambda k: sync(folder / f"{k}.raw", b"x" * 1_100, commits),
        "desk, one bar a commit": lambda k: replay(short, folder / f"{k}one.db", 1),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds):
        for name, run in contestants.items():
            rates[name].append(run(turn))
    for name, measured in rates.items():
        rate = statistics.median(measured)
        line: dict[str, object] = {"bench": "desk in replay", "contestant": name, "members": 3}
        line |= {"per_second": round(rate), "lowest": round(min(measured))}
        line |= {"highest": round(max(measured)), "load": round(os.getloadavg()[0], 2)}
        if name == "desk, one bar a commit":
            pairs = zip(measured, rates["bare fdatasync"], strict=True)
            line["ratio_to_fdatasync"] = round(statistics.median(a / b for a, b in pairs), 3)
            line["goal"] = 0.5
        if name == "desk, 1,000 bars a commit":
            line |= {"ratio_to_goal": round(rate / GOAL, 3), "goal": GOAL}
        yield line


def main(bars: str = "30000") -> None:
    """Print the results."""
    with tempfile.TemporaryDirectory() as folder:
        for line in contest(int(bars), Path(folder)):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
