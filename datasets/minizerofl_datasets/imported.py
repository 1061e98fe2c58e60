"""Imported sets: a user's own arrays (x, y, client), checked and kept in the cache under a name that ``load`` knows."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.arrays import Array, read_arrays, remarks
from minizerofl_datasets.cache import cache_folder, write_atomically
from minizerofl_datasets.choices import SOURCES
from minizerofl_datasets.errors import check_choice
from minizerofl_datasets.federated import FederatedDataset, Split
from minizerofl_datasets.fingerprint import array_checksum
from minizerofl_datasets.guarded import SPARE, guarded, limit_memory
from minizerofl_datasets.official import OFFICIAL
from minizerofl_datasets.partition import Partition, choose, read_partition, split
from minizerofl_datasets.partitioned import PartitionedDataset

__all__ = ["ImportedDataset", "import_arrays", "imported_names", "load_imported"]

Labels = npt.NDArray[np.int64]

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
TEST_SHARE = 0.1  # of the samples, where the file has no test set of its own
CLIENTS = 100  # where neither the file nor the user says how many there are
PATIENCE, SLOWEST = 60.0, 5e6  # seconds to read a file, and bytes a second on top


def import_arrays(
    name: str,
    path: str | os.PathLike[str],
    *,
    replace: bool = False,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Take a user's file into the cache under a name; ``load(name)`` then finds it.

    Parameters
    ----------
    name : str
        Lower-case letters, digits, - and _; not the name of a set of the catalogue.
    path : str or PathLike
        A .npz or .h5 file with ``x`` (N, C, H, W) or (N, H, W), uint8 or float; ``y`` (N,), whole numbers from 0;
        optionally ``client`` (N,), names or numbers; ``x_test``, ``y_test`` and ``client_test``; and ``class_names``.
    replace : bool
        Whether a set of this name may be replaced.
    say : callable, optional
        Is told what is odd about the arrays, such as classes without samples.

    Returns
    -------
    Path
        Where it is kept.

    Raises
    ------
    ValueError
        If the name is taken or cannot be one.
    DataError
        If the file is not what it should be.

    Notes
    -----
    float32 on demand: uint8 becomes ``x / 255``, float is handed out as it is. Stored are uint8 as it is and float as
    float32. A file without a test set lends a tenth of its samples, chosen by the seed, when it is loaded; they stay
    with their clients. A client that is in ``client_test`` only never trains and is tested. The file is read in a
    process of its own, with a limit on memory and time, since a damaged file may crash the library that reads it.
    Arrays are read without pickle: an array of Python objects is refused.

    Examples
    --------
    >>> import_arrays("femnist", "mine.npz")
    Traceback (most recent call last):
    ...
    ValueError: name='femnist' is a built-in set; choose another name.
    """
    if name in OFFICIAL:
        raise ValueError(f"name={name!r} is a built-in set; choose another name.")
    if not NAME.fullmatch(name):
        raise ValueError(f"name={name!r}: use up to 64 lower-case letters, digits, - and _.")
    target = _folder() / f"{name}.h5"
    taken = f"name={name!r} is taken by an imported set; choose another, or replace it (replace=True, --replace)."
    if target.exists() and not replace:
        raise ValueError(taken)
    source = Path(path)
    seconds = PATIENCE + (source.stat().st_size / SLOWEST if source.is_file() else 0)
    try:
        with write_atomically(target, replace) as part:
            odd = guarded(f"{__name__}:_take_in", [str(source), str(part), name], where=str(source), seconds=seconds)
    except FileExistsError as error:  # Another process was faster.
        raise ValueError(taken) from error
    if say is not None and isinstance(odd, list):
        for line in odd:
            say(line)
    return target


def _take_in(source: str, target: str, name: str) -> list[str]:
    """Read, check and store a user's file; return what is odd about it. Runs in a process of its own."""
    import h5py

    arrays = read_arrays(Path(source), lambda size: limit_memory(SPARE + 4 * size))
    with h5py.File(target, "w") as file:
        for key, array in arrays.items():
            file[key] = array.astype(h5py.string_dtype()) if array.dtype.kind == "U" else array
        file.attrs["origin"] = f"imported from {Path(source).name}"
    odd = remarks(arrays)
    _federation(name, arrays, Path(target))  # what could not be loaded later is refused now
    return odd


def imported_names() -> tuple[str, ...]:
    """Return the names of the imported sets, sorted.

    Examples
    --------
    >>> isinstance(imported_names(), tuple)
    True
    """
    return tuple(sorted(path.stem for path in _folder().glob("*.h5") if NAME.fullmatch(path.stem)))


