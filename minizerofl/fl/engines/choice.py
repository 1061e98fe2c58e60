"""The engines that run on one machine, by name."""

from __future__ import annotations

from minizerofl.fl.engines.engine import Engine
from minizerofl.fl.engines.processes import AVAILABLE, ProcessEngine
from minizerofl.fl.engines.threads import ThreadEngine

ENGINES: dict[str, type[Engine]] = {"threads": ThreadEngine, "processes": ProcessEngine if AVAILABLE else ThreadEngine}
