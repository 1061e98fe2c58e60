"""The synthetic twin of FEMNIST: the same shapes, dtype, polarity and by-writer partition, drawn by a program.

With it every command works without data and without a network. A result on it says nothing about handwriting.
"""

from collections.abc import Iterator

import numpy as np

from minizerofl_datasets.federated import Samples, Split
from minizerofl_datasets.femnist.images import FemnistImages
from minizerofl_datasets.femnist.twin.hands import Hand

__all__ = ["SyntheticFemnist"]

DEFAULT_WRITERS = 300
MOST_WRITERS = 10_000  # four digits keep the ids in order
PURPOSES: dict[str, int] = {"hand": 0, "train": 1, "test": 2}
DRAWN = 1  # Raise it when the program draws other images.


class SyntheticFemnist(FemnistImages):
    """Procedural writers "synthetic-0000", "synthetic-0001", ..., each drawn when asked for.

    A writer depends on the seed and on the number in the id alone.

    Parameters
    ----------
    polarity : {"ink", "raw"}
        "ink" hands out ink = 1, "paper" paper = 1.
    seed : int
        Fixes the writers and the validation part.
    clients : int, optional
        How many writers; 300 by default.

    Raises
    ------
    ValueError
        If more than 10,000 writers are asked for.

    Examples
    --------
    >>> twin = SyntheticFemnist(polarity="ink", seed=0, clients=2)
    >>> x, y = twin.train(twin.clients[0])
    >>> x.shape[1:], x.dtype.name, y.dtype.name
    ((1, 28, 28), 'float32', 'int64')
    """

    def __init__(self, *, polarity: str, seed: int, clients: int | None = None) -> None:
        writers = DEFAULT_WRITERS if clients is None else clients
        if writers > MOST_WRITERS:
            raise ValueError(f"clients={writers}: the synthetic twin has at most {MOST_WRITERS} writers.")
        super().__init__(
            source="synthetic",
            format="synthetic",
            origin="drawn by a program (not handwriting); no files were read",
            clients=tuple(f"synthetic-{number:04d}" for number in range(writers)),
            polarity=polarity,
            seed=seed,
        )

    def _pixels(self, client: str, split: Split) -> Samples:
        hand = Hand(self._rng(client, "hand"))
        rng = self._rng(client, split)
        labels = hand.choose_labels(self._count(client, split), rng)
        return 1 - hand.write(labels, rng), labels

    def _count(self, client: str, split: Split) -> int:
        # Three writers in four filled in the whole form (about 155 training characters), the others a part of it.
        rng = np.random.default_rng([*self._key(client), len(PURPOSES)])
        whole = rng.normal(155, 7)
        train = max(10, round(whole if rng.random() < 0.75 else whole * rng.uniform(0.2, 1.0)))
        return train if split == "train" else round(0.114 * train)

    def _content(self) -> Iterator[str]:
        yield f"femnist {DRAWN} seed {self.seed} writers {len(self.clients)}"

    def _rng(self, client: str, purpose: str) -> np.random.Generator:
        return np.random.default_rng([*self._key(client), PURPOSES[purpose]])

    def _key(self, client: str) -> tuple[int, int]:
        return self.seed, int(client.rsplit("-", 1)[1])
