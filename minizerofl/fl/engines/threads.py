"""The engine that works on every system and for every task: jobs in parallel threads.

The kernels are single-threaded and release the GIL, Python's global interpreter lock, and BLAS is limited to one
thread: a second core is better spent on a second client than on half of the first one.
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
