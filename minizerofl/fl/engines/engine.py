"""What all engines share: they hand jobs to workers, one at a time each, and yield the results in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread, main_thread
from types import TracebackType
from typing import Any, Self, TypeVar

from threadpoolctl import threadpool_limits

from minizerofl.fl.engines.news import heard_by, report
from minizerofl.fl.measures.clock import current, running, timed
from minizerofl.kernels.memory import keep_freed_memory
from minizerofl.nn import Module

PATIENCE = 0.5  # seconds of one wait: a signal that comes just before it is only seen after it
Job = TypeVar("Job")
Result = TypeVar("Result")
Task = Callable[[Module, Job], Result]
Worker = Callable[[Task[Any, Any], Any], Any]  # runs ``task(model, job)`` with the worker's own model


class Engine(ABC):
    """Runs jobs on a fixed number of workers, each with its own model and thread. BLAS is limited to one thread.

    Threads talk through `SimpleQueue`, which holds no Python-level lock: a signal handler may raise at any bytecode,
    and would leave such a lock held.

    Parameters
    ----------
    build_model : callable
        Builds a model. It is called once for each worker, or once before the workers are forked.
    workers : int
        How many jobs run at once.
    known : sequence of object
        Objects that tasks refer to and that do not change: they need not be sent to other processes.
    """

    def __init__(self, build_model: Callable[[], Module], workers: int = 1, known: Sequence[object] = ()) -> None:
        keep_freed_memory()
        self._clock = current()
        self.workers = workers
        self._known = known
        self._blas = threadpool_limits(limits=1, user_api="blas")
        self._todo: SimpleQueue[Any] = SimpleQueue()
        self._threads = [Thread(target=self._work, args=(worker,)) for worker in self._hire(build_model)]
        for thread in self._threads:
            thread.start()

    @abstractmethod
    def _hire(self, build_model: Callable[[], Module]) -> Sequence[Worker]:
        """Return the workers."""

    def run(
        self, task: Task[Job, Result], jobs: Sequence[Job], sizes: Sequence[float] | None = None
    ) -> Iterator[Result]:
        """Run ``task(model, job)`` for each job; yield the results in the order of the jobs.

        With `sizes`, the largest jobs begin first, so that no worker has a long job left when the others have none
        (longest processing time first: Graham 1969). An exception in a task is raised here when its turn comes; jobs
        that have not begun are then dropped. What a job reports (`minizerofl.fl.engines.news`) is reported here as soon
        as it comes.
        """
        done: SimpleQueue[tuple[int | None, Any]] = SimpleQueue()
        answers: dict[int, tuple[Any, BaseException | None]] = {}
        for place in sorted(range(len(jobs)), key=lambda place: -sizes[place] if sizes else 0.0):
            self._todo.put((task, jobs[place], place, done))
        try:
            for place in range(len(jobs)):
                while place not in answers:
                    try:
                        with timed("wait"):
                            other, answer = done.get(timeout=PATIENCE)
                    except Empty:
                        continue
                    if other is None:
                        report(answer)
                    else:
                        answers[other] = answer
                result, error = answers.pop(place)
                if error is not None:
                    raise error
                yield result
        finally:
            self._drop_jobs()

    def helpers(self) -> tuple[float, int]:
        """Return the processor seconds of helping processes so far, and the sum of their peak bytes."""
        return 0.0, 0

    def _work(self, worker: Worker) -> None:
        """Run jobs until told to stop, or until the program ends with the engine still open."""
        while main_thread().is_alive():
            try:
                todo = self._todo.get(timeout=PATIENCE)
            except Empty:
                continue
            if todo is None:
                return
            task, job, place, done = todo
            with running(self._clock), heard_by(lambda news, done=done: done.put((None, news))):  # type: ignore[misc]
                try:
                    done.put((place, (worker(task, job), None)))
                except BaseException as error:
                    done.put((place, (None, error)))

    def _drop_jobs(self) -> None:
        with suppress(Empty):
            while True:
                self._todo.get_nowait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop_jobs()
        for _ in self._threads:
            self._todo.put(None)
        if kind is None or issubclass(kind, Exception):  # After an interrupt nobody wants to wait.
            for thread in self._threads:
                thread.join()
        self._blas.restore_original_limits()
