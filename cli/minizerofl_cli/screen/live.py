"""The screen for a terminal: lines above, a bar with the rounds below; the only module that needs rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress, ProgressColumn, Task
from rich.progress_bar import ProgressBar
from rich.text import Text

from minizerofl.printable import printable
from minizerofl_cli.screen.lines import wrap
from minizerofl_cli.screen.progress import NORMAL, Screen
from minizerofl_cli.screen.pulse import What, told_with_time


class _Told(ProgressColumn):
    """A text that is asked for whenever the bar is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.text: Callable[[], str] = str

    def render(self, task: Task) -> Text:
        """Return the text as it is now."""
        return Text(printable(self.text()), no_wrap=True)


class _Bar(ProgressColumn):
    """A bar whose numbers can be set without a lock: an interrupt may come at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.done, self.rounds = 0.0, 0

    def render(self, task: Task) -> ProgressBar:
        """Return the bar as it is now."""
        total = self.rounds or None
        return ProgressBar(total, self.done, width=20, pulse=not self.rounds, animation_time=task.get_time())


class LiveScreen(Screen):
    """Lines above a bar of rich, and beside the bar what is going on."""

    def __init__(self, progress: Progress, bar: _Bar, told: _Told, verbosity: int = NORMAL) -> None:
        super().__init__(verbosity)
        self._progress = progress
        self._bar = bar
        self._told = told
        progress.add_task("")

    def _show(self, line: str) -> None:
        """Show a line above the bar, unadorned."""
        console = self._progress.console
        console.print(wrap(printable(line), console.width), markup=False, highlight=False, soft_wrap=True)

    def doing(self, what: What) -> None:
        """Say what is going on from now on, beside the bar."""
        self._told.text = told_with_time(what)

    def bar(self, done: float, rounds: int) -> None:
        """Move the bar."""
        self._bar.done, self._bar.rounds = done, rounds


@contextmanager
def live_screen(verbosity: int = NORMAL) -> Iterator[LiveScreen]:
    """Give a screen with a bar, which is gone at the end."""
    bar, told = _Bar(), _Told()
    with Progress(bar, told, transient=True) as progress:
        yield LiveScreen(progress, bar, told, verbosity)
