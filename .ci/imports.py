"""Import every module of the installed package; none may load an optional extra on import."""

import importlib
import pkgutil
import sys

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


def main() -> int:
    """Print how many modules were imported; exit 1 if one loaded an optional extra."""
    names = every_module("folkmoot")
    for name in names:
        importlib.import_module(name)
    loaded = [extra for extra in OPTIONAL if extra in sys.modules]
    if loaded:
        sys.stderr.write(f"importing folkmoot loaded {', '.join(loaded)}\n")
        return 1
    sys.stdout.write(f"{len(names)} modules imported, no optional extra loaded\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
