"""The LEAF build as two HDF5 files: TFF's layout with grey levels of one byte, read lazily and small on disk."""

import os
from pathlib import Path

from minizerofl_datasets.errors import DataError
from minizerofl_datasets.femnist.inspection import inspect_once, reading
from minizerofl_datasets.femnist.tff import TffFemnist

__all__ = ["TEST_SHARE", "LeafStore"]

TEST_SHARE = 0.1  # The default, as in LEAF; also of files that do not state it.


class LeafStore(TffFemnist):
    """The files that ``build_leaf`` wrote, read one writer at a time.

    Parameters
    ----------
    train, test, polarity, seed, clients
        As in ``TffFemnist``.
    keep_duplicates : bool
        Whether the images that LEAF repeats are wanted; the files must have been built with the same choice.

    Raises
    ------
    DataError
        If a file is damaged, or was built with duplicates and they are not wanted (or the reverse).

    Examples
    --------
    >>> LeafStore(Path("no.h5"), Path("no.h5"), polarity="ink", seed=0)
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: no.h5: the file does not exist.
    """

    layout = "leaf"
    grey_levels = 255

    def __init__(
        self,
        train: str | os.PathLike[str] | None,
        test: str | os.PathLike[str],
        *,
        polarity: str,
        seed: int,
        clients: int | None = None,
        keep_duplicates: bool = False,
    ) -> None:
        train = None if train is None else Path(train)
        test = Path(test)
        paths = (test,) if train is None else (train, test)
        inspect_once(*paths)
        for path in paths:
            with reading(path) as examples:
                duplicates = bool(examples.attrs.get("duplicates", False))
                test_share = float(examples.attrs.get("test_share", TEST_SHARE))
            if duplicates != keep_duplicates:
                has = "with" if duplicates else "without"
                raise DataError(
                    f"{path}: was built {has} LEAF's repeated images, but keep_duplicates={keep_duplicates}; "
                    "build it again or change the option."
                )
        self.described = f"LEAF build (HDF5), {100 * test_share:g} % of each writer's images for testing,"
        super().__init__(train, test, polarity=polarity, seed=seed, clients=clients)
