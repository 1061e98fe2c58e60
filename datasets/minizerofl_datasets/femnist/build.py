"""Builds LEAF's FEMNIST, the paper's, from NIST SD19's archives by_class.zip and by_write.zip: 3,597 writers.

What LEAF's scripts do in five passes over two million files is done here straight from the archives.
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

__all__ = ["build_leaf"]

TRAIN_SHARE = 0.9


def build_leaf(
    by_class: str | os.PathLike[str],
    by_write: str | os.PathLike[str],
    folder: str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
    keep_duplicates: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Build the LEAF form of FEMNIST as two HDF5 files that ``load("femnist", format="leaf")`` reads lazily.

    Parameters
    ----------
    by_class, by_write : path
        NIST's two zip archives, as downloaded.
    folder : path, optional
        Where to; by default the cache, where ``load`` finds it. Must not be there yet.
    seed : int
        Fixes which nine in ten images of each writer are for training (LEAF: ``-t sample --tf 0.9``).
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
        If an archive is damaged or not NIST's, they do not belong together, or the folder is there.

    Notes
    -----
    Without duplicates they are dropped before the split, so none leaks into the test set. Which images are for testing
    cannot equal LEAF's own choice, which depends on the order in which a file system lists files.

    Examples
    --------
    >>> build_leaf("no.zip", "no.zip", "there")
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.zip: cannot be read ([Errno 2] No such file or directory: 'no.zip').
    """
    import h5py

    final = Path(folder).expanduser() if folder is not None else cache_folder() / "data" / "leaf"
    if final.exists():
        raise DataError(f"{final}: is there already; remove it to build anew, or name another folder.")
    with scratch_folder(final.parent) as scratch:
        new = scratch / "leaf"
        new.mkdir()
        with opened(Path(by_class)) as archive:
            labels = labels_by_hash(archive, progress)
        with (
            opened(Path(by_write)) as archive,
            h5py.File(new / STORE.format("train"), "w") as train,
            h5py.File(new / STORE.format("test"), "w") as test,
        ):
            groups = [file.create_group("examples") for file in (train, test)]
            for group in groups:
                group.attrs["duplicates"] = keep_duplicates
            for number, (writer, x, y) in enumerate(pictures_by_writer(archive, labels, progress)):
                if keep_duplicates and number > 0:
                    x, y = np.concatenate([x[:1], x]), np.concatenate([y[:1], y])
                order = np.random.default_rng([seed, crc32(writer.encode())]).permutation(len(y))
                cut = max(1, int(TRAIN_SHARE * len(y)))
                for group, rows in zip(groups, (order[:cut], order[cut:]), strict=True):
                    if len(rows):
                        group.create_dataset(f"{writer}/pixels", data=x[rows], compression="gzip", compression_opts=1)
                        group[f"{writer}/label"] = y[rows]
        publish(new, final)
    return final
