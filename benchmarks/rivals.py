"""Contestants that live in another environment: one process each, told when it is their turn."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from folkmoot.core.bars import Bars

WORKER = Path(__file__).with_name("rivals_worker.py")


class Rival:
    """One peer, in the interpreter that has it.

    `load` shows it the bars, and `run` has it do its work once. `newest` are its values on the
    last bar, by the names of our lines.
    """

    def __init__(self, python: str, bench: str, name: str) -> None:
        self.name = name
        self.newest: dict[str, float] = {}
        self._command = [python, str(WORKER), bench, name]
        self._process: subprocess.Popen[str] | None = None

    def load(self, bars: Bars) -> str | None:
        """Start the process; return what is missing, or None where it is ready."""
        if not Path(self._command[0]).is_file():
            return "no environment: --peers PYTHON"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bars.npz"
            columns = ("open_time", "open", "high", "low", "close", "volume")
            np.savez(path, **{name: getattr(bars, name) for name in columns})
            self._process = subprocess.Popen(
                [*self._command, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            said = self._answer()
        self.newest = said.get("newest", {})
        missing: str | None = said.get("missing")
        return missing

    def run(self) -> None:
        """Have it do its work once. What passing the word takes is some 0.1 ms."""
        self._answer("run")

    def _answer(self, word: str = "") -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError(f"{self.name} was not loaded")
        if word:
            print(word, file=process.stdin, flush=True)
        for line in process.stdout:
            if line.startswith("{"):
                said: dict[str, Any] = json.loads(line)
                return said
        return {"missing": f"it ended with code {process.wait()}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def rivals(bench: str, names: Iterable[str], arguments: list[str]) -> list[Rival]:
    """Return the contestants of a bench in the environment that `--peers` names."""
    at = arguments.index("--peers") + 1 if "--peers" in arguments else 0
    python = arguments[at] if 0 < at < len(arguments) else ""
    if at and not python:
        sys.exit("--peers needs the path of an interpreter")
    return [Rival(python, bench, name) for name in names]
