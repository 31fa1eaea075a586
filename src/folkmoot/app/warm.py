"""Fill the numba cache once, so that nobody waits for a compiler later."""

import sys
import tempfile
import time
from pathlib import Path

from folkmoot.committee import Committee
from folkmoot.market.worlds import sign_randomised, world
from folkmoot.proof import prove
from folkmoot.proof.mistake import popular_mistake


def warm() -> float:
    """Run each compiled kernel once on a small world and return the seconds it took."""
    began = time.perf_counter()
    made = world("planted", n=6_000, seed=0)
    sign_randomised(made.bars, seed=0)
    popular_mistake(n=4_000)
    with tempfile.TemporaryDirectory() as folder:
        prove(Committee(), made.bars, workers=1, root=Path(folder), copies=1, plants=1)
    return time.perf_counter() - began


def main() -> None:
    """Warm the cache twice and say what the first and the second run took."""
    cold = warm()
    again = warm()
    sys.stderr.write(f"numba cache: {cold:.1f} s cold, {again:.1f} s warm\n")


if __name__ == "__main__":
    main()
