"""The project's papers: complete, generated where they carry figures, and free of any machine."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MACHINE = re.compile(
    r"(?<![\w.])/(work|farm|root|home|tmp)/\w|site-packages|127\.0\.0\.1:\d{4,}/simple"
)


def run(*arguments: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "Makefile"]
)
def test_the_front_page_is_complete(name: str) -> None:
    assert (ROOT / name).stat().st_size > 500


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_generated_passages_are_up_to_date() -> None:
    checked = run(sys.executable, "docs/generate.py", "--check")
    assert checked.returncode == 0, f"run `make docs`: {checked.stdout}{checked.stderr}"


@pytest.fixture
def generator() -> ModuleType:
    """The module that writes the generated passages."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_kept_result_holds_no_series_path_or_seconds(generator: ModuleType) -> None:
    world = {"name": "A", "verdict": "NO EDGE", "study": {"charts": {"equity": [1]}, "n": 5}}
    answer = {
        "seconds": 3.2,
        "report": "a/b.html",
        "worlds": [world],
        "runs": [{"worlds": [world]}],
    }
    assert generator.lasting(answer) == {
        "worlds": [{"name": "A", "verdict": "NO EDGE", "study": {"n": 5}}],
        "runs": [{"worlds": [{"name": "A", "verdict": "NO EDGE"}]}],
    }


def test_only_what_stands_between_the_markers_is_replaced(generator: ModuleType) -> None:
    text = "a\n<!-- generated: x -->\nold\n<!-- end: x -->\nb"
    filled = generator.filled(text, "x", "fresh")
    assert filled == "a\n<!-- generated: x -->\nfresh\n<!-- end: x -->\nb"
    assert generator.filled(filled, "x", "fresh") == filled


def test_a_study_becomes_a_line_with_its_interval_and_its_best_baseline(
    generator: ModuleType,
) -> None:
    row = {"accuracy": 0.553, "accuracy_interval": [0.546, 0.56], "n": 17_000}
    study = {
        "symbol": "BTC/USDT",
        "timeframe": "1h",
        "verdict": "NOT PROVEN",
        "reason": "skill_without_profit",
        "consensus": row,
        "members": [],
        "baselines": [{**row, "name": "ar1", "accuracy": 0.533}],
        "backtest": {"sharpe": -0.7, "sharpe_interval": [-1.6, 0.2]},
    }
    line = " ".join(generator.study_row(study)).replace("\N{NARROW NO-BREAK SPACE}", " ")
    for part in ("17,000", "`skill_without_profit`", "55.3 % [54.6, 56.0 %]", "ar1 53.3 %"):
        assert part in line


def test_the_pages_become_a_site(tmp_path: Path) -> None:
    assert run(sys.executable, "docs/generate.py", "--site", tmp_path).returncode == 0
    written = {page.relative_to(tmp_path).with_suffix(".md") for page in tmp_path.rglob("*.html")}
    assert written == {page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")}


def test_a_decision_says_what_because_and_instead_of_in_ten_lines() -> None:
    for page in (ROOT / "docs" / "decisions").glob("*.md"):
        text = page.read_text()
        assert re.match(r"# \d+\. ", text), page.name
        assert len(text.splitlines()) <= 12, page.name
        assert all(f"**{part}.**" in text for part in ("Decision", "Because", "Instead of"))


def test_the_readme_types_no_result() -> None:
    text = re.sub(
        r"<!-- generated: (\w+) -->.*?<!-- end: \1 -->",
        "",
        (ROOT / "README.md").read_text(),
        flags=re.DOTALL,
    )
    assert re.findall(r"\d[\d.,]*\s*(?:%|bp\b|percent)", text) == []


def test_the_picture_of_the_report_is_light() -> None:
    assert (ROOT / "docs" / "images" / "report.png").stat().st_size < 200_000


def test_no_tracked_text_names_a_machine() -> None:
    listed = run("git", "ls-files", "-z").stdout.split("\0")
    named = []
    for name in filter(None, listed):
        path = ROOT / name
        if path == Path(__file__) or not path.is_file() or path.suffix in (".png", ".parquet"):
            continue
        if MACHINE.search(path.read_text(encoding="utf-8", errors="replace")):
            named.append(name)
    assert named == []


def test_the_constraints_pin_what_the_makefile_installs_for_tests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = re.search(r"--editable '\.\[(dev,[a-z,]+)\]'", (ROOT / "Makefile").read_text())
    assert asked is not None
    named = [need for extra in asked[1].split(",") for need in extras[extra]]
    wanted = {
        plain(need) for need in [*project["dependencies"], *named] if "== 'darwin'" not in need
    }
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert wanted - {plain(line) for line in lines if "==" in line} == set()


def plain(requirement: str) -> str:
    """Return the distribution's name as the package index spells it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=; ]", requirement)[0]).lower()


def test_the_example_runs_offline(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "basic_usage.py", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": str(tmp_path), "NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stderr
    assert "verdict:" in done.stdout
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_the_makefile_lists_its_targets() -> None:
    said = run("make", "--no-print-directory", "help").stdout
    for target in ("demo", "test", "check", "bench", "soak", "docs", "clean"):
        assert re.search(rf"^{target}\s", said, flags=re.MULTILINE)


def test_ci_runs_the_tests_and_refuses_skips_of_data_that_is_there(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".ci").mkdir(parents=True)
    (checkout / "build").mkdir()
    (checkout / ".ci" / "run").write_text((ROOT / ".ci" / "run").read_text())
    (checkout / "Makefile").write_text("test:\n\t@true\n")
    skip = '<skipped type="pytest.skip" message="needs the shared data folder beside the checkout">'
    (checkout / "build" / "tests.xml").write_text(skip)
    assert run("bash", ".ci/run", folder=checkout).returncode == 0
    (tmp_path / "shared").mkdir()
    assert run("bash", ".ci/run", folder=checkout).returncode == 1
    (checkout / "build" / "tests.xml").write_text("<testcase/>")
    assert run("bash", ".ci/run", folder=checkout).returncode == 0
    (checkout / "Makefile").write_text("test:\n\t@false\n")
    assert run("bash", ".ci/run", folder=checkout).returncode != 0
