"""The far end of a crew: one order a line in, one answer a line out (a value, or an error).

An order names a `job` as module:function and the JSON values `given` to it.
"""

import contextlib
import ctypes
import importlib
import os
import signal
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from folkmoot.core.errors import FolkmootError
from folkmoot.training.material import Material
from folkmoot.training.store import TaskStore
from folkmoot.training.tasks import Task, carry_out

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Names of glibc's mallopt."""


def serve() -> None:
    """Carry out orders until the input ends or nobody listens any more."""
    # Ctrl-C reaches the whole group; the caller decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _keep_memory()
    # Answers get the standard output to themselves; whatever a library prints goes to stderr.
    with os.fdopen(os.dup(1), "wb", buffering=0) as answers, contextlib.suppress(BrokenPipeError):
        os.dup2(2, 1)
        for line in sys.stdin.buffer:
            answers.write(orjson.dumps(_carry_out(orjson.loads(line))) + b"\n")


def _keep_memory() -> None:
    """Let freed blocks stay with the process: a fit asks for the same ones at every step."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(MMAP_THRESHOLD, 1 << 30)
        library.mallopt(TRIM_THRESHOLD, (1 << 31) - 1)


def _carry_out(order: dict[str, Any]) -> dict[str, Any]:
    module, _, name = order["job"].partition(":")
    try:
        return {"value": getattr(importlib.import_module(module), name)(**order["given"])}
    except FolkmootError as problem:
        return {"error": problem.as_dict()}


def carry_out_task(task: dict[str, Any], material: str, store: str) -> None:
    """Compute one task into the store."""
    carry_out(Task.of(task), _material(material), _store(store))


@lru_cache(maxsize=1)
def _material(folder: str) -> Material:
    return Material.open(Path(folder))


@lru_cache(maxsize=1)
def _store(root: str) -> TaskStore:
    return TaskStore(root)
