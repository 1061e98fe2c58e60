"""The one place that decides how kernels are compiled.

`nogil`: a kernel releases the GIL (the lock that lets one thread at a time run Python code), so clients can be trained
in parallel threads; each kernel itself is serial. `cache`: compiled once per machine. `error_model="numpy"`: a division
by zero is an infinity, not an exception. `contract`: a multiplication and an addition may become one instruction (FMA,
fused multiply-add); nothing else of "fast math", which reorders sums (then a process that compiles and one that loads
the cache differ in the last bit) and deletes tests for NaN.

Many kernels begin with ``literally(width)``. It tells Numba that this argument is a compile-time constant: Numba then
compiles one version of the kernel for each value, as a C++ template does. We need it because the type of a vector
contains its length, and a type must be known before the program runs. ``for width in literal_unroll((64, 16))`` is a
loop over such constants: Numba compiles its body once for each.
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
