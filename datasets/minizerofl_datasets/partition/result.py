"""A partition of a pool: the rows of each client, every row used exactly once."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.cache import write_atomically
from minizerofl_datasets.errors import DataError, one_line

__all__ = ["Partition", "Rows", "label_counts", "read_partition"]

Rows = npt.NDArray[np.int64]
VERSION = 1


@dataclass(frozen=True)
class Partition:
    """Which client has which rows of a pool.

    Parameters
    ----------
    members : dict of str to ndarray of int64
        For each client its rows; stored ascending, clients sorted.
    method : str
        The method that made it, such as "dirichlet".
    parameters : dict
        The method's parameters, such as ``{"alpha": 1.0}``.
    seed : int
        The seed that it was drawn from.

    Raises
    ------
    ValueError
        If a row is missing or used twice.

    Examples
    --------
    >>> halves = Partition({"b": np.array([0, 3]), "a": np.array([2, 1])}, method="natural")
    >>> halves.clients, halves.rows("a").tolist(), halves.sha256()[:8]
    (('a', 'b'), [1, 2], '83923ca9')
    """

    members: dict[str, Rows]
    method: str
    parameters: dict[str, str | int | float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        ordered = {client: np.sort(np.asarray(self.members[client], np.int64)) for client in sorted(self.members)}
        object.__setattr__(self, "members", ordered)
        used = np.sort(np.concatenate([np.empty(0, np.int64), *ordered.values()]))
        if not np.array_equal(used, np.arange(len(used))):
            raise ValueError("members: every row from 0 on must occur exactly once; some are missing or used twice.")

    @property
    def clients(self) -> tuple[str, ...]:
        """Client ids, sorted."""
        return tuple(self.members)

    @property
    def num_samples(self) -> int:
        """Size of the pool."""
        return sum(len(rows) for rows in self.members.values())

    def rows(self, client: str) -> Rows:
        """Return a client's rows, ascending.

        Examples
        --------
        >>> Partition({"a": np.array([1, 0])}, method="natural").rows("a").tolist()
        [0, 1]
        """
        return self.members[client]

    def summary(self) -> str:
        """Return the method and its parameters in a few words.

        Examples
        --------
        >>> Partition({"a": np.array([0])}, method="dirichlet", parameters={"alpha": 1.0}).summary()
        'dirichlet (alpha 1.0)'
        """
        listed = ", ".join(f"{name} {value}" for name, value in self.parameters.items())
        return f"{self.method} ({listed})" if listed else self.method

    def sha256(self) -> str:
        """Return a hash of the rows of every client: equal for equal partitions on every machine.

        Examples
        --------
        >>> one = Partition({"a": np.array([0]), "b": np.array([1])}, method="iid")
        >>> other = Partition({"a": np.array([1]), "b": np.array([0])}, method="iid")
        >>> one.sha256() == other.sha256()
        False
        """
        digest = hashlib.sha256()
        for client, rows in self.members.items():
            digest.update(f"{client}\0{len(rows)}\0".encode())
            digest.update(rows.astype("<i8").tobytes())
        return digest.hexdigest()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a ``partition.json``: method, parameters, seed, hash and every client's rows.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Partition({"a": np.array([0])}, method="iid").write(f"{folder}/partition.json")
        ...     read_partition(f"{folder}/partition.json").clients
        ('a',)
        """
        content = {
            "version": VERSION,
            "method": self.method,
            "parameters": self.parameters,
            "seed": self.seed,
            "num_samples": self.num_samples,
            "sha256": self.sha256(),
            "clients": {client: rows.tolist() for client, rows in self.members.items()},
        }
        with write_atomically(Path(path)) as part:
            part.write_text(json.dumps(content), encoding="utf-8")


def read_partition(path: str | os.PathLike[str]) -> Partition:
    """Read a ``partition.json`` and check it against its hash.

    Parameters
    ----------
    path : str or PathLike
        The file that ``Partition.write`` wrote.

    Returns
    -------
    Partition

    Raises
    ------
    DataError
        If the file is missing, damaged or changed.

    Examples
    --------
    >>> read_partition("no.json")
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.json: cannot be read ([Errno 2] No such file or directory: 'no.json').
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise DataError(f"{path}: is a partition of version {content['version']}, expected {VERSION}.")
        members = {str(client): np.array(rows, np.int64) for client, rows in content["clients"].items()}
        partition = Partition(members, content["method"], content["parameters"], content["seed"])
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}).") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        raise DataError(f"{path}: is not a partition ({type(error).__name__}: {one_line(error)}).") from error
    if partition.sha256() != content.get("sha256"):
        raise DataError(f"{path}: was changed since it was written (its hash differs); make the partition again.")
    return partition


def label_counts(partition: Partition, y: Rows, num_classes: int) -> npt.NDArray[np.int64]:
    """Count each client's samples of each class.

    Parameters
    ----------
    partition : Partition
    y : ndarray of int64, shape (N,)
        Labels of the pool.
    num_classes : int

    Returns
    -------
    ndarray of int64, shape (clients, num_classes)
        In the order of ``partition.clients``.

    Examples
    --------
    >>> label_counts(Partition({"a": np.array([0, 2]), "b": np.array([1])}, method="natural"), np.array([0, 1, 0]), 2)
    array([[2, 0],
           [0, 1]])
    """
    return np.stack([np.bincount(y[rows], minlength=num_classes) for rows in partition.members.values()])
