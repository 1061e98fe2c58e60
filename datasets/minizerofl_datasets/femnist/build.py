"""Builds the FEMNIST of LEAF, with 3,597 writers, from NIST SD19's archives by_class.zip and by_write.zip.

LEAF's scripts take five passes over two million files; here the archives are read directly.
"""

import os
from pathlib import Path
from zlib import crc32

import numpy as np

from minizerofl_datasets.archive import publish
from minizerofl_datasets.cache import cache_folder, scratch_folder
from minizerofl_datasets.errors import DataError
from minizerofl_datasets.femnist.files import STORE
from minizerofl_datasets.femnist.nist import Progress, labels_by_hash, opened, pictures_by_writer
from minizerofl_datasets.femnist.store import TEST_SHARE
from minizerofl_datasets.recorded import check_recorded, record, sha256_of

__all__ = ["build_leaf"]


def build_leaf(
    by_class: str | os.PathLike[str],
    by_write: str | os.PathLike[str],
    folder: str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
    test_share: float = TEST_SHARE,
    keep_duplicates: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Build the LEAF form of FEMNIST as two HDF5 files that ``load("femnist", format="leaf")`` reads lazily.

    Parameters
    ----------
    by_class, by_write : str or PathLike
        NIST's two zip archives, as downloaded.
    folder : str or PathLike, optional
        The folder to make; by default in the cache, where ``load`` finds it. It must not exist yet.
    seed : int
        Fixes which images of each writer are for testing.
    test_share : float
        The share of each writer's images for testing, between 0 and 1: 0.1 as LEAF (``-t sample --tf 0.9``), 0.2 as the
        paper (ZeroFL, A.5: over 652 K training and over 165 K test images). It is stored in the files.
    keep_duplicates : bool
        Repeat the first image of every writer but the first, as LEAF's scripts do (817,851 images, the paper's count).
    progress : callable, optional
        Called with pictures read and pictures in all, once for each archive.

    Returns
    -------
    Path
        The folder with ``femnist_leaf_train.h5`` and ``femnist_leaf_test.h5``; it appears whole or not at all.

    Raises
    ------
    DataError
        If an archive is damaged or not NIST's, is another one than in the first build, the two do not belong together,
        or the folder exists.
    ValueError
        If ``test_share`` is out of its range.

    Notes
    -----
    Without ``keep_duplicates`` no image is repeated, so none is in both parts. The choice of test images cannot equal
    LEAF's, which depends on the order in which a file system lists files. The test part gets at least ``test_share`` of
    a writer's images, since the training part is rounded down, but every writer keeps one image for training.

    Examples
    --------
    >>> build_leaf("no.zip", "no.zip", "there")
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.zip: cannot be read ([Errno 2] No such file or directory: 'no.zip').
    """
    import h5py

    if not 0 < test_share < 1:
        raise ValueError(f"test_share={test_share}: expected 0 < test_share < 1, such as 0.1 (LEAF) or 0.2 (paper).")
    final = Path(folder).expanduser() if folder is not None else cache_folder() / "data" / "leaf"
    if final.exists():
        raise DataError(f"{final}: exists already; remove it to build again, or name another folder.")
    with scratch_folder(final.parent) as scratch:
        new = scratch / "leaf"
        new.mkdir()
        with opened(Path(by_class)) as archive:
            checksums = {"by_class.zip": _same_as_first("by_class.zip", Path(by_class))}
            labels = labels_by_hash(archive, progress)
        with (
            opened(Path(by_write)) as archive,
            h5py.File(new / STORE.format("train"), "w") as train,
            h5py.File(new / STORE.format("test"), "w") as test,
        ):
            checksums["by_write.zip"] = _same_as_first("by_write.zip", Path(by_write))
            groups = [file.create_group("examples") for file in (train, test)]
            for group in groups:
                group.attrs["duplicates"] = keep_duplicates
                group.attrs["test_share"] = test_share
            for number, (writer, x, y) in enumerate(pictures_by_writer(archive, labels, progress)):
                if keep_duplicates and number > 0:
                    x, y = np.concatenate([x[:1], x]), np.concatenate([y[:1], y])
                order = np.random.default_rng([seed, crc32(writer.encode())]).permutation(len(y))
                cut = max(1, int((1 - test_share) * len(y)))
                for group, rows in zip(groups, (order[:cut], order[cut:]), strict=True):
                    if len(rows):
                        group.create_dataset(f"{writer}/pixels", data=x[rows], compression="gzip", compression_opts=1)
                        group[f"{writer}/label"] = y[rows]
        publish(new, final)
    for name, checksum in checksums.items():
        record(name, checksum)
    return final


def _same_as_first(name: str, path: Path) -> str:
    """Return the checksum of one of NIST's archives; refuse one that differs from the one used first."""
    checksum = sha256_of(path)
    check_recorded(name, checksum, str(path))
    return checksum
