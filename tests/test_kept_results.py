"""Results that took hours: resumed only under the same key, whole after a kill, worded truly."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from folkmoot import models
from folkmoot.features import feature_set
from folkmoot.market import world
from folkmoot.training import TaskStore, walk_forward

ROOT = Path(__file__).parents[1]
LINES = [{"member": "a", "bars": 9_000, "seed": seed} for seed in range(3)]
TEXT = "".join(f"{json.dumps(line)}\n" for line in LINES)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that loads a script, which imports those beside it."""

    def load(name: str) -> ModuleType:
        path = ROOT / f"{name}.py"
        monkeypatch.syspath_prepend(path.parent)
        spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    sys.modules.pop("kept", None)


def test_wherever_a_kill_tears_a_file_its_whole_lines_stay_and_more_can_follow(
    script: Any, tmp_path: Path
) -> None:
    kept, file = script("benchmarks/kept"), tmp_path / "lines.jsonl"
    assert kept.lines(file) == []
    for cut in range(len(TEXT) + 1):
        file.write_text(TEXT[:cut])
        whole = LINES[: TEXT[:cut].count("\n")]
        assert kept.lines(file) == whole
        with file.open("a") as more:
            more.write(f"{json.dumps(LINES[0])}\n")
        assert kept.lines(file) == [*whole, LINES[0]]
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_fit_is_missing_unless_its_line_has_the_key_of_now(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = script("benchmarks/memory")
    fits = [("dlinear", 9_000, 0), ("dlinear", 9_000, 1), ("logistic", 9_000, 0)]
    lines = [
        {"member": name, "bars": bars, "seed": seed, "key": memory.key_of(name, "cpu")}
        for name, bars, seed in fits
    ]
    assert memory.missing(fits, lines, "cpu") == []
    assert memory.missing(fits, lines, "cuda") == fits
    assert memory.missing(fits, lines[1:], "cpu") == fits[:1]
    unkeyed = [{k: v for k, v in line.items() if k != "key"} for line in lines]
    assert memory.missing(fits, unkeyed, "cpu") == fits
    # Only what is fitted by the plan is another fit under another plan.
    monkeypatch.setitem(memory.PLAN, "epochs", 5)
    assert memory.missing(fits, lines, "cpu") == fits[:2]
    monkeypatch.setattr(memory, "AGREES", 0.6)
    assert memory.missing(fits, lines, "cpu") == fits


def test_the_key_of_an_arm_is_that_of_its_plan_device_and_world(
    script: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engram = script("benchmarks/engram")
    first = engram.key_of("ngram", 60_000, "cpu")
    assert engram.key_of("ngram", 60_000, "cpu") == first
    others = {engram.key_of("ngram", 60_000, "cuda"), engram.key_of("ngram", 6_000, "cpu")}
    monkeypatch.setitem(engram.PLAN, "rate", 1e-3)
    others.add(engram.key_of("ngram", 60_000, "cpu"))
    assert len(others - {first}) == 3


def test_the_ensemble_is_compared_with_each_volatility_member_though_none_sits_in_it(
    script: Any, tmp_path: Path
) -> None:
    study, bars = script("benchmarks/study"), world("planted", 1_500).bars
    volatile = {"ewma": "pinball_gain", "garch": "pinball_gain_garch"}
    volatile["har_rv"] = "pinball_gain_har_rv"
    names = ("kernel", *models.REFERENCES, *volatile)
    chosen = {name: (name, {"horizons": (1,)}) for name in names}
    columns = feature_set("core", bars.timeframe)
    ballots = walk_forward(bars, columns, chosen, 1, store=TaskStore(tmp_path))
    found = study.scores(ballots, 1, ["kernel"])
    assert list(found["weights"]) == ["kernel"]
    rows, ensemble = found["rows"], found["rows"]["consensus"]
    for name, field in volatile.items():
        assert rows[name][field] == {"mean": 0.0, "z": 0.0, "p": 1.0}
        less = rows[name]["pinball_bp"][0] - ensemble["pinball_bp"][0]
        assert ensemble[field]["mean"] == pytest.approx(less, abs=1e-9)


def figures(gain: float) -> dict[str, Any]:
    test = {"mean": gain, "z": 2.5, "p": 0.006}
    scores = ("log_loss", "brier", "accuracy", "gross_bp", "pinball_bp")
    row: dict[str, Any] = {score: [0.5, 0.4, 0.6] for score in scores}
    row |= {"n": 1_000, "weighted_accuracy": 0.5, "coverage_90": 0.9, "gain": test}
    gains = ("pinball_gain", "pinball_gain_garch", "pinball_gain_har_rv")
    return row | {name: test for name in gains}


def kept_study(baseline: str) -> dict[str, Any]:
    rows = {"ewma": figures(0.0), "consensus": figures(0.125)}
    table = {"best_reference": "ar1", "rows": rows}
    return {
        "bars": 9_000, "from": "2024-07-22T00:00:00Z", "to": "2025-08-01T00:00:00Z",
        "features": "core", "machine": "a machine", "quantile_baseline": baseline,
        "seconds": {}, "horizons": {"1": table, "30": table, "5": table},
    }  # fmt: skip


def test_the_page_names_the_baseline_that_the_result_was_made_with(
    script: Any, tmp_path: Path
) -> None:
    page = script("docs/study").page
    assert page(tmp_path).startswith("# The study of the members")
    assert "Hourly Bitcoin" not in page(tmp_path)
    (tmp_path / "study.json").write_text(json.dumps(kept_study("ewma")))
    text = page(tmp_path)
    assert "2024-07-22 to 2025-08-01" in text
    assert "that of the member `ewma`" in text
    assert "| bars ahead | over `ewma` | over `garch` | over `har_rv` |" in text
    cell = "0.125 (z 2.5, p 0.006)"
    told = [line for line in text.splitlines() if line.count(cell) == 3]
    assert [line.split("|")[1].strip() for line in told] == ["1", "5", "30"]
    (tmp_path / "study.json").write_text(json.dumps(kept_study("base_rate")))
    assert "fixed decay" in page(tmp_path)


def test_the_page_averages_no_lines_of_different_keys_and_no_part_of_a_line(
    script: Any, tmp_path: Path
) -> None:
    rest = {"bench": "memory", "bars": 9_000, "z": 1.0, "seconds": 2.0}
    told = [
        ("dlinear", 0, "old", 0.51), ("dlinear", 1, "old", 0.52), ("kernel", 0, "same", 0.53),
        ("dlinear", 0, "new", 0.55), ("kernel", 0, "same", 0.54),
    ]  # fmt: skip
    lines = [
        {**rest, "member": name, "seed": seed, "key": key, "accuracy": share}
        for name, seed, key, share in told
    ]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (tmp_path / "memory.jsonl").write_text(text + text[:40])
    page = script("docs/study").page(tmp_path)
    assert "| `dlinear` | 55.00 % (z 1.0) | 2 |" in page
    assert "| `kernel` | 54.00 % (z 1.0) | 2 |" in page
