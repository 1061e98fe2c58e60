"""A federated data set: client ids, and for each client its training, validation and test samples.

Samples come first, (N, C, H, W): a set hands out what everyone's data sets hand out.
"""

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Literal
from zlib import crc32

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import check_choice

__all__ = ["FederatedDataset", "Samples", "Split"]

Samples = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]
Split = Literal["train", "test"]

# One sample in ten of every client is held out for validation (the paper's set-up).
HOLD_OUT = 10
# A round trains ten clients and asks each for its training and its validation part.
CLIENTS_KEPT = 32


class FederatedDataset(ABC):
    """A data set that is split over clients, read one client at a time.

    A concrete set implements ``_read`` and ``_count``; this class holds out the validation part and joins the test set.

    Parameters
    ----------
    name : str
        The set's name, such as "femnist".
    source : {"real", "synthetic"}
        Whether the samples are real data or its procedural twin.
    format : str
        How they are stored: "tff", "leaf" or "synthetic".
    origin : str
        Where they come from, for people to read.
    clients : tuple of str
        Client ids, sorted.
    input_shape : tuple of int
        Shape of one sample, (C, H, W).
    class_names : tuple of str
        One name per label.
    transform : dict of str to str
        How a stored value became an input; goes into the model file.
    seed : int
        Fixes the validation part.
    """

    def __init__(
        self,
        *,
        name: str,
        source: Literal["real", "synthetic"],
        format: str,
        origin: str,
        clients: tuple[str, ...],
        input_shape: tuple[int, int, int],
        class_names: tuple[str, ...],
        transform: dict[str, str],
        seed: int,
    ) -> None:
        self.name = name
        self.source = source
        self.format = format
        self.origin = origin
        self.clients = clients
        self.input_shape = input_shape
        self.class_names = class_names
        self.transform = transform
        self.seed = seed
        self._members = frozenset(clients)
        self._cached_read = lru_cache(maxsize=CLIENTS_KEPT)(self._read)

    @abstractmethod
    def _read(self, client: str, split: Split) -> Samples:
        """Return all samples of one client and split: x (n, C, H, W) float32, y (n,) int64. Must be thread safe."""

    @abstractmethod
    def _count(self, client: str, split: Split) -> int:
        """Return the number of samples of one client and split without reading them."""

    def train(self, client: str) -> Samples:
        """Return a client's training samples, without its validation part.

        Parameters
        ----------
        client : str
            One of ``clients``.

        Returns
        -------
        x : ndarray of float32, shape (n, C, H, W)
        y : ndarray of int64, shape (n,)

        Raises
        ------
        ValueError
            If there is no such client.
        DataError
            If its data is missing or damaged.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> twin = load("femnist", source="synthetic", clients=1)
        >>> x, y = twin.train("synthetic-0000")
        >>> x.shape[1:], x.dtype.name, len(x) == twin.num_train("synthetic-0000")
        ((1, 28, 28), 'float32', True)
        """
        return self._part(client, held_out=False)

    def validation(self, client: str) -> Samples:
        """Return a client's validation samples: one in ten of its training samples, none if it has fewer than ten.

        The choice depends on the seed and the client's id alone, so it is the same in every process and for every
        subset of clients. Parameters, returns and errors are those of ``train``.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> twin = load("femnist", source="synthetic", clients=1)
        >>> 9 <= twin.num_train("synthetic-0000") / len(twin.validation("synthetic-0000")[1]) < 10
        True
        """
        return self._part(client, held_out=True)

    def test(self, client: str | None = None) -> Samples:
        """Return one client's test samples, or the whole test set in the order of ``clients``.

        Parameters
        ----------
        client : str, optional
            One of ``clients``; None for all of them, one after the other.

        Returns
        -------
        x : ndarray of float32, shape (n, C, H, W)
        y : ndarray of int64, shape (n,)

        Raises
        ------
        ValueError
            If there is no such client.
        DataError
            If its data is missing or damaged.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> twin = load("femnist", source="synthetic", clients=2)
        >>> len(twin.test()[1]) == sum(twin.num_test(client) for client in twin.clients)
        True
        """
        if client is not None:
            self._check_client(client)
            return self._read(client, "test")
        parts = [self._read(each, "test") for each in self.clients]
        # per client (n_k, C, H, W) -> (sum n_k, C, H, W)
        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])

    def num_train(self, client: str) -> int:
        """Return how many samples ``train(client)`` has (validation excluded) without reading them.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> load("femnist", source="synthetic", clients=1).num_train("synthetic-0000") > 0
        True
        """
        self._check_client(client)
        n = self._count(client, "train")
        return n - n // HOLD_OUT

    def num_test(self, client: str) -> int:
        """Return how many samples ``test(client)`` has without reading them; may be 0.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> load("femnist", source="synthetic", clients=1).num_test("synthetic-0000") > 0
        True
        """
        self._check_client(client)
        return self._count(client, "test")

    def describe(self) -> str:
        """Return a few lines for people: first real or SYNTHETIC, the format and the origin, then size and transform.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> print(load("femnist", source="synthetic", clients=2).describe())
        femnist: SYNTHETIC data, drawn by a program (not handwriting); no files were read
        2 clients, 62 classes, input 1x28x28, polarity ink (x = 1 - pixel)
        validation: 10 % of each client's training samples, seed 0
        """
        kind = "real data" if self.source == "real" else "SYNTHETIC data"
        shape = "x".join(str(length) for length in self.input_shape)
        return (
            f"{self.name}: {kind}, {self.origin}\n"
            f"{len(self.clients):,} clients, {len(self.class_names)} classes, input {shape}, "
            f"polarity {self.transform['polarity']} ({self.transform['formula']})\n"
            f"validation: {100 // HOLD_OUT} % of each client's training samples, seed {self.seed}"
        )

    def _part(self, client: str, *, held_out: bool) -> Samples:
        self._check_client(client)
        x, y = self._cached_read(client, "train")
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, crc32(client.encode())]))
        chosen = np.zeros(len(y), dtype=np.bool_)
        chosen[rng.permutation(len(y))[: len(y) // HOLD_OUT]] = True
        keep = chosen if held_out else ~chosen
        return x[keep], y[keep]  # a copy: the caller may write to it

    def _check_client(self, client: str) -> None:
        if client not in self._members:
            check_choice("client", client, self.clients)
