"""Worker processes that carry out tasks: started once, told what to do line by line.

Each is a fresh interpreter that imports only what its tasks need and reads orders from its standard
input, so the caller's script is not imported again and needs no `__main__` guard. A worker whose
caller has died reads the end of its input and stops after the task in hand.
"""

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import orjson

from folkmoot.core import errors

START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from folkmoot.training.worker import serve; serve()"
)


class Crew:
    """`workers` processes (0: one a core, no more than `at_most`), to be used with `with`."""

    def __init__(self, workers: int = 0, *, at_most: int | None = None) -> None:
        wanted = workers or os.cpu_count() or 1
        self.size = wanted if at_most is None else max(1, min(wanted, at_most))
        self._workers: list[subprocess.Popen[bytes]] = []
        self._desk: _Desk | None = None
        self._stopped = False
        self._gate = threading.Lock()

    def __enter__(self) -> Self:
        self._hire()
        return self

    def _hire(self) -> None:
        command = [sys.executable, "-c", START, orjson.dumps(sys.path).decode()]
        self._workers = [
            subprocess.Popen(  # noqa: S603  # this interpreter, a constant program, our own path
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            for _ in range(self.size)
        ]
        self._stopped = False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if problem is not None:
            self.stop()
        self._dismiss()

    def stop(self) -> None:
        """Drop the open orders and kill the workers; may be called from any thread.

        A `carry_out` under way raises `EnvironmentProblem` soon, and so does the next one.
        """
        with self._gate:
            self._stopped = True
            if self._desk is not None:
                self._desk.closed.set()
            for worker in self._workers:
                worker.kill()

    def resume(self) -> None:
        """Put new workers in the place of those that `stop` killed, once nobody waits for them."""
        self._dismiss()
        self._hire()

    def _dismiss(self) -> None:
        for worker in self._workers:
            for pipe in (worker.stdin, worker.stdout):
                # A dead worker never read its last order.
                with contextlib.suppress(BrokenPipeError):
                    if pipe is not None:
                        pipe.close()
            worker.wait()
        self._workers = []

    def carry_out(
        self,
        orders: Sequence[dict[str, Any]],
        titles: Sequence[str],
        progress: Callable[[int, int, str], None] | None = None,
    ) -> list[Any]:
        """Hand out the orders one by one, in their order, to whoever is free; return the answers.

        An order is {"job": "module:function", "given": keyword arguments}, all JSON values. Raises
        the first error that a worker reports, after the orders in hand are finished,
        `EnvironmentProblem` if a worker dies or the crew is stopped, as Ctrl-C here does, and
        `UsageError` outside of `with`.
        """
        if not self._workers:
            raise errors.UsageError("the crew is not at work", where="crew", allowed="with Crew()")
        desk = self._open(orders)
        with ThreadPoolExecutor(len(self._workers)) as threads:
            attending = [threads.submit(desk.attend, worker) for worker in self._workers]
            try:
                _watch(desk.finished, len(attending), titles, progress)
            except KeyboardInterrupt:
                # Nobody who interrupts wants to wait for the orders in hand.
                self.stop()
                raise
            finally:
                desk.closed.set()
        for attendant in attending:
            attendant.result()
        return desk.answers

    def _open(self, orders: Sequence[dict[str, Any]]) -> "_Desk":
        with self._gate:
            if self._stopped:
                raise errors.EnvironmentProblem("the crew was stopped", where="crew")
            self._desk = _Desk(orders)
            return self._desk


class _Desk:
    """Orders, answers, and the places of those finished; each attendant ends with a None."""

    def __init__(self, orders: Sequence[dict[str, Any]]) -> None:
        self.orders = orders
        self.answers: list[Any] = [None] * len(orders)
        self.closed = threading.Event()
        self.finished: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._next = iter(range(len(orders)))
        self._turn = threading.Lock()

    def attend(self, worker: subprocess.Popen[bytes]) -> None:
        """Keep one worker busy until there is no order left or the desk is closed."""
        try:
            while not self.closed.is_set():
                with self._turn:
                    place = next(self._next, None)
                if place is None:
                    break
                self.answers[place] = _order(worker, self.orders[place])
                self.finished.put(place)
        finally:
            if sys.exc_info()[0] is not None:
                self.closed.set()
            self.finished.put(None)


def _watch(
    finished: "queue.SimpleQueue[int | None]",
    attending: int,
    titles: Sequence[str],
    progress: Callable[[int, int, str], None] | None,
) -> None:
    done = 0
    while attending:
        place = finished.get()
        if place is None:
            attending -= 1
            continue
        done += 1
        if progress is not None:
            progress(done, len(titles), titles[place])


def _order(worker: subprocess.Popen[bytes], order: dict[str, Any]) -> Any:
    """Send one order and wait for its answer."""
    if worker.stdin is None or worker.stdout is None:
        raise errors.EnvironmentProblem("a worker has no pipes", where="crew")
    try:
        worker.stdin.write(orjson.dumps(order) + b"\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
    except OSError as problem:
        raise _died(worker) from problem
    if not answer:
        raise _died(worker)
    told = orjson.loads(answer)
    if "error" in told:
        report = told["error"]
        kind = getattr(errors, report["type"], errors.DataError)
        raise kind(report["message"], where=report["where"], allowed=report["allowed"])
    return told["value"]


def _died(worker: subprocess.Popen[bytes]) -> errors.EnvironmentProblem:
    return errors.EnvironmentProblem(
        f"a worker process ended with exit code {worker.wait()}",
        where="crew",
        allowed="its last words are on stderr; enough memory, or fewer workers",
    )
