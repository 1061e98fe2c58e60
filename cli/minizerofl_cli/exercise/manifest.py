"""The manifest: the only list of the exercises, which the command line, docs/exercises.md and the tests follow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from minizerofl.registry import ChoiceError, unknown

TRACKS = {"core": "what is special about ZeroFL", "engine": "what lies under it; optional"}


@dataclass(frozen=True)
class Exercise:
    """An exercise.

    Attributes
    ----------
    id : str
        What it is called on the command line: the letter of its track and a number.
    name : str
        Its name in file names.
    title : str
        Its title.
    minutes : int
        How long it takes somebody who knows NumPy.
    symbol : str
        The function, method or class of the library that it replaces, as ``module:name``.
    needs : tuple of str
        The exercises that come before it.
    uses : tuple of str
        Names of that module which a solution may want; the stub imports them.
    """

    id: str
    name: str
    title: str
    minutes: int
    symbol: str
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    @property
    def track(self) -> str:
        """The track, by the first letter of the id."""
        return next(track for track in TRACKS if track[0] == self.id[0])

    @property
    def stem(self) -> str:
        """The name of its files, without the suffix."""
        return f"{self.id}_{self.name}"

    @property
    def function(self) -> str:
        """The name of what a student writes."""
        return self.symbol.replace(":", ".").rsplit(".", 1)[1]

    @property
    def module(self) -> str:
        """The module that holds its checks and its mutants."""
        return f"minizerofl_cli.exercise.{self.track}.{self.stem}"

    def text(self) -> str:
        """Return its page, Markdown without the hints."""
        return self._page()[0]

    def hints(self) -> list[str]:
        """Return its three hints: a question, a pointer, a sketch."""
        return [" ".join(hint.split()) for hint in self._page()[1].split("\n- ")[1:]]

    def _page(self) -> tuple[str, str]:
        page = Path(__file__).parent / self.track / f"{self.stem}.md"
        text, _, hints = page.read_text(encoding="utf-8").partition("\n## Hints\n")
        return text, hints


_OPS = "minizerofl.autograd.ops"
_SWAT, _AGGREGATOR = "minizerofl.sparse.swat:SwatLinear", "minizerofl.fl.aggregator:Aggregator"

EXERCISES = (
    Exercise("c1", "top_k", "The top-k mask", 20, "minizerofl.sparse.selection:top_k"),
    Exercise("c2", "swat_backward", "SWAT's backward pass", 30, f"{_SWAT}.backward", ("c1",)),
    Exercise(
        *("c3", "surrogate", "Why dW is a surrogate", 30, "minizerofl.autograd.gradcheck:_central_difference", ("c2",)),
        uses=("Tensor",),
    ),
    Exercise("c4", "w_top", "Evaluate with W_top", 20, f"{_SWAT}.forward", ("c2",), uses=("keep_largest",)),
    Exercise("c5", "dirichlet", "The Dirichlet partition", 40, "minizerofl_datasets.partition.dirichlet:dirichlet"),
    Exercise("c6", "fedavg", "FedAvg's weights", 15, f"{_AGGREGATOR}._add"),
    Exercise(
        *("c7", "uplink", "The top-k uplink", 30, "minizerofl.fl.uplinks.uplink:Uplink.select", ("c1",)),
        uses=("Kept", "count_kept"),
    ),
    Exercise("c8", "senders", "Divide by n or by the senders", 20, f"{_AGGREGATOR}._average", ("c6", "c7")),
    Exercise(
        *("c9", "bytes", "Bytes of CSR and of a bitmap", 30, "minizerofl.fl.codecs.positions:position_bytes", ("c7",)),
        uses=("as_matrix",),
    ),
    Exercise(
        *("e1", "chain_rule", "The chain rule on a graph", 30, "minizerofl.autograd.sweep:sweep"),
        uses=("topological_order",),
    ),
    Exercise(
        *("e2", "order", "The topological order", 30, "minizerofl.autograd.sweep:topological_order", ("e1",)),
        uses=("_wanted",),
    ),
    Exercise("e3", "unbroadcast", "Un-broadcast", 20, "minizerofl.autograd.op:unbroadcast"),
    Exercise(
        *("e4", "conv2d", "A convolution by im2col", 60, f"{_OPS}.conv:Conv2d", ("c2",)),
        uses=("windows",),
    ),
    Exercise("e5", "batch_norm", "BatchNorm's backward pass", 45, f"{_OPS}.batch_norm:BatchNorm.backward", ("e3",)),
    Exercise("e6", "rice", "Golomb-Rice code", 40, "minizerofl.kernels.reference.codec:rice_encode", ("c9",)),
    Exercise("e7", "kernel", "A sparse kernel", 25, "minizerofl.kernels.reference.linear:gather_rows", ("c9",)),
)


def find(names: tuple[str, ...]) -> list[Exercise]:
    """Return the exercises of some ids or tracks, in the order of the manifest.

    Raises
    ------
    ChoiceError
        A name is neither an id nor a track.

    Examples
    --------
    >>> [each.name for each in find(("c2", "c1"))]
    ['top_k', 'swat_backward']
    """
    for name in names:
        if name not in TRACKS and name not in {each.id for each in EXERCISES}:
            raise ChoiceError(f"exercise {unknown(name, [*TRACKS, *(each.id for each in EXERCISES)])}")
    return [each for each in EXERCISES if each.id in names or each.track in names]
