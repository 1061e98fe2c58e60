"""One process a run directory: a lock that the operating system lets go of when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minizerofl.fl.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_held: set[int] = set()  # descriptors of locked directories


def _let_go() -> None:
    """Close what a forked process has of its parent's locks, or they would outlive the parent."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a run directory.

    On systems without `fcntl` (Windows), and on file systems without locks, nothing is held.

    Raises
    ------
    ConfigError
        Another process holds it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, locked(Path(folder)):  # doctest: +ELLIPSIS
    ...     with locked(Path(folder)):
    ...         pass
    Traceback (most recent call last):
        ...
    minizerofl.fl.errors.ConfigError: ... is in use by another process; wait for it, or stop it
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(f"{directory} is in use by another process; wait for it, or stop it") from None
    except OSError:
        pass
    _held.add(descriptor)
    try:
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def in_use(directory: Path) -> bool:
    """Tell whether a process works on a run; always False where nothing is held.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     in_use(Path(folder))
    False
    """
    try:
        with locked(directory):
            return False
    except ConfigError:
        return True
    except OSError:  # It has gone, or may not be read.
        return False
