"""What both sources of Speech Commands share: features as inputs, the classes, and the augmentation."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from minizerofl_datasets.errors import DataError
from minizerofl_datasets.federated import Samples, Split
from minizerofl_datasets.partition import Partition
from minizerofl_datasets.partitioned import PartitionedDataset
from minizerofl_datasets.speech_commands.features import FEATURES, HEIGHT
from minizerofl_datasets.speech_commands.noise import add_noise, shift
from minizerofl_datasets.speech_commands.samples import make_pools
from minizerofl_datasets.speech_commands.spectrum import FRAMES
from minizerofl_datasets.speech_commands.words import Vocabulary

__all__ = ["Deal", "SpeechCommands"]

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
# Labels and speakers of the training pool -> who has what.
Deal = Callable[[Rows, npt.NDArray[np.str_]], Partition]


class SpeechCommands(PartitionedDataset):
    """Speech Commands from any source; a subclass provides features and background noises.

    Parameters
    ----------
    source : {"real", "synthetic"}
        Whether people speak or a program.
    format : str
        "folder", "archive" or "synthetic".
    origin : str
        Where the clips come from, for people to read.
    names : sequence of str
        All clips, such as "bed/012c8314_nohash_0.wav"; a clip's row is its position here.
    vocabulary : Vocabulary
        The classes.
    deal : callable
        Makes the partition of the training pool from its labels and speakers.
    seed : int
        Fixes the validation part and the dealing of the test set.
    clients : int, optional
        Keep only the first N clients; None keeps all.
    augment : bool
        Whether ``augment`` shifts clips and adds noise.
    features : {"log-mel", "mfcc"}
        The kind of features.

    Raises
    ------
    DataError
        If a class has no training clip.
    """

    def __init__(
        self,
        *,
        source: Literal["real", "synthetic"],
        format: str,
        origin: str,
        names: Sequence[str],
        vocabulary: Vocabulary,
        deal: Deal,
        seed: int,
        clients: int | None = None,
        augment: bool = True,
        features: str = "log-mel",
    ) -> None:
        self._augments = augment
        self.kind = FEATURES[features]
        self._pools = make_pools(names, vocabulary)
        train, test = self._pools["train"], self._pools["test"]
        present = np.bincount(train.labels, minlength=len(vocabulary.class_names)) > 0
        if not present.all() or not len(test.labels):
            missing = [name for name, there in zip(vocabulary.class_names, present, strict=True) if not there]
            what = f"training clips of {', '.join(missing)}" if missing else "test clips"
            raise DataError(
                f"speech_commands: there are no {what} ({origin}); download the whole set, or choose other words."
            )
        super().__init__(
            name="speech_commands",
            source=source,
            format=format,
            origin=origin,
            input_shape=(1, HEIGHT, FRAMES),
            class_names=vocabulary.class_names,
            transform={
                "formula": self.kind.formula,
                "features": self.kind.description,
                "augmentation": "shift by up to 96 ms; background noise 5 to 30 dB below the clip"
                if augment
                else "none",
            },
            seed=seed,
            y_train=train.labels,
            y_test=test.labels,
            partition=deal(train.labels, train.speakers),
            clients=clients,
        )

    @abstractmethod
    def features(self, rows: Rows) -> Floats:
        """Return the features (n, 1, 32, 32) of clips by their position in the list of names; ``SILENT`` is silence."""

    @abstractmethod
    def background(self) -> Sequence[Floats]:
        """Return mel energies of background noises, (bands of the kind, frames) each."""

    def official_validation(self) -> Samples:
        """Return the clips of the official validation list: speakers who are in no client and in no test clip.

        Returns
        -------
        x : ndarray of float32, shape (n, 1, 32, 32)
        y : ndarray of int64, shape (n,)

        Notes
        -----
        The paper holds out a tenth of every client instead, which is what ``validation`` does.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> twin = load("speech_commands", source="synthetic", words=("yes", "no"))
        >>> twin.official_validation()[0].shape[1:]
        (1, 32, 32)
        """
        pool = self._pools["validation"]
        return self.features(pool.rows), pool.labels.copy()

    def augment(self, x: Floats, rng: np.random.Generator) -> Floats:
        """Return a shifted copy of a mini-batch with noise; with ``augment=False``, x itself.

        Examples
        --------
        >>> from minizerofl_datasets import load
        >>> twin = load("speech_commands", source="synthetic", clients=1)
        >>> x, _ = twin.train(twin.clients[0])
        >>> twin.augment(x, np.random.default_rng(0)).shape == x.shape
        True
        """
        if not self._augments:
            return x
        return add_noise(shift(x, rng, self.kind), self.background(), rng, self.kind)

    def _inputs(self, split: Split, rows: Rows, client: str) -> Floats:
        return self.features(self._pools[split].rows[rows])
