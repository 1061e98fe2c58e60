"""A server of your own: what it makes of the average."""

import numpy as np

from minizerofl.fl import Server


class SlowStart(Server):
    """Takes 1/2 of the change in round 1, 2/3 in round 2, 3/4 in round 3, and so on."""

    def move(self, name: str, old: np.ndarray, plain: np.ndarray, memory: dict[str, np.ndarray]) -> np.ndarray:
        """Return the new value of a parameter that was `old`, and that plain averaging would make `plain`."""
        rounds = memory.get(f"rounds:{name}", np.zeros(1, np.float32)) + 1
        memory[f"rounds:{name}"] = rounds  # what stands in the memory is part of each checkpoint
        return old + rounds / (rounds + 1) * (plain - old)
