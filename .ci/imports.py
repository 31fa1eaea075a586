"""Import every module of the installed package; none may load an optional extra on import.

Given the package's folder in a checkout, also look for files there that were not installed.
"""

import importlib
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
    for name in every_module("folkmoot"):
        importlib.import_module(name)
    wrong = [f"importing folkmoot loaded {name}" for name in OPTIONAL if name in sys.modules]
    installed = Path(importlib.import_module("folkmoot").__path__[0])
    for folder in arguments:
        wrong += [
            f"not installed: {name}" for name in sorted(files(Path(folder)) - files(installed))
        ]
    return wrong


def main() -> int:
    """Print how many modules were imported, or what is wrong; exit 1 if anything is."""
    wrong = problems(sys.argv[1:])
    if wrong:
        sys.stderr.write("\n".join([*wrong, ""]))
        return 1
    sys.stdout.write(
        f"{len(every_module('folkmoot'))} modules imported, no optional extra loaded\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
