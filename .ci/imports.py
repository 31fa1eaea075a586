"""Import every module of the installed package; none may load an optional extra on import.

Given the package's folder in a checkout, also look for files there that were not installed.
"""

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path

OPTIONAL = (
    "catboost",
    "ccxt",
    "langgraph",
    "lightning",
    "matplotlib",
    "onnxruntime",
    "optuna",
    "psycopg",
    "ray",
    "telegram",
    "torch",
    "xgboost",
    "yfinance",
)
NETWORKS = "folkmoot.models.networks."
"""Modules that are made of torch's classes: imported last, and only where torch is."""


def every_module(package: str) -> list[str]:
    """Return the names of the package and of all modules below it."""
    root = importlib.import_module(package)
    below = pkgutil.walk_packages(root.__path__, f"{package}.")
    return [package, *(module.name for module in below)]


def files(folder: Path) -> set[str]:
    """Return the names of all files below the folder that are not compiled."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


def problems(arguments: list[str]) -> list[str]:
    """Import everything and return what is wrong with what was installed."""
    modules = every_module("folkmoot")
    for name in modules:
        if not name.startswith(NETWORKS):
            importlib.import_module(name)
    wrong = [f"importing folkmoot loaded {name}" for name in OPTIONAL if name in sys.modules]
    installed = Path(importlib.import_module("folkmoot").__path__[0])
    for folder in arguments:
        wrong += [
            f"not installed: {name}" for name in sorted(files(Path(folder)) - files(installed))
        ]
    if importlib.util.find_spec("torch"):
        for name in modules:
            importlib.import_module(name)
    return wrong


def main() -> int:
    """Print how many modules were imported, or what is wrong; exit 1 if anything is."""
    wrong = problems(sys.argv[1:])
    if wrong:
        sys.stderr.write("\n".join([*wrong, ""]))
        return 1
    modules = every_module("folkmoot")
    there = [name for name in modules if name in sys.modules]
    sys.stdout.write(
        f"{len(there)} modules imported, no optional extra loaded;"
        f" {len(modules) - len(there)} of torch left out\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
