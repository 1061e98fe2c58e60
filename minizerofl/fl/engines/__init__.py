"""Engines: where the jobs of a round are run.

Reading order: engine (queues and workers), threads, processes, parcel (how large arrays travel between processes),
news (what running jobs report).
"""

from minizerofl.fl.engines.engine import Engine
from minizerofl.fl.engines.processes import AVAILABLE, ProcessEngine
from minizerofl.fl.engines.threads import ThreadEngine
from minizerofl.lazy import listing

__all__ = ["ENGINES", "Engine", "ProcessEngine", "ThreadEngine"]

ENGINES: dict[str, type[Engine]] = {"threads": ThreadEngine, "processes": ProcessEngine if AVAILABLE else ThreadEngine}

__dir__ = listing(__name__)
