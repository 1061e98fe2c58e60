"""Engines: where the jobs of a round are run.

Reading order: engine (queues and workers), threads, processes, parcel (how large arrays travel between processes),
news (what running jobs report); then those for more than one machine: remote (deals a round to nodes), wire (what
server and nodes write to each other), flower (Flower carries it), relay (from Flower's processes to ours).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minizerofl.lazy import lazy

if TYPE_CHECKING:
    from minizerofl.fl.engines.choice import ENGINES
    from minizerofl.fl.engines.engine import Engine
    from minizerofl.fl.engines.processes import ProcessEngine
    from minizerofl.fl.engines.threads import ThreadEngine

__all__ = ["ENGINES", "Engine", "ProcessEngine", "ThreadEngine"]

# Flower's processes import `flower` and `relay` for each message: they should not wait for numba.
__getattr__, __dir__ = lazy(
    __name__,
    {
        "ENGINES": "minizerofl.fl.engines.choice",
        "Engine": "minizerofl.fl.engines.engine",
        "ProcessEngine": "minizerofl.fl.engines.processes",
        "ThreadEngine": "minizerofl.fl.engines.threads",
    },
)
