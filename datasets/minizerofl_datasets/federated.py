"""A federated data set: client ids, and for each client its training, validation and test samples.

The sample axis comes first, (N, C, H, W), as in most data sets.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal
from zlib import crc32

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import check_choice
from minizerofl_datasets.fingerprint import array_checksum, combine
from minizerofl_datasets.shown import one_line, table

__all__ = ["FederatedDataset", "Samples", "Split"]

Samples = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]
Split = Literal["train", "test"]

# One training sample in ten of every client is held out for validation (ZeroFL, A.5).
HOLD_OUT = 10

# How many clients of a set that says nothing of its own are read for its fingerprint.
SAMPLED = 8


class FederatedDataset(ABC):
    """A data set that is split over clients, read one client at a time.

    A concrete set implements ``_read`` and ``_count``; this class holds out the validation part and joins the test set.
    Print it, or show it in a notebook, to see what it holds; ``describe`` says more.

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
        How a stored value becomes an input; it goes into the model file.
    seed : int
        Fixes the validation part.
    test_clients : tuple of str, optional
        The clients whose samples are the test set, in its order; ``clients`` by default, others when whole clients are
        held out.
    """

    # Read clients kept in memory: a round trains ten and asks each for its training and its validation part.
    clients_kept = 32
    # Whether all samples can be counted at once, without reading a file for each client.
    counts_at_once = True

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
        test_clients: tuple[str, ...] | None = None,
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
        self.test_clients = clients if test_clients is None else test_clients
        self._members = frozenset(clients)
        self._testers = frozenset(self.test_clients)
        self._cached_read = lru_cache(maxsize=self.clients_kept)(self._read)
        self._cached_count = lru_cache(maxsize=None)(self._count)
        self._fingerprint = ""

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
            If the client is unknown.
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
        """Return one client's test samples, or the whole test set in the order of ``test_clients``.

        Parameters
        ----------
        client : str, optional
            One of ``test_clients``; None for all of them, one after the other.

        Returns
        -------
        x : ndarray of float32, shape (n, C, H, W)
        y : ndarray of int64, shape (n,)

        Raises
        ------
        ValueError
            If the client is unknown.
        DataError
            If its data is missing or damaged.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> twin = load("femnist", source="synthetic", clients=2)
        >>> len(twin.test()[1]) == sum(twin.num_test(client) for client in twin.test_clients)
        True
        """
        if client is not None:
            self._check_client(client, self._testers)
            return self._read(client, "test")
        ends = np.cumsum([self._cached_count(each, "test") for each in self.test_clients])
        # Filled in place, for joining a list of parts would hold everything twice.
        x, y = np.empty((ends[-1], *self.input_shape), np.float32), np.empty(ends[-1], np.int64)
        for each, end in zip(self.test_clients, ends, strict=True):
            start = end - self._cached_count(each, "test")
            x[start:end], y[start:end] = self._read(each, "test")
        return x, y

    def augment(self, x: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Return a randomly changed copy of a mini-batch of training samples; this one leaves it as it is.

        Parameters
        ----------
        x : ndarray of float32, shape (n, C, H, W)
            Samples as ``train`` hands them out.
        rng : numpy.random.Generator
            Decides everything: derive it from the run's seed, the round and the client.

        Returns
        -------
        ndarray of float32, shape (n, C, H, W)

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> twin = load("femnist", source="synthetic", clients=1)
        >>> x, _ = twin.train("synthetic-0000")
        >>> twin.augment(x, np.random.default_rng(0)) is x
        True
        """
        return x

    def num_train(self, client: str) -> int:
        """Return how many samples ``train(client)`` has (validation excluded) without reading them.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> load("femnist", source="synthetic", clients=1).num_train("synthetic-0000") > 0
        True
        """
        self._check_client(client, self._members)
        n = self._cached_count(client, "train")
        return n - n // HOLD_OUT

    def num_test(self, client: str) -> int:
        """Return how many samples ``test(client)`` has without reading them; may be 0.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> load("femnist", source="synthetic", clients=1).num_test("synthetic-0000") > 0
        True
        """
        self._check_client(client, self._testers)
        return self._cached_count(client, "test")

    def fingerprint(self) -> str:
        """Return a short hash of the content: it changes when stored values, labels or class names do.

        It depends on what is stored, not on how a pool is divided, what is held out or where the files lie. What it
        sees is up to the set (``docs/data.md``): most see every stored value, a twin its parameters.

        Returns
        -------
        str
            16 hexadecimal digits.

        Raises
        ------
        DataError
            If a file cannot be read.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> one, other = (load("femnist", source="synthetic", clients=1, seed=seed) for seed in (0, 1))
        >>> len(one.fingerprint()), one.fingerprint() == other.fingerprint()
        (16, False)
        """
        if not self._fingerprint:
            self._fingerprint = combine(repr(self.input_shape), repr(self.class_names), *self._content())
        return self._fingerprint

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
        kind = "SYNTHETIC data"
        if self.source == "real":
            kind = "imported data" if self.format == "imported" else "real data"
        shape = "x".join(str(length) for length in self.input_shape)
        formula = self.transform["formula"]
        if "polarity" in self.transform:
            formula = f"polarity {self.transform['polarity']} ({formula})"
        return (
            f"{self.name}: {kind}, {self.origin}\n"
            f"{len(self.clients):,} clients, {len(self.class_names)} classes, input {shape}, {formula}\n"
            f"validation: {100 // HOLD_OUT} % of each client's training samples, seed {self.seed}"
        )

    @property
    def counted(self) -> bool:
        """Whether the samples of all clients are counted, or can be at once; printing a data set reads no files."""
        return self.counts_at_once or self._cached_count.cache_info().currsize >= len(self.clients) + len(
            self.test_clients
        )

    def __repr__(self) -> str:
        return one_line(self)

    def _repr_html_(self) -> str:
        return table(self)

    def _content(self) -> Iterator[str]:
        """Yield texts that change when the stored samples do.

        A set that can tell cheaply about all of its samples overrides it. Here they are the number of samples of every
        client, and the samples of a few clients.
        """
        splits: tuple[tuple[Split, tuple[str, ...]], ...] = (("train", self.clients), ("test", self.test_clients))
        for split, clients in splits:
            yield repr([(client, self._cached_count(client, split)) for client in clients])
            for client in clients[:: max(1, len(clients) // SAMPLED)]:
                x, y = self._read(client, split)
                yield from (array_checksum(x), array_checksum(y))

    def _part(self, client: str, *, held_out: bool) -> Samples:
        self._check_client(client, self._members)
        x, y = self._cached_read(client, "train")
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, crc32(client.encode())]))
        chosen = np.zeros(len(y), dtype=np.bool_)
        chosen[rng.permutation(len(y))[: len(y) // HOLD_OUT]] = True
        keep = chosen if held_out else ~chosen
        return x[keep], y[keep]  # a copy: the caller may write to it

    def _check_client(self, client: str, known: frozenset[str]) -> None:
        if client not in known:
            check_choice("client", client, sorted(known))
