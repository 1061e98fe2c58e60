"""The engine for one machine: jobs in parallel threads, each with a model of its own.

The kernels release Python's lock and are serial, BLAS is held to one thread: two clients on two cores train side by
side, which is faster than one client with two threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Self, TypeVar

from threadpoolctl import threadpool_limits

from minizerofl.kernels.memory import keep_freed_memory
from minizerofl.nn import Module

Job = TypeVar("Job")
Result = TypeVar("Result")


class ThreadEngine:
    """Runs jobs on a fixed number of models, one thread for each.

    Parameters
    ----------
    build_model : callable
        Makes a model. It is called once for each worker.
    workers : int
        How many jobs run at once.

    Examples
    --------
    >>> from minizerofl import nn
    >>> with ThreadEngine(nn.Flatten, workers=2) as engine:
    ...     list(engine.run(lambda model, job: job * 10, [1, 2, 3]))
    [10, 20, 30]
    """

    def __init__(self, build_model: Callable[[], Module], workers: int = 1) -> None:
        keep_freed_memory()
        self.workers = workers
        self._models: SimpleQueue[Module] = SimpleQueue()
        for _ in range(workers):
            self._models.put(build_model())
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="client")
        self._blas = threadpool_limits(limits=1, user_api="blas")

    def run(self, task: Callable[[Module, Job], Result], jobs: Sequence[Job]) -> Iterator[Result]:
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

    def _run_one(self, task: Callable[[Module, Job], Result], job: Job) -> Result:
        model = self._models.get()
        try:
            return task(model, job)
        finally:
            self._models.put(model)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        self._blas.restore_original_limits()
