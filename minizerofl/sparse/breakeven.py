"""The choice between the sparse and the dense path of a layer: above which density dense products are faster.

The break-even depends on the machine and on the layer. `minizerofl bench --calibrate` measures it; the values here are
used where nothing was measured. Both paths compute the same (see `minizerofl.sparse.swat`).
"""

from __future__ import annotations

from collections.abc import Mapping

BREAK_EVEN = {"conv": 0.6, "linear": 0.85}  # densities, measured on one machine; docs/kernels.md
PATHS = ("auto", "sparse", "dense")


def layer_kind(weight_shape: tuple[int, ...], stride: int, batch_size: int) -> str:
    """Name the kind of a layer: what decides how fast it is, except for the size of its images.

    Parameters
    ----------
    weight_shape : tuple of int
        (IC, KH, KW, OC) of a convolution, (in, out) of a linear layer.
    stride : int
        Of a convolution; a linear layer has none.
    batch_size : int
        Samples in a mini-batch.

    Examples
    --------
    >>> layer_kind((32, 5, 5, 64), 1, 10), layer_kind((3136, 2048), 1, 10)
    ('conv 32x5x5x64 stride 1 batch 10', 'linear 3136x2048 batch 10')
    """
    shape = "x".join(map(str, weight_shape))
    return (
        f"conv {shape} stride {stride} batch {batch_size}"
        if len(weight_shape) > 2
        else f"linear {shape} batch {batch_size}"
    )


def choose(kind: str, density: float, measured: Mapping[str, float] | None = None) -> str:
    """Choose the path of a layer.

    Parameters
    ----------
    kind : str
        What `layer_kind` returns.
    density : float
        The share of the weights, and of the activations, that is kept.
    measured : mapping of str to float, optional
        Break-even densities by kind, as a calibration measures them; all others take the built-in ones.

    Returns
    -------
    {"sparse", "dense"}
        The path that is expected to be faster.

    Examples
    --------
    >>> choose("linear 3136x2048 batch 10", 0.05), choose("linear 3136x2048 batch 10", 0.9)
    ('sparse', 'dense')
    >>> choose("linear 3136x2048 batch 10", 0.9, {"linear 3136x2048 batch 10": 1.0})
    'sparse'
    """
    break_even = (measured or {}).get(kind, BREAK_EVEN[kind.split()[0]])
    return "sparse" if density <= break_even else "dense"
