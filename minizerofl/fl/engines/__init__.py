"""Engines: where a round's jobs are run."""

from minizerofl.fl.engines.engine import Engine
from minizerofl.fl.engines.processes import AVAILABLE, ProcessEngine
from minizerofl.fl.engines.threads import ThreadEngine

__all__ = ["AVAILABLE", "Engine", "ProcessEngine", "ThreadEngine"]
