"""The one place that decides how kernels are compiled.

`nogil`: clients are trained in parallel threads, each kernel itself is serial. `cache`: compiled once per machine.
`error_model="numpy"`: a division by zero is an infinity, not an exception. `contract`: a multiplication and an
addition may become one fused instruction; nothing else of "fast math", which reorders sums (then a process that
compiles and one that loads the cache differ in the last bit) and deletes tests for NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile a function at its first call, and keep the machine code on disk where a folder is writable."""
    try:
        compiled: F = numba.njit(cache=True, **FLAGS)(function)
    except RuntimeError:  # numba found no folder that it may write to
        compiled = numba.njit(**FLAGS)(function)
    return compiled
