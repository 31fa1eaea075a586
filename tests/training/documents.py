"""The documents' code, run with only the import lines changed, and small worlds to run it on."""

import ast
import asyncio
import inspect
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from folkmoot.core.bars import Bars
from folkmoot.core.timeframe import Timeframe

FENCE = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
IMPORT = re.compile(r"^(from|import) .*\n", flags=re.MULTILINE)


def code_blocks(shared: Path, document: str) -> list[str]:
    """Return the Python blocks of a document, in order."""
    return FENCE.findall((shared / "seeds" / document).read_text("utf-8"))


def carry_out(block: str, imports: str, **names: Any) -> dict[str, Any]:
    """Run a block whose import lines are replaced by `imports`; return what it has defined."""
    code = compile(
        imports + IMPORT.sub("", block), "document", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    space: dict[str, Any] = dict(names)
    waiting = eval(code, space)  # noqa: S307  # the code of the documents is what is tested
    if inspect.iscoroutine(waiting):
        asyncio.run(waiting)
    return space


@lru_cache(maxsize=8)
def world(n: int, seed: int = 1, told: float = 0.85) -> Bars:
    """Make a market whose next move is up, with probability `told`, after a bar of large volume."""
    rng = np.random.default_rng(seed)
    volume = rng.lognormal(3.0, 0.5, n)
    follows = np.where(rng.random(n) < told, 1.0, -1.0)
    sign = follows * np.sign(np.concatenate(([0.0], np.log(volume[:-1]) - 3.0)))
    close = 100.0 * np.exp(np.cumsum(0.006 * sign * np.abs(rng.standard_normal(n))))
    open_ = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(open_, close) * np.exp(0.002 * rng.random(n))
    low = np.minimum(open_, close) * np.exp(-0.002 * rng.random(n))
    hour = Timeframe.of("1h")
    times = 1_577_836_800_000 + hour.ms * np.arange(n, dtype=np.int64)
    return Bars("WORLD/USD", hour, times, open_, high, low, close, volume)