class ImportedDataset(PartitionedDataset):
    """A user's own arrays.

    Parameters
    ----------
    name, origin, class_names, partition, test_partition, seed, clients
        As in ``PartitionedDataset``.
    x : dict
        ``x["train"]`` and ``x["test"]``, each (N, C, H, W), uint8 or float32.
    y : dict
        Their labels.

    Examples
    --------
    >>> from minizerofl_datasets.partition import split
    >>> x, y = np.full((4, 1, 2, 2), 255, np.uint8), np.array([0, 1, 0, 1])
    >>> data = ImportedDataset("mine", "made up", {"train": x, "test": x}, {"train": y, "test": y}, ("a", "b"),
    ...                        partition=split(y, "iid", num_clients=2), seed=0)
    >>> data.train("client-0000")[0].max().item()
    1.0
    """

    def __init__(
        self,
        name: str,
        origin: str,
        x: dict[Split, Array],
        y: dict[Split, Labels],
        class_names: tuple[str, ...],
        *,
        partition: Partition,
        test_partition: Partition | None = None,
        seed: int,
        clients: int | None = None,
    ) -> None:
        self._x = x
        self._scaled = x["train"].dtype == np.uint8
        channels, height, width = x["train"].shape[1:]
        super().__init__(
            name=name,
            source="real",
            format="imported",
            origin=origin,
            input_shape=(channels, height, width),
            class_names=class_names,
            transform={"formula": "x = stored value / 255" if self._scaled else "x = stored value"},
            seed=seed,
            y_train=y["train"],
            y_test=y["test"],
            partition=partition,
            test_partition=test_partition,
            clients=clients,
        )

    def _inputs(self, split: Split, rows: Labels, client: str) -> npt.NDArray[np.float32]:
        x = self._x[split][rows].astype(np.float32)
        return x / np.float32(255) if self._scaled else x

    def _content(self) -> Iterator[str]:
        yield from map(array_checksum, (*self._x.values(), *self.labels.values()))
        if self.test_partition.method == "natural":  # whose the test samples are is part of what is stored
            yield self.test_partition.sha256()


def load_imported(
    name: str,
    *,
    source: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    clients: int | None = None,
    partition: str | None = None,
    num_clients: int | None = None,
    alpha: float | None = None,
    prior: str | None = None,
    min_size: int | None = None,
    shards_per_client: int | None = None,
) -> FederatedDataset:
    """Load an imported set from the cache; it has no twin and needs no folder, so ``data_dir`` is not used.

    Parameters
    ----------
    partition : str, optional
        How it is split; by default "natural" if the file says whose the samples are, else "dirichlet".
    num_clients : int, optional
        By default 100; a set of fewer training samples has a client for every ten.
    alpha, prior, min_size, shards_per_client
        See ``minizerofl_datasets.partition.split``.

    Returns
    -------
    FederatedDataset
        An ``ImportedDataset``.

    Examples
    --------
    >>> load_imported("mine", source="synthetic")
    Traceback (most recent call last):
    ...
    ValueError: source='synthetic': an imported set has no synthetic twin; use 'auto' or 'real'.
    """
    check_choice("source", source, SOURCES)
    if source == "synthetic":
        raise ValueError("source='synthetic': an imported set has no synthetic twin; use 'auto' or 'real'.")
    path = _folder() / f"{name}.h5"
    return _federation(
        name,
        read_arrays(path),
        path,
        seed=seed,
        clients=clients,
        partition=partition,
        num_clients=num_clients,
        alpha=alpha,
        prior=prior,
        min_size=min_size,
        shards_per_client=shards_per_client,
    )


def _federation(
    name: str,
    arrays: dict[str, Array],
    path: Path,
    *,
    seed: int = 0,
    clients: int | None = None,
    partition: str | None = None,
    num_clients: int | None = None,
    **division: Any,
) -> ImportedDataset:
    """Return the federation that checked arrays make."""
    stated = arrays.pop("class_names", None)
    method = partition or ("natural" if "client" in arrays else "dirichlet")
    if "x_test" not in arrays:  # A stored partition is one of what its own seed left.
        arrays = _lend_test_set(arrays, read_partition(method).seed if method.endswith(".json") else seed)
    x: dict[Split, Array] = {"train": arrays["x"], "test": arrays["x_test"]}
    y: dict[Split, Labels] = {"train": arrays["y"].astype(np.int64), "test": arrays["y_test"].astype(np.int64)}
    owners = arrays["client"].astype(np.str_) if "client" in arrays else None
    if num_clients is None:
        num_clients = CLIENTS if len(y["train"]) >= CLIENTS else max(1, len(y["train"]) // 10)
    dealt = choose(y["train"], method, num_clients=num_clients, seed=seed, owners=owners, **division)
    classes = int(max(part.max(initial=-1) for part in y.values())) + 1
    return ImportedDataset(
        name,
        f"imported arrays in '{path}'",
        x,
        y,
        tuple(map(str, range(classes))) if stated is None else tuple(map(str, stated)),
        partition=dealt,
        test_partition=_natural_test(dealt, y["train"], owners, arrays.get("client_test")),
        seed=seed,
        clients=clients,
    )


def _lend_test_set(arrays: dict[str, Array], seed: int) -> dict[str, Array]:
    """Return the arrays with a tenth of the samples, and whose they are, as the test set."""
    n = len(arrays["y"])
    tested = np.zeros(n, np.bool_)
    tested[np.random.default_rng([seed, n]).permutation(n)[: max(1, int(TEST_SHARE * n))]] = True
    lent = {key: array for key, array in arrays.items() if key in ("x", "y", "client")}
    kept = {key: array[~tested] for key, array in lent.items()}
    return {**kept, **{f"{key}_test": array[tested] for key, array in lent.items()}}


def _natural_test(partition: Partition, y: Labels, owners: Array | None, test_owners: Array | None) -> Partition | None:
    """Return whose the test samples are, if the training samples are with their owners and the file tells of both.

    A partition that was stored is natural too, as long as it gives every owner what the file does.
    """
    if partition.method != "natural" or owners is None or partition.num_samples != len(y):
        return None
    if partition.sha256() != split(y, "natural", owners=owners.astype(np.str_)).sha256():
        raise ValueError(
            "partition: is natural, but not that of these samples and clients; make it again, or take "
            "partition='natural'."
        )
    if test_owners is None:
        return None
    tested = split(np.zeros(len(test_owners), np.int64), "natural", owners=test_owners.astype(np.str_)).members
    return Partition({**dict.fromkeys(partition.clients, np.empty(0, np.int64)), **tested}, "natural")


def _folder() -> Path:
    return cache_folder() / "imported"
