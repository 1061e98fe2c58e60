"""Pairs the writers of the training files with those of the test files."""

from collections.abc import Collection

from minizerofl_datasets.errors import DataError

__all__ = ["pair_writers"]


def pair_writers(
    train: Collection[str] | None, test: Collection[str], clients: int | None
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the writers to hand out, sorted, and those among them that have test images.

    Parameters
    ----------
    train, test : collection of str
        Writers of the training and of the test files; without training files (None) nobody trains.
    clients : int, optional
        Keep only the first N; None keeps all.

    Returns
    -------
    writers : tuple of str
        The training writers, sorted; none without training files.
    tested : frozenset of str
        The writers of the test files; a training writer may be missing here and then has no test images.

    Raises
    ------
    DataError
        If there are no writers, or a test writer has no training images (LEAF's split by user).
    ValueError
        If there are fewer than ``clients`` writers.

    Examples
    --------
    >>> pair_writers(["f1", "f0"], ["f0"], clients=1)
    (('f0',), frozenset({'f0'}))
    """
    if train is None and test:
        return (), frozenset(test)
    if not train:
        raise DataError("the files of FEMNIST hold no writers; download the files again.")
    unpaired = sorted(set(test) - set(train))
    if unpaired:
        raise DataError(
            f"{len(unpaired)} writers, the first {unpaired[0]}, have test images but no training images; the "
            "files do not belong together (in LEAF: split with '-t sample', not '-t user')."
        )
    if clients is not None and clients > len(train):
        raise ValueError(f"clients={clients}, but the files hold {len(train)} writers; give at most {len(train)}.")
    return tuple(sorted(train)[:clients]), frozenset(test)
