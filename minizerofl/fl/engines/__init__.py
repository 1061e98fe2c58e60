"""Engines: where a round's jobs are run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minizerofl.fl.engines.engine import Engine
from minizerofl.fl.engines.processes import AVAILABLE, ProcessEngine
from minizerofl.fl.engines.threads import ThreadEngine
from minizerofl.nn import Module

__all__ = ["Engine", "ProcessEngine", "ThreadEngine", "fastest_engine"]


def fastest_engine(build_model: Callable[[], Module], workers: int = 1, known: Sequence[object] = ()) -> Engine:
    """Return an engine of processes, or of threads if it has one worker only or the system has no such processes.

    The parameters are those of `ProcessEngine`.

    Examples
    --------
    >>> with fastest_engine(Module, workers=1) as engine:
    ...     type(engine).__name__
    'ThreadEngine'
    """
    if workers > 1 and AVAILABLE:
        return ProcessEngine(build_model, workers, known)
    return ThreadEngine(build_model, workers)
