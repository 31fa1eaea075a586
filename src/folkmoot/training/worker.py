"""The far end of a crew: one order a line in, one answer a line out (null, or an error)."""

import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from folkmoot.core.errors import FolkmootError
from folkmoot.training.material import Material
from folkmoot.training.store import TaskStore
from folkmoot.training.tasks import Task, learn


def serve() -> None:
    """Carry out orders until the input ends."""
    # Answers get the standard output to themselves; whatever a library prints goes to stderr.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        for line in sys.stdin.buffer:
            answers.write(orjson.dumps(_carry_out(orjson.loads(line))) + b"\n")
            answers.flush()


def _carry_out(order: dict[str, Any]) -> dict[str, Any] | None:
    task = Task.of(order["task"])
    try:
        arrays, facts = learn(task, _material(order["material"]))
        _store(order["store"]).put(task.key, arrays, facts)
    except FolkmootError as problem:
        return problem.as_dict()
    return None


@lru_cache(maxsize=1)
def _material(folder: str) -> Material:
    return Material.open(Path(folder))


@lru_cache(maxsize=1)
def _store(root: str) -> TaskStore:
    return TaskStore(root)
