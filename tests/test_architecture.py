"""The budgets and boundaries of the code, held on every file that git tracks.

The root folder may show at most 14 entries: tracked files and folders whose name does not start
with a dot, which is what `ls` lists in a fresh clone.
"""

import ast
import re
import resource
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "folkmoot"
FLOORS = (
    ("core",),
    ("causal", "market", "sandbox"),
    ("indicators",),
    ("features",),
    ("models",),
    ("training",),
    ("committee",),
    ("agents", "strategies"),
    ("execution",),
    ("desk",),
    ("proof",),
    ("app",),
)
# Indicators are formulas made of formulas: Cipher B is WaveTrend, RSI and four others.
PLUGIN_FOLDERS = ("models", "strategies", "market/sources", "execution/brokers")
FORBIDDEN_WORDS = re.compile(
    r"(^|[^a-z0-9])(enhanced|improved|simple|final|new|v2|legacy|utils|helpers|manager)(?![a-z0-9])"
)
HEAVY = (
    "fastapi",
    "httpx",
    "lightgbm",
    "numba",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "talib",
    "torch",
)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_bytes()) for path in tracked() if path.suffix == ".py"}


def product() -> dict[Path, ast.Module]:
    return {path: tree for path, tree in trees().items() if path.is_relative_to(PACKAGE)}


def nodes(kind: type | tuple[type, ...], files: dict[Path, ast.Module]) -> Iterator[tuple]:
    for path, tree in files.items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield path, node


def imported(path: Path, tree: ast.Module) -> set[str]:
    """Return the absolute names that a module imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(path)}:{node.lineno} imports relatively"
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {shown(path): len(path.read_text().splitlines()) for path in trees()}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    long = [
        f"{shown(path)}:{node.lineno} {node.name} {node.end_lineno - node.lineno + 1}"
        for path, node in nodes((ast.FunctionDef, ast.AsyncFunctionDef), trees())
        if node.end_lineno - node.lineno + 1 > 40
    ]
    assert long == []


def test_no_file_is_named_for_what_it_replaces_or_for_nothing_in_particular() -> None:
    names = [shown(path) for path in tracked()]
    assert [name for name in names if FORBIDDEN_WORDS.search(name.lower())] == []


def test_the_root_folder_shows_at_most_14_entries() -> None:
    entries = {path.relative_to(ROOT).parts[0] for path in tracked()}
    visible = sorted(name for name in entries if not name.startswith("."))
    assert len(visible) <= 14, visible


def test_the_import_contract_is_the_table_of_floors() -> None:
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = configured["contracts"]
    assert contract["type"] == "layers"
    assert contract["exhaustive"] is True
    layers = [sorted(layer.split(" | ")) for layer in reversed(contract["layers"])]
    assert layers == [sorted(floor) for floor in FLOORS]


def test_the_floors_are_those_of_the_design(shared: Path) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \|.*\| (\d+) \|$", (shared / "design.md").read_text(), flags=re.MULTILINE
    )
    assert {name: int(floor) for name, floor in rows} == {
        name: floor for floor, names in enumerate(FLOORS) for name in names
    }


def test_every_package_stands_on_a_floor_and_imports_only_from_lower_ones() -> None:
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    upward = []
    for path, tree in product().items():
        home = path.relative_to(PACKAGE).parts[0]
        if home == "__init__.py":
            continue
        assert home in floor, f"{home} has no floor"
        for name in imported(path, tree):
            parts = name.split(".")
            if parts[0] != "folkmoot" or len(parts) == 1 or parts[1] == home:
                continue
            if floor.get(parts[1], -1) >= floor[home]:
                upward.append(f"{shown(path)} imports {name}")
    assert upward == []


@pytest.mark.parametrize("folder", PLUGIN_FOLDERS)
def test_siblings_in_a_plug_in_folder_never_import_each_other(folder: str) -> None:
    home = f"folkmoot.{folder.replace('/', '.')}"
    plugins = {
        path.stem: imported(path, tree)
        for path, tree in product().items()
        if path.parent == PACKAGE / folder and is_plugin(path.stem, tree)
    }
    crossing = [
        f"{name} imports {other}"
        for name, names in plugins.items()
        for other in plugins
        if other != name and any(f"{used}.".startswith(f"{home}.{other}.") for used in names)
    ]
    assert crossing == []


def is_plugin(name: str, tree: ast.Module) -> bool:
    """Tell whether a module registers something: a `PLUGIN`, or a function of its own name."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return True
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "PLUGIN" for target in targets):
            return True
    return False


def test_no_handler_is_broad() -> None:
    broad = []
    for path, node in nodes(ast.ExceptHandler, trees()):
        caught = [] if node.type is None else [ast.unparse(part) for part in ast.walk(node.type)]
        raises = any(isinstance(line, ast.Raise) and line.exc is None for line in node.body)
        if not raises and (not caught or {"Exception", "BaseException"} & set(caught)):
            broad.append(f"{shown(path)}:{node.lineno}")
    assert broad == []


def test_nothing_is_pickled() -> None:
    banned = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
    guilty = [
        f"{shown(path)} imports {name}"
        for path, tree in product().items()
        for name in imported(path, tree)
        if name.split(".")[0] in banned
    ]
    allowing = [
        f"{shown(path)}:{node.value.lineno} allow_pickle"
        for path, node in nodes(ast.keyword, product())
        if node.arg == "allow_pickle" and ast.unparse(node.value) != "False"
    ]
    assert guilty + allowing == []


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        shown(path)
        for path, node in nodes((ast.Attribute, ast.ImportFrom), product())
        if re.search(r"\bos\.(environ|getenv|putenv)\b", ast.unparse(node))
        or re.search(r"^from os import .*\b(environ|getenv|putenv)\b", ast.unparse(node))
    }
    assert readers <= {"src/folkmoot/core/settings.py"}


def run_python(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_imports_without_an_optional_extra() -> None:
    said = run_python(str(ROOT / ".ci" / "imports.py"))
    assert int(said.split()[0]) == len(product())


@pytest.mark.parametrize("start", ["import folkmoot", "import folkmoot.app.cli"])
def test_starting_loads_nothing_heavy(start: str) -> None:
    report = f"import sys; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    assert run_python("-c", f"{start}; {report}").strip() == "[]"


def test_help_takes_less_than_half_a_second_of_computing() -> None:
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run_python("-c", "from folkmoot.app.cli import main; main()", "--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.5, seconds
