"""A rule of selection of your own: which entries of the sparse layers are kept."""

from collections.abc import Mapping

import numpy as np

from minizerofl.sparse import Selection, top_k


class WholeRows(Selection):
    """Keeps the rows of a weight that are longest: all weights of an input, or of a tap of a filter, or none."""

    def select(self, values: Mapping[str, np.ndarray], budget: Mapping[str, int]) -> dict[str, np.ndarray]:
        """Return the flat positions that are kept, ascending, at most ``budget[name]`` of each array."""
        return {name: self.choose(value.reshape(-1, value.shape[-1]), budget[name]) for name, value in values.items()}

    def choose(self, matrix: np.ndarray, k: int) -> np.ndarray:
        """Choose rows of one weight; its last axis is the outputs."""
        width = matrix.shape[1]
        rows = top_k(np.linalg.norm(matrix, axis=1), k // width)
        return (rows[:, None] * width + np.arange(width)).reshape(-1).astype(np.int32)
