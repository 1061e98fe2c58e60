"""The screen for a terminal: lines above, a bar with the rounds below; the only module that needs rich."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from minizerofl.printable import printable


class LiveScreen:
    """Lines above a bar of rich."""

    def __init__(self, bar: Progress, rounds: int) -> None:
        self._bar = bar
        self._task = bar.add_task("round", total=rounds)

    def say(self, line: str) -> None:
        """Show a line above the bar, unadorned."""
        self._bar.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    def advance(self) -> None:
        """Move the bar by a round."""
        self._bar.advance(self._task)


@contextmanager
def live_screen(rounds: int) -> Iterator[LiveScreen]:
    """Give a screen with a bar, which is gone at the end.

    Parameters
    ----------
    rounds : int
        How many rounds there are.
    """
    columns = TextColumn("{task.description}"), MofNCompleteColumn(), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, transient=True) as bar:
        yield LiveScreen(bar, rounds)
