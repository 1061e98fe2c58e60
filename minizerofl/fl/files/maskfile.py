"""The masks of a run on disk: masks.h5 holds them packed, overlap.csv says how far they overlap."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py

from minizerofl.fl.files.history import Cell, Table
from minizerofl.fl.files.sealed import Seal
from minizerofl.fl.measures.masks import Masks, count, jaccard, union_density

SEAL = Seal(b"minizerofl-masks", 1, "file of masks, a masks.h5 of a run")
COLUMNS = (
    "round",
    "layer",
    "weights",
    "density",
    "jaccard_initial",
    "jaccard_previous",
    "union_density",
    "clients_union_density",
    "clients_jaccard",
    "source",
)


class MaskFile:
    """masks.h5 and overlap.csv of a run directory.

    Parameters
    ----------
    folder : Path
        The run directory.
    source : str
        "real" or "synthetic".

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = MaskFile(Path(folder), "synthetic")
    ...     file.add(20, {"w": np.array([6], np.uint8)}, {"w": np.array([12], np.uint8)}, {"w": 8}, {})
    ...     sorted(file.load())
    [0, 20]
    """

    def __init__(self, folder: Path, source: str) -> None:
        self.path = folder / "masks.h5"
        self._source = source
        self._overlap = Table(folder / "overlap.csv", COLUMNS)

    def add(
        self,
        round: int,
        masks: Masks,
        initial: Masks,
        sizes: Mapping[str, int],
        clients: Mapping[str, tuple[float, float]],
    ) -> None:
        """Add the masks of a round, and how far they overlap with those before.

        Parameters
        ----------
        round : int
            The round.
        masks, initial : dict of str to array
            The masks of W_top after this round and before the first, see `minizerofl.fl.measures.masks`.
        sizes : mapping of str to int
            How many weights each layer has.
        clients : mapping of str to (float, float)
            For each layer that is sent in part, the union density of what the clients sent, and the mean Jaccard index
            of two clients.

        Raises
        ------
        OSError
            The disk is full. The masks of earlier rounds are still there.
        """
        earlier = self.load() or {0: initial}
        before = {t: layers for t, layers in earlier.items() if t < round}
        self._save({**before, round: masks})
        previous = before[max(before)]
        if not self._overlap.path.exists():
            self._overlap.create()
        rows: list[dict[str, Cell]] = []
        for layer, bits in masks.items():
            union, between = clients.get(layer, ("", ""))
            rows.append(
                {
                    "round": round,
                    "layer": layer,
                    "weights": sizes[layer],
                    "density": count(bits) / sizes[layer],
                    "jaccard_initial": jaccard(bits, initial[layer]),
                    "jaccard_previous": jaccard(bits, previous[layer]),
                    "union_density": union_density([*(each[layer] for each in before.values()), bits], sizes[layer]),
                    "clients_union_density": union,
                    "clients_jaccard": between,
                    "source": self._source,
                }
            )
        self._overlap.append(rows)

    def cut(self, round: int) -> None:
        """Remove the masks of later rounds."""
        masks = self.load()
        if any(t > round for t in masks):
            self._save({t: layers for t, layers in masks.items() if t <= round})
        if self._overlap.path.exists():
            self._overlap.cut(round)

    def load(self) -> dict[int, Masks]:
        """Return the packed masks by round and layer, round 0 for the initial ones; empty before there are any.

        Raises
        ------
        SealError
            The file is damaged.
        """
        if not self.path.exists():
            return {}
        with SEAL.open(self.path) as file:
            return {
                int(name.removeprefix("round-")): {layer: bits[()] for layer, bits in file[name].items()}
                for name in sorted(file)
            }

    def _save(self, masks: Mapping[int, Masks]) -> None:
        def fill(file: h5py.File) -> None:
            for round, layers in masks.items():
                for layer, bits in layers.items():
                    name = f"round-{round:06d}/{layer}"
                    file.create_dataset(name, data=bits, compression="gzip", compression_opts=1)

        SEAL.write(self.path, fill)
