"""Which weights take part: the masks of W_top over the rounds, and how far masks overlap.

Two numbers describe the overlap of a set of masks:

- the *union density*: the share of positions that at least one mask keeps (section 4.3 and figure 2 of the paper). If
  all masks are equal, it is the density of one of them;
- the *Jaccard index* of two masks, kept by both over kept by one or both: 1 if equal, and q / (2 - q) if independent
  with density q.

After some rounds a mask still shares most positions with the random mask of the initial weights. That positions stay
from round to round therefore says little unless it is compared with the overlap with the initial mask.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.payload import Kept, Payload, State
from minizerofl.nn import Module
from minizerofl.nn.paths import sparse_layers
from minizerofl.sparse.csr import kept_positions
from minizerofl.sparse.rules import Selection, ask
from minizerofl.sparse.selection import Positions, count_kept

Bits = NDArray[np.uint8]
Masks = dict[str, Bits]  # packed, eight positions a byte, by layer

ONES = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)


def kept_masks(state: State, sparse: Mapping[str, float], rule: Selection) -> Masks:
    """Return the masks of W_top.

    Parameters
    ----------
    state : dict of str to array
        A global model.
    sparse : mapping of str to float
        The sparse layers with their sparsities.
    rule : Selection
        The rule of the run.

    Returns
    -------
    dict of str to (ceil(n / 8),) uint8
        For each layer of n weights its mask in C order, eight positions a byte, the first in the highest bit.

    Examples
    --------
    >>> from minizerofl.sparse import TopK
    >>> kept_masks({"w": np.array([0.1, -3.0, 2.0, 0.2], np.float32)}, {"w": 0.5}, TopK())["w"]
    array([96], dtype=uint8)
    """
    weights = {name: state[name] for name in sparse}
    budget = {name: count_kept(weight.size, sparse[name]) for name, weight in weights.items()}
    return {name: pack(kept, weights[name].size) for name, kept in ask(rule, weights, budget).items()}


def model_masks(model: Module) -> dict[str, Positions]:
    """Return the positions of the weights that take part in each sparse layer of a model when it is evaluated.

    Examples
    --------
    >>> from minizerofl import nn
    >>> model = nn.Sequential(nn.SparseLinear(2, 2, sparsity=0.5))
    >>> model[0].weight.assign_([[1.0, -3.0], [2.0, 0.5]])
    >>> model_masks(model)
    {'0.weight': array([1, 2], dtype=int32)}
    """
    model.eval()
    masks = {}
    for name, layer in sparse_layers(model).items():
        weight = layer.weight
        kept = layer.selecting()(weight, count_kept(weight.size, layer.sparsity))
        masks[f"{name}.weight" if name else "weight"] = kept_positions(kept, weight.shape[-1])
    return masks


def pack(positions: NDArray[np.int32], size: int) -> Bits:
    """Pack positions into bits, (k,) -> (ceil(size / 8),).

    Examples
    --------
    >>> pack(np.array([0, 8], np.int32), 10)
    array([128, 128], dtype=uint8)
    """
    mask = np.zeros(size, np.bool_)
    mask[positions] = True
    return np.packbits(mask)


def count(bits: Bits) -> int:
    """Count the positions that a mask keeps.

    Examples
    --------
    >>> count(np.array([128, 3], np.uint8))
    3
    """
    return int(ONES[bits].sum(dtype=np.int64))


def union_density(masks: Sequence[Bits], size: int) -> float:
    """Return the share of `size` positions that at least one mask keeps.

    Examples
    --------
    >>> union_density([pack(np.array([0, 1], np.int32), 8), pack(np.array([1, 2], np.int32), 8)], 8)
    0.375
    """
    return count(np.bitwise_or.reduce(np.stack(masks))) / size


def jaccard(one: Bits, two: Bits) -> float:
    """Return what both keep over what one or both keep; 1 for two empty masks.

    Examples
    --------
    >>> jaccard(np.array([0b1100], np.uint8), np.array([0b0110], np.uint8))
    0.3333333333333333
    """
    either = count(one | two)
    return count(one & two) / either if either else 1.0


def mean_jaccard(masks: Sequence[Bits]) -> float:
    """Return the mean Jaccard index over all pairs; 1 for a single mask.

    Examples
    --------
    >>> mean_jaccard([np.array([12], np.uint8), np.array([12], np.uint8)])
    1.0
    """
    pairs = [jaccard(one, two) for one, two in combinations(masks, 2)]
    return sum(pairs) / len(pairs) if pairs else 1.0


def note_sent(masks: dict[str, list[Bits]], payload: Payload) -> None:
    """Add the masks of what a client sent to those of the others, layer by layer.

    Examples
    --------
    >>> masks = {}
    >>> note_sent(masks, {"w": Kept((3,), np.array([0], np.int32), np.ones(1, np.float32)), "b": np.ones(2)})
    >>> masks
    {'w': [array([128], dtype=uint8)]}
    """
    for name, tensor in payload.items():
        if isinstance(tensor, Kept):
            masks.setdefault(name, []).append(pack(tensor.positions, math.prod(tensor.shape)))


def unpack(bits: Bits, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return a mask in the shape of its layer, (ceil(n / 8),) -> shape.

    Raises
    ------
    ValueError
        The mask does not fit a layer of that shape.

    Examples
    --------
    >>> unpack(np.array([96], np.uint8), (2, 2))
    array([[False,  True],
           [ True, False]])
    """
    size = int(np.prod(shape))
    if bits.size != -(-size // 8):
        raise ValueError(f"a mask of {bits.size} bytes does not fit shape {shape}; take the shape of its layer")
    return np.unpackbits(bits, count=size).astype(np.bool_).reshape(shape)
