"""What this machine offers: cores, packages, a sandbox, room on the disk."""

import os
import platform
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from folkmoot.core.extras import get_extra
from folkmoot.core.settings import settings
from folkmoot.sandbox import level

EXTRAS: dict[str, tuple[str, ...]] = {
    "exchange": ("ccxt", "yfinance"),
    "boost": ("xgboost", "catboost"),
    "neural": ("torch", "lightning"),
    "onnx": ("onnxruntime",),
    "tune": ("optuna",),
    "ray": ("ray",),
    "llm": ("langgraph", "tokenizers"),
    "postgres": ("psycopg",),
    "telegram": ("telegram",),
    "stats": ("arch", "skfolio", "matplotlib"),
}
_LISTED = ("numpy", "numba", "pandas", "pyarrow", "TA-Lib", "scikit-learn", "lightgbm", "fastapi")
_TORCH = (
    "constraints.txt pins torch==2.13.0: install that version first, the CPU build on a machine "
    "without a GPU and else the build for its driver, then {command}"
)
_LOW_DISK = 2_000_000_000


def workers_wanted(given: int | None) -> int:
    """Return the number of processes: as given, as set, or one per core."""
    return given or settings().workers or cores()


def cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def diagnose() -> dict[str, Any]:
    """Return what `folkmoot doctor` says; `problems` names what keeps commands from working."""
    root = settings().data_root
    disk = _disk(root)
    facts: dict[str, Any] = {
        "folkmoot": version("folkmoot"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in _LISTED},
        "torch": _torch(),
        "cores": cores(),
        "workers": workers_wanted(None),
        "threads": _threads(),
        "numba_cache": _numba_cache(),
        "sandbox": level(),
        "extras": [_extra(name, modules) for name, modules in EXTRAS.items()],
        "data_root": disk,
        "llm": {"url": settings().llm_url or None, "model": settings().llm_model or None},
    }
    return facts | {"problems": _problems(facts)}


def _torch() -> dict[str, Any]:
    """Return the torch build without importing it, or how to get one."""
    found = _version("torch")
    if found is None:
        return {"version": None, "build": None, "get": _TORCH.format(command=get_extra("neural"))}
    local = found.partition("+")[2]
    return {"version": found, "build": local or "as packaged", "get": None}


def _extra(name: str, modules: tuple[str, ...]) -> dict[str, Any]:
    missing = [module for module in modules if find_spec(module) is None]
    return {"name": name, "missing": missing, "get": get_extra(name) if missing else None}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _numba_cache() -> dict[str, Any]:
    """Say whether kernels are compiled on disk already (warm) or will be at first use (cold)."""
    from numba import config

    package = Path(__file__).parents[1]
    folder = Path(config.CACHE_DIR) if config.CACHE_DIR else package
    files = sum(1 for _ in folder.rglob("*.nbc"))
    return {"state": "warm" if files else "cold", "files": files, "folder": str(folder)}


def _threads() -> dict[str, int]:
    """Return the threads that compiled loops and linear algebra may take in this process."""
    from numba import config
    from threadpoolctl import threadpool_info

    pools = {pool["user_api"]: int(pool["num_threads"]) for pool in threadpool_info()}
    return {"numba": int(config.NUMBA_NUM_THREADS), **pools}


def _disk(root: Path) -> dict[str, Any]:
    """Try to write below `root`, making it if it is not there."""
    problem = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as probe:
            probe.write(b"x")
    except OSError as error:
        problem = error.strerror or str(error)
    existing = next(folder for folder in (root, *root.parents) if folder.is_dir())
    free = shutil.disk_usage(existing).free
    return {"path": str(root), "writable": problem is None, "problem": problem, "free_bytes": free}


def _problems(facts: dict[str, Any]) -> list[str]:
    disk = facts["data_root"]
    found = []
    if not disk["writable"]:
        found.append(f"cannot write below {disk['path']}: {disk['problem']}")
    if disk["free_bytes"] < _LOW_DISK:
        found.append(f"less than {_LOW_DISK / 1e9:g} GB free below {disk['path']}")
    found += [f"{name} is missing" for name, has in facts["packages"].items() if has is None]
    return found
