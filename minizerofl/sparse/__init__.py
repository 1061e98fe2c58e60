"""Sparse training: which entries are kept, the compressed weights, and the SWAT ops on them."""

from minizerofl.sparse.csr import top_k_csr
from minizerofl.sparse.selection import Selection, TopK, count_kept, top_k
from minizerofl.sparse.swat import sparse_conv2d, sparse_linear

__all__ = ["Selection", "TopK", "count_kept", "sparse_conv2d", "sparse_linear", "top_k", "top_k_csr"]
