"""Sparse training: which entries are kept, and the SWAT products with them.

Reading order: `selection` (top-k), `rules`, `swat` (the definition), `csr` (W_top from step to step), `fast` and
`geometry` (the same products from the kept entries only), `ops` (the public functions), `periodic`, `breakeven`. Then
other rules: `structured` and `fixed`, and blocks of outputs: `blocks`, `fast_blocks`.

The way of a sparse convolution from the layer to the innermost loop: `nn.swat` (the layer), `sparse.ops` (select W_top,
take a path), `autograd.op` (apply an op). To select: `sparse.csr`, `sparse.selection`, `kernels.topk`. To convolve:
`sparse.fast`, `autograd.ops.window` and `sparse.geometry` (sizes and offsets), `kernels.layout` (the order in memory),
`kernels.conv` (sums of rows). The instructions that these kernels use are in `kernels.simd` and `kernels.bits`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minizerofl.lazy import lazy

if TYPE_CHECKING:
    from minizerofl.sparse.csr import top_k_csr
    from minizerofl.sparse.ops import sparse_conv2d, sparse_linear
    from minizerofl.sparse.rules import GlobalTopK, RandomK, Selection, TopK
    from minizerofl.sparse.selection import count_kept, top_k
    from minizerofl.sparse.structured import Block, Block4, Block8, Block16

__all__ = [
    "Block",
    "Block4",
    "Block8",
    "Block16",
    "GlobalTopK",
    "RandomK",
    "Selection",
    "TopK",
    "count_kept",
    "sparse_conv2d",
    "sparse_linear",
    "top_k",
    "top_k_csr",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Block": "minizerofl.sparse.structured",
        "Block4": "minizerofl.sparse.structured",
        "Block8": "minizerofl.sparse.structured",
        "Block16": "minizerofl.sparse.structured",
        "GlobalTopK": "minizerofl.sparse.rules",
        "RandomK": "minizerofl.sparse.rules",
        "Selection": "minizerofl.sparse.rules",
        "TopK": "minizerofl.sparse.rules",
        "count_kept": "minizerofl.sparse.selection",
        "sparse_conv2d": "minizerofl.sparse.ops",
        "sparse_linear": "minizerofl.sparse.ops",
        "top_k": "minizerofl.sparse.selection",
        "top_k_csr": "minizerofl.sparse.csr",
    },
)
