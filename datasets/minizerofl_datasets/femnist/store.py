"""The LEAF build as two HDF5 files, laid out like TFF's with whole grey levels (uint8): read lazily, small on disk."""

from pathlib import Path

from minizerofl_datasets.errors import DataError
from minizerofl_datasets.femnist.tff import TffFemnist, reading

__all__ = ["LeafStore"]


class LeafStore(TffFemnist):
    """What ``build_leaf`` wrote, one writer at a time.

    Parameters
    ----------
    train, test, polarity, seed, clients
        As in ``TffFemnist``.
    keep_duplicates : bool
        Whether the images that LEAF repeats are wanted; it must have been built so.

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
    described = "LEAF build (HDF5)"
    grey_levels = 255

    def __init__(
        self,
        train: Path,
        test: Path,
        *,
        polarity: str,
        seed: int,
        clients: int | None = None,
        keep_duplicates: bool = False,
    ) -> None:
        for path in (train, test):
            with reading(path) as examples:
                duplicates = bool(examples.attrs.get("duplicates", False))
            if duplicates != keep_duplicates:
                has = "with" if duplicates else "without"
                raise DataError(
                    f"{path}: was built {has} LEAF's repeated images, but keep_duplicates={keep_duplicates}; "
                    "build it anew or change the option."
                )
        super().__init__(train, test, polarity=polarity, seed=seed, clients=clients)
