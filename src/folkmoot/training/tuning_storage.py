"""Where a tuning's trials are kept by Optuna, and what a killed one left there."""

import os
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from folkmoot.core.errors import DataError, EnvironmentProblem, UsageError
from folkmoot.core.extras import get_extra

WORKER = "worker"
"""The attribute of a trial that names the machine and the process that tries it."""


@contextmanager
def quiet_optuna() -> Iterator[Any]:
    """Import Optuna, and keep to itself what it logs and warns of."""
    try:
        import optuna
    except ImportError as problem:
        raise EnvironmentProblem(
            "optuna is not installed", where="tune", allowed=get_extra("tune")
        ) from problem
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield optuna
    finally:
        optuna.logging.set_verbosity(before)


def _journal(optuna: Any, place: str) -> Any:
    from optuna.storages.journal import JournalFileBackend

    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise UsageError("the journal is a folder", where=place, allowed="a file, or a URL")
    _check(path)
    gate = _gate(path)
    if gate is None:
        return optuna.storages.JournalStorage(JournalFileBackend(place))
    gate.acquire()
    try:
        _mend(path)
    finally:
        gate.release()
    return optuna.storages.JournalStorage(JournalFileBackend(place, lock_obj=gate))


def _check(path: Path) -> None:
    """Refuse a file that is no journal, before anything is written to it."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb") as file:
        line = file.readline(1_000_000)
    try:
        known = "op_code" in orjson.loads(line)
    except (orjson.JSONDecodeError, TypeError):
        known = False
    if not known:
        raise DataError("it is no journal of Optuna's", where=str(path), allowed="another file")


def _mend(path: Path) -> None:
    """Cut off a last line that a power failure left half written: nobody could read past it."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        body = file.read()
        whole = body.rfind(b"\n") + 1
        if whole < len(body):
            file.truncate(whole)


class KernelLock:
    """A lock that the system takes back from a process that is killed.

    Optuna's own is a link that a killed process leaves behind, and others wait half a minute for.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.lock")
        self._held: IO[bytes] | None = None

    def acquire(self) -> bool:
        """Wait for the lock and take it."""
        import fcntl

        # Closed by `release`, which is what gives the lock back.
        file = self.path.open("ab")
        fcntl.flock(file, fcntl.LOCK_EX)
        self._held = file
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._held is not None:
            self._held.close()
            self._held = None


def _gate(path: Path) -> KernelLock | None:
    """Return the lock of a journal; None where the system has none of the kind."""
    return KernelLock(path) if os.name == "posix" else None


def ends(optuna: Any) -> tuple[Any, Any]:
    """Return the states of a trial that has come to an end that counts."""
    states = optuna.trial.TrialState
    return states.COMPLETE, states.PRUNED


def finished(optuna: Any, study: Any) -> list[Any]:
    """Return the trials that have ended, in their order."""
    found: list[Any] = study.get_trials(deepcopy=False, states=ends(optuna))
    return found


def end_dead(optuna: Any, study: Any) -> None:
    """Close trials whose process on this machine is gone; each is proposed once more."""
    states = optuna.trial.TrialState
    for trial in study.get_trials(deepcopy=False, states=(states.RUNNING,)):
        host, _, pid = trial.user_attrs.get(WORKER, f"{platform.node()}:0").rpartition(":")
        if host == platform.node() and not _runs(int(pid)):
            study.tell(trial.number, state=states.FAIL, skip_if_finished=True)


def _runs(pid: int) -> bool:
    """Return whether another process runs; where that cannot be asked without harm, say no."""
    if pid in (0, os.getpid()) or os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sign(trial: Any) -> None:
    """Say in a trial who tries it."""
    trial.set_user_attr(WORKER, f"{platform.node()}:{os.getpid()}")


def storage(optuna: Any, place: str) -> Any:
    """Open the database of a URL, or the journal in a file, which is made if absent.

    Raises `UsageError` for a folder or a URL that no database has, `DataError` for another file.
    """
    if "://" not in place:
        return _journal(optuna, place)
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        return optuna.storages.get_storage(place)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as problem:
        raise UsageError(
            f"no database is behind it: {problem}"[:200],
            where=place.partition("@")[2] or place.partition("://")[0],
            allowed="sqlite:///FILE, postgresql://...; or a file for a journal",
        ) from problem
