"""Ctrl-C and SIGTERM: the first ends the round in progress, the second the process, on the spot."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """A signal asked the command to stop; not an `Exception`, so that nothing on the way takes it for an error.

    Examples
    --------
    >>> Interrupted(signal.SIGTERM).exit_code
    143
    """

    def __init__(self, signum: int) -> None:
        self.exit_code = 128 + signum
        super().__init__(f"stopped by {signal.Signals(signum).name}")


class Interrupts:
    """Holds signals back while files are being written, and lets them through where work may be abandoned.

    Examples
    --------
    >>> try:
    ...     with Interrupts() as interrupts, interrupts.allowed():
    ...         signal.raise_signal(signal.SIGINT)
    ... except Interrupted as stop:
    ...     print(stop)
    stopped by SIGINT
    """

    def __init__(self) -> None:
        self._signum: int | None = None
        self._allowed = False
        self._before: dict[int, object] = {}

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Raise `Interrupted` as soon as a signal comes, or at once if one has come before."""
        self._allowed = True
        try:
            if self._signum is not None:
                raise Interrupted(self._signum)
            yield
        finally:
            self._allowed = False

    def __enter__(self) -> Self:
        for signum in SIGNALS:
            self._before[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self._signum is not None:
            os._exit(128 + signal.SIGINT)
        self._signum = signum
        if self._allowed:
            raise Interrupted(signum)
