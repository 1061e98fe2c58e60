"""How large an update is: as the paper prints it, as the paper must have counted it, and as each codec encodes it.

The paper's figures for ResNet-18 follow if every entry that is sent takes 8 bytes (a float32 value and an int32
index), also in the tensors that are sent whole, if every sparse layer has an int32 row pointer for each of its outputs
and one more, and if an "MB" is 1,024,000 bytes. A dense model takes 4 bytes an entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from minizerofl.choices import CODECS, RULES
from minizerofl.fl.codecs import Codec, Schema
from minizerofl.fl.payload import Kept, Payload
from minizerofl.fl.uplinks import TopKWeights
from minizerofl.models import build
from minizerofl.models.setup import initial_weights
from minizerofl.nn import Module, sparse_weights
from minizerofl.sparse.rules import Selection

PAPER_MB = 1_024_000  # bytes
# Size in the paper's "MB" (tables 1 and 3), by sparsity and mask ratio; (0, 0) is the dense model.
PAPER_SIZES: dict[str, dict[tuple[float, float], float]] = {
    "resnet18": {
        (0.0, 0.0): 43.7,
        (0.9, 0.0): 10.1,
        (0.9, 0.1): 18.7,
        (0.9, 0.2): 27.3,
        (0.95, 0.0): 5.9,
        (0.95, 0.1): 14.4,
        (0.95, 0.2): 23.0,
    },
    "femnist_cnn": {(0.0, 0.0): 23.0, (0.95, 0.0): 1.3, (0.95, 0.1): 2.9, (0.95, 0.2): 4.4},
}
CLASSES = {"resnet18": 10, "femnist_cnn": 62}


@dataclass(frozen=True)
class Sizes:
    """The sizes of one update.

    Attributes
    ----------
    sparsity, mask_ratio : float
        sp and r; both 0 for the dense model.
    paper : float
        What the paper prints, in its "MB".
    counted : int
        The bytes by the paper's accounting.
    encoded : dict of str to int
        The bytes of the message of each codec.
    """

    sparsity: float
    mask_ratio: float
    paper: float
    counted: int
    encoded: dict[str, int]


def count_as_paper(payload: Payload) -> int:
    """Count the bytes of an update as the paper does: outputs are the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> kept = Kept((2, 3), np.array([0, 4], np.int32), np.ones(2, np.float32))
    >>> count_as_paper({"weight": kept, "bias": np.zeros(2, np.float32)})
    48
    """
    return sum(
        8 * tensor.positions.size + 4 * (tensor.shape[-1] + 1) if isinstance(tensor, Kept) else 8 * tensor.size
        for tensor in payload.values()
    )


def sizes(model: str, values: str = "float32", selection: str = "top-k") -> Iterator[Sizes]:
    """Encode an update of a model with its initial weights for every row of the paper's tables.

    Parameters
    ----------
    model : str
        "resnet18" or "femnist_cnn".
    values : str
        "float32" or "float16", see `Codec`.
    selection : str
        The rule that chooses what is sent, a name of `minizerofl.choices.RULES`.
    """
    for (sparsity, mask_ratio), paper in PAPER_SIZES[model].items():
        network = build(model, sparsity=sparsity, seed=0, num_classes=CLASSES[model])
        state = network.state_dict()
        uplink = TopKWeights(sparse_weights(network), mask_ratio, _rule(selection, network))
        payload = uplink.select(state, state) if sparsity else state
        counted = count_as_paper(payload) if sparsity else 4 * sum(value.size for value in state.values())
        schema = Schema.of(state, uplink.known(state))
        encoded = {codec: len(Codec(codec, values).encode(payload, schema)) for codec in CODECS}
        yield Sizes(sparsity, mask_ratio, paper, counted, encoded)


def _rule(selection: str, network: Module) -> Selection:
    rule = RULES[selection]()
    rule.begin(initial_weights(network))
    return rule
