"""Loads FEMNIST: from TFF files, from a LEAF build, or as the synthetic twin."""

import os
from functools import partial

from minizerofl_datasets.choices import POLARITIES
from minizerofl_datasets.errors import check_choice
from minizerofl_datasets.federated import FederatedDataset
from minizerofl_datasets.femnist.files import HOW_TO_GET, search_files
from minizerofl_datasets.femnist.holdout import hold_out_writers
from minizerofl_datasets.femnist.images import FemnistImages
from minizerofl_datasets.femnist.leaf import LeafFemnist
from minizerofl_datasets.femnist.store import LeafStore
from minizerofl_datasets.femnist.tff import TffFemnist
from minizerofl_datasets.femnist.twin.synthetic import SyntheticFemnist
from minizerofl_datasets.sources import find_data

__all__ = ["load_femnist"]


def load_femnist(
    *,
    source: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    polarity: str = "ink",
    seed: int = 0,
    clients: int | None = None,
    format: str = "auto",
    keep_duplicates: bool = False,
    holdout_writers: int = 0,
    test_only: bool = False,
) -> FederatedDataset:
    """Load FEMNIST; ``source``, ``data_dir``, ``seed``, ``clients`` and errors as in ``minizerofl_datasets.load``.

    Parameters
    ----------
    polarity : {"ink", "raw"}
        "ink" hands out ``1 - pixel`` (ink = 1, background = 0), "raw" the pixel as it is stored (background = 1).
    format : {"auto", "tff", "leaf"}
        Which layout to read; "auto" takes TFF where both are there. Naming one asks for real files.
    keep_duplicates : bool
        Keep the image that a LEAF build repeats for almost every writer.
    holdout_writers : int
        The number of writers, chosen by the seed, who never train and whose images are the test set.
    test_only : bool
        Read only the test files of a real set, and test every writer in them: nobody trains. Training files may be
        missing.

    Returns
    -------
    FederatedDataset
        A ``TffFemnist``, a ``LeafFemnist`` or a ``SyntheticFemnist``, or one of them with writers held out.

    Examples
    --------
    >>> load_femnist(source="synthetic", clients=1).source
    'synthetic'
    """
    if polarity == "paper":
        raise ValueError("polarity='paper' is now called 'raw': the pixel as it is stored, background = 1.")
    check_choice("polarity", polarity, POLARITIES)
    check_choice("format", format, ("auto", "tff", "leaf"))
    found = find_data(
        "FEMNIST",
        partial(search_files, format=format, test_only=test_only),
        HOW_TO_GET,
        source=source,
        data_dir=data_dir,
        format=format,
    )
    train = found.train[0] if found and found.train else None
    if found is None:
        data: FemnistImages = SyntheticFemnist(polarity=polarity, seed=seed, clients=clients)
    elif found.format == "tff":
        data = TffFemnist(train, found.test[0], polarity=polarity, seed=seed, clients=clients)
    elif found.format == "leaf-store":
        data = LeafStore(
            train,
            found.test[0],
            polarity=polarity,
            seed=seed,
            clients=clients,
            keep_duplicates=keep_duplicates,
        )
    else:
        data = LeafFemnist(
            found.train, found.test, polarity=polarity, seed=seed, clients=clients, keep_duplicates=keep_duplicates
        )
    return hold_out_writers(data, holdout_writers) if holdout_writers else data
