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

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import numba
from numba.core import event

FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}

_not_kept: list[str] = []  # kernels for which numba found no folder that it may write to

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile a function at its first call, and keep the machine code on disk where a folder is writable."""
    try:
        compiled: F = numba.njit(cache=True, **FLAGS)(function)
    except RuntimeError:  # numba found no folder that it may write to
        _not_kept.append(function.__name__)
        compiled = numba.njit(**FLAGS)(function)
    else:
        _rebuild_if_damaged(compiled)
    return compiled


def how_kernels_run() -> Literal["kept", "compiled", "interpreted"]:
    """Return "kept" if compiled kernels are kept on disk, "compiled" if they are not, "interpreted" without the JIT."""
    config: Any = numba.config
    if config.DISABLE_JIT:
        return "interpreted"
    return "compiled" if _not_kept else "kept"


@contextmanager
def watch_compiling(notice: Callable[[float], object]) -> Iterator[None]:
    """Tell, in the body of a ``with`` statement, when a kernel has been compiled; a kernel read from disk has not.

    Parameters
    ----------
    notice : callable
        Is told how many seconds it took, with the kernels that it calls, in the thread that compiled it.
    """
    with event.install_listener("numba:compile", _Compilations(notice)):
        yield


class _Compilations(event.Listener):
    """Measures compilations; one within another belongs to the outer one. Numba compiles in one thread at a time."""

    def __init__(self, notice: Callable[[float], object]) -> None:
        self._notice = notice
        self._begun: list[float] = []

    def on_start(self, event: Any) -> None:
        self._begun.append(time.perf_counter())

    def on_end(self, event: Any) -> None:
        seconds = time.perf_counter() - self._begun.pop()
        # Numba first tries kernels with `literally` without the constants, and gives up at once.
        succeeded = tuple(event.data["args"]) in event.data["dispatcher"].overloads
        if succeeded and not self._begun:
            self._notice(seconds)


def _rebuild_if_damaged(compiled: Any) -> None:
    """Let a kernel whose file in the cache cannot be read be compiled again; Numba would raise what pickle raises."""
    cache = getattr(compiled, "_cache", None)  # None with NUMBA_DISABLE_JIT=1
    if cache is None:
        return
    load = cache.load_overload

    def load_or_forget(signature: object, context: object) -> object:
        try:
            return load(signature, context)
        except Exception:  # whatever pickle makes of a damaged file
            cache.flush()
            return None

    cache.load_overload = load_or_forget
