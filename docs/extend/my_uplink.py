"""An uplink of your own: what a client sends."""

import numpy as np

from minizerofl.fl import Context, TopKWeights


class SignFlips(TopKWeights):
    """Sends the weights that changed sign in training, at most the k largest of them."""

    def rank(self, name: str, start: np.ndarray, end: np.ndarray, ctx: Context) -> np.ndarray:
        """Return what is ranked: of this, the k largest magnitudes are sent, and zeros never."""
        return np.where(start * end < 0, end, 0)
