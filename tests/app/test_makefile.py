"""`make bench` runs what ends by itself, and nothing that waits for another's orders."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def commands(target: str) -> str:
    """Return the commands that make would run for a target, with all its prerequisites old."""
    words = ["make", "--dry-run", "--no-print-directory", target]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_every_benchmark_that_is_a_programme_is_run_and_nothing_else() -> None:
    bench = set(re.findall(r"benchmarks/(\w+\.py)", commands("bench").split("for file in")[-1]))
    study = set(re.findall(r"benchmarks/(\w+\.py)", commands("study")))
    files = {path.name: path.read_text() for path in (ROOT / "benchmarks").glob("*.py")}
    programmes = {name for name, text in files.items() if "__main__" in text}
    workers = {name for name in programmes if name.endswith("_worker.py")}
    assert bench.isdisjoint(study)
    assert bench | study | workers | {"card.py"} == programmes
