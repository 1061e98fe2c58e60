"""The switch that turns the recording of graphs off: `no_grad`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_recording: ContextVar[bool] = ContextVar("recording", default=True)


@contextmanager
def no_grad() -> Iterator[None]:
    """Record no graph inside this block: the results of ops do not require gradients.

    The switch belongs to the current thread (it is a `contextvars.ContextVar`), so one client may evaluate while
    another trains.

    Examples
    --------
    >>> import minizerofl as mz
    >>> x = mz.Tensor([1.0, 2.0], requires_grad=True)
    >>> with mz.no_grad():
    ...     (x * x).requires_grad
    False
    """
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def is_recording() -> bool:
    """Whether ops record their graph at the moment, see `no_grad`."""
    return _recording.get()
