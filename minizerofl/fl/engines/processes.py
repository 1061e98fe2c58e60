"""The engine for small models: jobs in parallel processes, which are forked when the engine is made.

A step of a small network is short, and between its kernels a thread waits for the GIL again and again. Processes have
a GIL each. They start with everything that their parent has, so that data sets need not be sent. The task of a round,
with the global model in it, is written once to memory that all of them share; updates come back the same way.

This needs a system that can fork, and a parent without threads that matter: a forked process has none of them.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from mmap import mmap
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, cast

from minizerofl.fl.crash import Crash
from minizerofl.fl.engines.engine import Engine, Job, Result, Task, Worker
from minizerofl.fl.engines.news import Compilation, heard_by, report
from minizerofl.fl.engines.parcel import Parcel, pack, unpack
from minizerofl.fl.errors import WorkerDiedError
from minizerofl.fl.measures.clock import current
from minizerofl.fl.measures.costs import peak_bytes
from minizerofl.kernels.jit import watch_compiling
from minizerofl.nn import Module

AVAILABLE = sys.platform == "linux"  # Elsewhere there is no fork, or libraries do not survive it.
ROOM = 2  # shared memory in which a process sends its results, in sizes of the model
PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>
SIGNALS = {signal.SIGINT, signal.SIGTERM}


class ProcessEngine(Engine):
    """Runs jobs on a fixed number of models, one process for each; tasks, jobs and results are pickled.

    Parameters are those of `Engine`.

    Examples
    --------
    >>> from minizerofl import nn
    >>> def task(model, job):
    ...     return job * 10
    >>> with ProcessEngine(nn.Flatten, workers=2, known=[task]) as engine:
    ...     list(engine.run(task, [1, 2, 3]))
    [10, 20, 30]
    """

    def _hire(self, build_model: Callable[[], Module]) -> Sequence[Worker]:
        model = build_model()
        size = ROOM * sum(array.nbytes for array in model.state_dict().values()) + 1
        self._board = mmap(-1, size)
        self._workers = [_Process(model, self._board, size, self._known) for _ in range(self.workers)]
        return self._workers

    def run(
        self, task: Task[Job, Result], jobs: Sequence[Job], sizes: Sequence[float] | None = None
    ) -> Iterator[Result]:
        """Run ``task(model, job)`` for each job, see `Engine.run`.

        Raises
        ------
        WorkerDiedError
            A process was ended from outside.
        """
        parcel = pack(task, self._board, self._known)
        return super().run(cast("Task[Job, Result]", parcel), jobs, sizes)  # workers unpack it

    def helpers(self) -> tuple[float, int]:
        """Return the processor seconds of the processes so far, and the sum of their peak bytes."""
        return sum(worker.cpu_seconds for worker in self._workers), sum(worker.peak_bytes for worker in self._workers)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.dismiss(at_once=kind is not None)
        for worker in self._workers:  # Only now, with all pipes closed: a process has those of earlier ones open.
            worker.join()
        super().__exit__(kind, error, trace)


@dataclass(frozen=True)
class _News:
    """What a job reports, on its way through the pipe before the result."""

    news: object


class _Process:
    """A process that runs jobs. Only `_serve` runs in it; everything else runs in its parent."""

    def __init__(self, model: Module, board: mmap, size: int, known: Sequence[object]) -> None:
        self._task: Parcel | None = None  # the task that the process has
        self.cpu_seconds, self.peak_bytes = 0.0, 0
        self._pipe, pipe = multiprocessing.Pipe()
        self._outbox = mmap(-1, size)
        self._process = multiprocessing.get_context("fork").Process(
            target=self._serve, args=(os.getpid(), pipe, model, board, known), daemon=True
        )
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # Signals are meant for this process.
        try:
            with warnings.catch_warnings():  # Python 3.12 warns of threads, but BLAS restarts its own.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        pipe.close()

    def __call__(self, task: Any, job: object) -> Any:
        new, self._task = None if task is self._task else task, task
        try:
            self._pipe.send((new, job))
            while isinstance(answer := self._pipe.recv(), _News):
                report(answer.news)
            done, parcel, self.cpu_seconds, self.peak_bytes, spans = answer
        except (EOFError, OSError) as error:
            self._process.join(1)
            raise WorkerDiedError(
                f"worker process {self._process.pid} died (exit code {self._process.exitcode}), perhaps because "
                "memory ran out; use fewer --workers"
            ) from error
        if clock := current():
            clock.add(spans)
        result = unpack(parcel, self._outbox, copy=True)
        if not done:
            raise result.error
        return result

    def dismiss(self, at_once: bool) -> None:
        """Let the process go, after its job or at once."""
        if at_once:
            self._process.kill()
        self._pipe.close()

    def join(self) -> None:
        """Wait until it has gone."""
        self._process.join()

    def _serve(self, parent: int, pipe: Connection, model: Module, board: mmap, known: Sequence[object]) -> None:
        """Run jobs in the new process until the pipe closes; the process dies with its parent, whatever it is doing."""
        if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) or os.getppid() != parent:
            os._exit(1)
        self._pipe.close()  # Otherwise this process would wait for itself.
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the parent, which ends this process.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        task: Task[Any, Any] | None = None
        if clock := current():
            clock.take()  # What it had timed before the fork, the parent has as well.

        def send(news: object) -> None:
            pipe.send(_News(news))

        try:
            while True:
                new, job = pipe.recv()
                if new is not None:
                    task = unpack(new, board, known)
                assert task is not None  # The first job brings it.
                try:
                    with heard_by(send), watch_compiling(lambda seconds: report(Compilation(seconds))):
                        done, result = True, task(model, job)
                except Exception as error:
                    done, result = False, Crash(error)
                parcel = pack(result, self._outbox)
                pipe.send((done, parcel, time.process_time(), peak_bytes(), clock.take() if clock else []))
        except (EOFError, OSError):
            os._exit(0)  # This flushes nothing: the parent will write what is buffered.
