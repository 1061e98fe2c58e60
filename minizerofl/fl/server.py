"""The server's part of a round: a weighted average of what the clients sent."""

from __future__ import annotations

import numpy as np

from minizerofl.fl.payload import Kept, State, Update, is_finite


class Aggregator:
    """The weighted average of a round's updates, folded in one at a time.

    Sums of n_k * value are kept in float64 and divided once, by the number of all samples: the result does not depend
    on how large the round is, only on the order of folding, which is the order in which the clients were sampled.

    Attributes
    ----------
    num_samples : int
        The samples of all accepted updates.
    accepted, refused : list of str
        Clients whose updates were folded in, and those whose were not finite.

    Examples
    --------
    >>> aggregator = Aggregator({"w": np.zeros(2, np.float32)})
    >>> for n, value in ((1, 4.0), (3, 8.0)):
    ...     payload = {"w": Kept((2,), np.array([1], np.int32), np.array([value], np.float32))}
    ...     aggregator.fold(Update("client", n, payload, train_loss=0.0))
    >>> aggregator.average()
    {'w': array([0., 7.], dtype=float32)}
    """

    def __init__(self, state: State) -> None:
        self._sums = {name: np.zeros(value.size, np.float64) for name, value in state.items()}
        self._like = state
        self.num_samples = 0
        self.accepted: list[str] = []
        self.refused: list[str] = []

    def fold(self, update: Update) -> None:
        """Add an update, or refuse it if a value is NaN or infinite."""
        if not is_finite(update.payload):
            self.refused.append(update.client_id)
            return
        self.accepted.append(update.client_id)
        self.num_samples += update.num_samples
        for name, tensor in update.payload.items():
            if isinstance(tensor, Kept):
                self._sums[name][tensor.positions] += update.num_samples * tensor.values.astype(np.float64)
            else:
                self._sums[name] += update.num_samples * tensor.reshape(-1).astype(np.float64)

    def average(self) -> State:
        """Return the average, with the shapes and dtypes of the state."""
        return {
            name: (self._sums[name] / self.num_samples).astype(value.dtype).reshape(value.shape)
            for name, value in self._like.items()
        }
