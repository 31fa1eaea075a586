"""What benchmarks of many hours keep: results under a key, in files that are whole or not there."""

import json
import os
from pathlib import Path
from typing import Any

from folkmoot.core.hashing import content_hash
from folkmoot.training.keys import code_version, libraries


def key(member: str, asked: dict[str, Any]) -> str:
    """Return a short hash of all that a fit's result depends on: `asked`, code, libraries."""
    return content_hash(asked, code_version(member), libraries(member))[:12]


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file; one that a kill tore off is cut away, so that more can follow."""
    if not path.exists():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write(path, whole)
    return [json.loads(line) for line in whole.splitlines()]


def write(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
