"""Sparse training: which entries are kept, and the SWAT products with them.

Reading order: `selection` (top-k), `rules`, `swat` (the definition), `csr` (W_top from step to step), `fast` and
`geometry` (the same products with only what is kept), `ops` (the public functions), `periodic`, `breakeven`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minizerofl.lazy import lazy

if TYPE_CHECKING:
    from minizerofl.sparse.csr import top_k_csr
    from minizerofl.sparse.ops import sparse_conv2d, sparse_linear
    from minizerofl.sparse.rules import GlobalTopK, RandomK, Selection, TopK
    from minizerofl.sparse.selection import count_kept, top_k

__all__ = [
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
