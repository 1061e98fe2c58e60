"""The engine for every system and for tasks of every kind: jobs in parallel threads.

The kernels release Python's lock and are serial, BLAS is held to one thread: two clients on two cores train side by
side, which is faster than one client with two threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minizerofl.fl.engines.engine import Engine, Worker
from minizerofl.nn import Module


class ThreadEngine(Engine):
    """Runs jobs on a fixed number of models, one thread for each.

    Parameters are those of `Engine`.

    Examples
    --------
    >>> from minizerofl import nn
    >>> with ThreadEngine(nn.Flatten, workers=2) as engine:
    ...     list(engine.run(lambda model, job: job * 10, [1, 2, 3]))
    [10, 20, 30]
    """

    def _hire(self, build_model: Callable[[], Module]) -> Sequence[Worker]:
        return [_with_model(build_model()) for _ in range(self.workers)]


def _with_model(model: Module) -> Worker:
    return lambda task, job: task(model, job)
