"""The catalogue of data sets: ``load`` finds a set by its name."""

from os import PathLike

from minizerofl_datasets.errors import check_choice
from minizerofl_datasets.federated import FederatedDataset
from minizerofl_datasets.femnist.loader import load_femnist

__all__ = ["load"]

LOADERS = {"femnist": load_femnist}


def load(
    name: str,
    source: str = "auto",
    data_dir: str | PathLike[str] | None = None,
    polarity: str = "ink",
    seed: int = 0,
    clients: int | None = None,
    *,
    format: str = "auto",
    keep_duplicates: bool = False,
) -> FederatedDataset:
    """Load a federated data set by its name. Nothing is ever downloaded.

    Parameters
    ----------
    name : {"femnist"}
        Which set.
    source : {"auto", "real", "synthetic"}
        "real" reads files, "synthetic" draws the procedural twin. "auto" is real if ``data_dir`` or the environment
        variable MINIZEROFL_DATA is given and synthetic if neither is.
    data_dir : path, optional
        Folder that holds the files; defaults to MINIZEROFL_DATA. The layouts are in docs/data.md.
    polarity : {"ink", "paper"}
        "ink" hands out ``1 - pixel`` (ink = 1, background = 0), "paper" the stored pixel (paper = 1).
    seed : int
        Fixes the validation part and the synthetic twin. Not negative.
    clients : int, optional
        Keep only the first so many clients in sorted order; None keeps all (300 in the twin).
    format : {"auto", "tff", "leaf"}
        Which layout to read; "auto" takes TFF where both are there. Naming one asks for real files.
    keep_duplicates : bool
        Keep the image that a LEAF build repeats for almost every writer.

    Returns
    -------
    FederatedDataset
        Client ids and, for each client, its samples.

    Raises
    ------
    ValueError
        If an argument is not one of the above.
    DataError
        If real data was asked for and is missing or damaged; a folder without data is never replaced by the twin.

    Examples
    --------
    >>> from minizerofl_datasets import load
    >>> twin = load("femnist", source="synthetic", clients=3)
    >>> twin.clients
    ('synthetic-0000', 'synthetic-0001', 'synthetic-0002')
    """
    check_choice("name", name, LOADERS)
    if seed < 0:
        raise ValueError(f"seed={seed} is negative: give an integer of at least 0.")
    if clients is not None and clients < 1:
        raise ValueError(f"clients={clients}: give a number of at least 1, or None for all clients.")
    return LOADERS[name](
        source=source,
        data_dir=data_dir,
        polarity=polarity,
        seed=seed,
        clients=clients,
        format=format,
        keep_duplicates=keep_duplicates,
    )
