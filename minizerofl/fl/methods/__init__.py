"""Methods that came after ZeroFL, in the same loop: one file each, with its settings and what it adds.

Reading order: method (what a method is), random_mask, ssfl. docs/methods.md compares them with their papers.
"""

from minizerofl.fl.methods.method import Method
from minizerofl.lazy import listing

__all__ = ["Method"]

__dir__ = listing(__name__)
