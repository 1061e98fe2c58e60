"""The masks of a run on disk: masks.h5 holds them packed, overlap.csv says how far they overlap.

masks.h5 is a row of sealed parts, one for each round that was noted, so that the next round is only appended.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import h5py
import numpy as np

from minizerofl.fl.errors import SealError
from minizerofl.fl.files.history import Cell, Table
from minizerofl.fl.files.sealed import Seal, write_atomically
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
        self._previous: Masks = {}
        self._union: Masks = {}  # of all rounds that were noted
        self.overlap = Table(folder / "overlap.csv", COLUMNS)

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
        if not self._union:
            if not self.path.exists():
                self._append(0, initial)
            self._recall(self.load())
        previous, union = self._previous, {layer: self._union[layer] | bits for layer, bits in masks.items()}
        self._append(round, masks)
        self._previous, self._union = masks, union
        if not self.overlap.path.exists():
            self.overlap.create()
        rows: list[dict[str, Cell]] = []
        for layer, bits in masks.items():
            clients_union, between = clients.get(layer, ("", ""))
            rows.append(
                {
                    "round": round,
                    "layer": layer,
                    "weights": sizes[layer],
                    "density": count(bits) / sizes[layer],
                    "jaccard_initial": jaccard(bits, initial[layer]),
                    "jaccard_previous": jaccard(bits, previous[layer]),
                    "union_density": union_density([union[layer]], sizes[layer]),
                    "clients_union_density": clients_union,
                    "clients_jaccard": between,
                    "source": self._source,
                }
            )
        self.overlap.append(rows)

    def cut(self, round: int, overlap: bytes | None = None) -> None:
        """Remove the masks of later rounds, and a last part that is not whole.

        Parameters
        ----------
        round : int
            The last round to keep.
        overlap : bytes, optional
            What overlap.csv held after that round; without it, the file on the disk is cut back.

        Raises
        ------
        SealError
            Masks that overlap.csv tells of are damaged or missing.
        """
        rows: list[dict[str, str]] = []
        if overlap == b"":
            self.overlap.path.unlink(missing_ok=True)
        elif overlap is not None or self.overlap.path.exists():
            rows = self.overlap.bring_back(round, overlap)
        masks, problem = self._whole_parts()
        noted = {0, *(int(row["round"]) for row in rows)} if rows else set[int]()
        if not noted <= masks.keys():
            raise problem or SealError(f"{self.path}: masks that overlap.csv tells of are missing; put the file back")
        kept = {t: masks[t] for t in sorted(noted)}
        if problem or kept.keys() != masks.keys():
            write_atomically(
                self.path, *(piece for t, layers in kept.items() for piece in SEAL.pack(_filler(t, layers)))
            )
        if not kept:
            self.path.unlink(missing_ok=True)
        self._recall(kept)

    def load(self, rounds: Collection[int] | None = None, layers: Collection[str] | None = None) -> dict[int, Masks]:
        """Return the packed masks by round and layer, round 0 for the initial ones; empty before there are any.

        Parameters
        ----------
        rounds : collection of int, optional
            The rounds to return; all by default.
        layers : collection of str, optional
            The layers to return; all by default.

        Raises
        ------
        SealError
            The file is damaged.
        """
        masks, problem = self._whole_parts(rounds, layers)
        if problem:
            raise problem
        return masks

    def _whole_parts(
        self, rounds: Collection[int] | None = None, layers: Collection[str] | None = None
    ) -> tuple[dict[int, Masks], SealError | None]:
        """Return the masks up to the first part that is damaged, and what is wrong with it."""
        masks: dict[int, Masks] = {}
        try:
            if self.path.exists():
                for part in SEAL.parts(self.path, lambda file: _read(file, rounds, layers)):
                    masks |= part
        except SealError as problem:
            return masks, problem
        return masks, None

    def _recall(self, masks: Mapping[int, Masks]) -> None:
        """Find out what a later round is compared with."""
        self._previous, self._union = {}, {}
        for layers in masks.values():
            self._previous = layers
            self._union = {layer: self._union.get(layer, np.uint8(0)) | bits for layer, bits in layers.items()}

    def _append(self, round: int, layers: Masks) -> None:
        SEAL.append(self.path, _filler(round, layers))


def _filler(round: int, layers: Masks) -> Callable[[h5py.File], None]:
    def fill(file: h5py.File) -> None:
        for layer, bits in layers.items():
            file.create_dataset(f"round-{round:06d}/{layer}", data=bits, compression="gzip", compression_opts=1)

    return fill


def _read(file: h5py.File, rounds: Collection[int] | None, layers: Collection[str] | None) -> dict[int, Masks]:
    return {
        round: {layer: bits[()] for layer, bits in file[name].items() if layers is None or layer in layers}
        for name in sorted(file)
        for round in [int(name.removeprefix("round-"))]
        if rounds is None or round in rounds
    }
