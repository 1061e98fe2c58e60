"""What all engines do: hand jobs to workers, each of which does one at a time, and keep the answers in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

from threadpoolctl import threadpool_limits

from minizerofl.kernels.memory import keep_freed_memory
from minizerofl.nn import Module

Job = TypeVar("Job")
Result = TypeVar("Result")
Task = Callable[[Module, Job], Result]
Worker = Callable[[Task[Any, Any], Any], Any]  # lets a model of its own do ``task(model, job)``


class Engine(ABC):
    """Runs jobs on a fixed number of workers, each with a model of its own. BLAS is held to one thread.

    Parameters
    ----------
    build_model : callable
        Makes a model; called once for each worker, or once before the workers are forked.
    workers : int
        How many jobs run at once.
    """

    def __init__(self, build_model: Callable[[], Module], workers: int = 1) -> None:
        keep_freed_memory()
        self.workers = workers
        self._blas = threadpool_limits(limits=1, user_api="blas")
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._hire(build_model):
            self._idle.put(worker)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="client")

    @abstractmethod
    def _hire(self, build_model: Callable[[], Module]) -> Sequence[Worker]:
        """Return the workers."""

    def run(self, task: Task[Job, Result], jobs: Sequence[Job]) -> Iterator[Result]:
        """Run ``task(model, job)`` for each job; yield the results in the order of the jobs.

        An exception in a task is raised here when its turn comes; jobs that have not begun are then dropped.
        """
        futures = [self._pool.submit(self._run_one, task, job) for job in jobs]
        try:
            while futures:
                yield futures.pop(0).result()
        finally:
            for future in futures:
                future.cancel()

    def helpers(self) -> tuple[float, int]:
        """Return the processor seconds of helping processes so far, and the sum of their peak bytes."""
        return 0.0, 0

    def _run_one(self, task: Task[Job, Result], job: Job) -> Result:
        worker = self._idle.get()
        try:
            result: Result = worker(task, job)
            return result
        finally:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        self._blas.restore_original_limits()
