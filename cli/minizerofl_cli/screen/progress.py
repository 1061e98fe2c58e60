"""Where lines appear: on a terminal with a bar below them, otherwise with signs of life between them."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from minizerofl_cli.screen.compiling import Compiling
from minizerofl_cli.screen.duration import duration
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.once import is_new
from minizerofl_cli.screen.pulse import Pulse, What, told_with_time

__all__ = ["ALWAYS", "DETAIL", "MB", "NORMAL", "PlainScreen", "Screen", "duration", "saving", "screen"]

MB = 1_000_000  # bytes
ALWAYS, NORMAL, DETAIL = -1, 0, 1  # how important a line is; -q shows the first kind, -v all of them


class Screen(ABC):
    """Where lines appear, and where they are logged.

    Parameters
    ----------
    verbosity : {-1, 0, 1}
        Which lines are shown: up to ALWAYS, NORMAL or DETAIL.

    Attributes
    ----------
    compiling : Compiling
        Is told of kernels that were compiled.
    """

    def __init__(self, verbosity: int = NORMAL) -> None:
        self.verbosity = verbosity
        self.compiling = Compiling(self.say)
        self._early: list[str] = []
        self._log: Callable[[str], object] = self._early.append

    def say(self, line: str, level: int = NORMAL) -> None:
        """Show and log a line; with -q it is logged all the same, a detail only with -v."""
        if level <= self.verbosity:
            self._show(line)
        if level <= max(NORMAL, self.verbosity):
            self._log(line)

    def hint(self, name: str, line: str) -> None:
        """Log a line, and show it if it has never been shown to this user."""
        if self.verbosity >= NORMAL and is_new(name):
            self._show(line)
        self._log(line)

    def log_to(self, log: Callable[[str], object] | None) -> None:
        """Log from now on, and what has been said since the last call; None begins to collect again."""
        early, self._early = self._early, []
        self._log = log or self._early.append
        for line in early if log else []:
            self._log(line)

    @abstractmethod
    def _show(self, line: str) -> None:
        """Show a line."""

    @abstractmethod
    def doing(self, what: What) -> None:
        """Say what is going on from now on: a text, or a function that returns one."""

    @abstractmethod
    def bar(self, done: float, rounds: int) -> None:
        """Say how many rounds are done; a part of one counts as well."""


class PlainScreen(Screen):
    """Lines, and signs of life: for a file, a pipe, a log.

    Examples
    --------
    >>> with PlainScreen.opened() as shown:
    ...     shown.say("hello")
    hello
    """

    def __init__(self, verbosity: int = NORMAL) -> None:
        super().__init__(verbosity)
        self._pulse = Pulse(self._show)

    @classmethod
    @contextmanager
    def opened(cls, verbosity: int = NORMAL) -> Iterator[PlainScreen]:
        """Give a screen that lives until the end of a ``with`` statement."""
        self = cls(verbosity)
        if verbosity < NORMAL:
            yield self
            return
        with self._pulse:
            yield self

    def _show(self, line: str) -> None:
        say(line)
        sys.stdout.flush()
        self._pulse.heard()

    def doing(self, what: What) -> None:
        """Say what is going on from now on, which is shown if it lasts."""
        self._pulse.doing = told_with_time(what)

    def bar(self, done: float, rounds: int) -> None:
        """Do nothing: the round's line says it."""


@contextmanager
def screen(verbosity: int = NORMAL) -> Iterator[Screen]:
    """Give a screen: with a bar that counts the rounds on a terminal, plain otherwise and with -q.

    Examples
    --------
    >>> with screen() as shown:
    ...     shown.say("hello")
    hello
    """
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and verbosity >= NORMAL:
        from minizerofl_cli.screen.live import live_screen

        with live_screen(verbosity) as live:
            yield live
    else:
        with PlainScreen.opened(verbosity) as plain:
            yield plain


def saving(dense_bytes: int, uplink_bytes: int) -> str:
    """Say how much less is sent than with dense models.

    Examples
    --------
    >>> saving(190, 100), saving(1001, 1000), saving(5, 10)
    ('1.9x less than dense', 'as much as dense', '2.0x more than dense')
    """
    ratio = dense_bytes / uplink_bytes
    if abs(ratio - 1) < 0.05:
        return "as much as dense"
    return f"{ratio:.1f}x less than dense" if ratio > 1 else f"{1 / ratio:.1f}x more than dense"
