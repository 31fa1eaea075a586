"""A fit for which there is no memory says so, and what to do; it is provoked for real."""

import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs the extra neural")
pytest.importorskip("lightning", reason="needs the extra neural")

FIT = """
import resource, sys
from pathlib import Path
import numpy as np
from tests.models.conftest import make
from folkmoot import models
from folkmoot.core.errors import EnvironmentProblem
market = make(600)
def fit(**options):
    member = models.build("lstm_standard", **options)
    x = market.x(member.lookback)
    return member.fit(x, market.labels(member.lookback, 1), np.ones(len(x)))
quick = {"epochs": 1, "windows": 128, "batch": 64}
fit(lookback=4, hidden=8, training=quick)  # so that libraries have what they keep
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + (400 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for asked in (
    {"lookback": 60, "hidden": 512, "training": {**quick, "windows": 4096, "batch": 4096}},
    {"lookback": 4, "hidden": 20_000, "training": quick},
):
    try:
        fit(**asked)
    except EnvironmentProblem as problem:
        print(problem)
fit(lookback=4, hidden=8, training=quick)
print("went on")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is set from /proc and RLIMIT_AS")
def test_a_batch_or_a_network_that_is_too_large_is_refused_in_words_and_the_process_goes_on() -> (
    None
):
    done = subprocess.run(
        [sys.executable, "-c", FIT],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    batch, network, after = done.stdout.strip().splitlines()
    for said in (batch, network):
        assert said.startswith("memory ran out")
        assert "a smaller batch" in said
    assert after == "went on"
