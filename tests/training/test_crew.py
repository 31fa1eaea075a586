"""A crew that is told to stop does so at once, whoever waits for it."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from folkmoot.committee import Committee
from folkmoot.core.bars import Bars
from folkmoot.core.errors import EnvironmentProblem
from folkmoot.execution import Costs, Limits
from folkmoot.proof.plan import Plan
from folkmoot.proof.proving import _Run
from folkmoot.training import Crew, TaskStore

LAYOUT = {"job": "folkmoot.training.folds:layout", "given": {"n": 1000}}
PLAN = Plan(
    Committee(models=("ar1",)),
    "core",
    Costs(),
    "half_kelly",
    Limits(),
    (None, None),
    "all",
    1,
    1,
    0,
)


class Napping(_Run):
    """A study whose copies are naps."""

    def _copies(self, copies: list[tuple[str, int]], store: TaskStore) -> None:
        assert self.crew is not None
        self.crew.carry_out(naps(store.root, 6), ["nap"] * 6)


def naps(folder: Path, n: int) -> list[dict[str, Any]]:
    """Return orders that sleep for a minute each."""
    (folder / "napping.py").write_text("import time\n\ndef nap(place):\n    time.sleep(60)\n")
    return [{"job": "napping:nap", "given": {"place": place}} for place in range(n)]


def test_a_crew_that_is_stopped_drops_its_orders_and_can_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    orders = naps(tmp_path, 6)
    with Crew(2) as crew, ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(crew.carry_out, orders, ["nap"] * 6)
        time.sleep(1.0)
        began = time.monotonic()
        crew.stop()
        with pytest.raises(EnvironmentProblem, match="ended with exit code -9"):
            waiting.result(10.0)
        assert time.monotonic() - began < 5.0
        with pytest.raises(EnvironmentProblem, match="the crew was stopped"):
            crew.carry_out([LAYOUT], ["layout"])
        crew.resume()
        assert crew.carry_out([LAYOUT], ["layout"])[0]["train"] > 0


def fail_later(problem: type[BaseException]) -> None:
    """Raise once the naps have begun."""
    time.sleep(1.0)
    raise problem


@pytest.mark.parametrize("problem", [KeyboardInterrupt, ValueError])
def test_what_goes_wrong_beside_the_controls_does_not_wait_for_them(
    bars: Bars, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: type[BaseException]
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    with Crew(2) as crew:
        run = Napping(bars, PLAN, tmp_path, "", crew, lambda what, share: None)
        began = time.monotonic()
        with pytest.raises(problem), run._meanwhile([("nap", 0)], TaskStore(tmp_path)):
            fail_later(problem)
        assert time.monotonic() - began < 10.0
        if problem is ValueError:
            assert crew.carry_out([LAYOUT], ["layout"])[0]["train"] > 0
