"""What is seen of a run: a line a round, and on a terminal a bar below the lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from minizerofl_cli.screen.lines import say

if TYPE_CHECKING:
    from minizerofl.fl.round import Round, Status

MB = 1_000_000  # bytes
FAILURES: tuple[Status, ...] = ("refused", "dropped", "crashed", "late")


class Screen(Protocol):
    """Where lines appear."""

    def say(self, line: str) -> None:
        """Show a line."""
        ...

    def advance(self) -> None:
        """Count one more round."""
        ...


class PlainScreen:
    """Lines and nothing else: for a file, a pipe, a log."""

    def say(self, line: str) -> None:
        """Show a line."""
        say(line)
        sys.stdout.flush()

    def advance(self) -> None:
        """Do nothing: the round's line says it."""


@contextmanager
def screen(rounds: int) -> Iterator[Screen]:
    """Give a screen: with a bar that counts the rounds on a terminal, plain otherwise.

    Examples
    --------
    >>> with screen(1) as shown:
    ...     shown.say("hello")
    hello
    """
    if sys.stdout.isatty():
        from minizerofl_cli.screen.live import live_screen

        with live_screen(rounds) as shown:
            yield shown
    else:
        yield PlainScreen()


def round_line(round: Round, rounds: int, eta_seconds: float) -> str:
    """Describe a round on one line.

    Parameters
    ----------
    round : Round
        What it did.
    rounds : int
        How many there are.
    eta_seconds : float
        Expected time to the end.
    """
    score = round.score
    result = f"accuracy {100 * score.accuracy:5.1f} %  loss {score.loss:6.3f}" if score else f"{'not evaluated':29}"
    counts = [(round.count(status), status) for status in FAILURES]
    failures = ", ".join(f"{count} {status}" for count, status in counts if count)
    return (
        f"round {round.round:{len(str(rounds))}}/{rounds}  {result}  "
        f"uplink {round.uplink_bytes / MB:.1f} MB ({saving(round.dense_bytes, round.uplink_bytes)})"
        f"{f'  {failures}' if failures else ''}  {round.seconds:.1f} s  ETA {duration(eta_seconds)}"
    )


def saving(dense_bytes: int, uplink_bytes: int) -> str:
    """Say how much less is sent than with dense models.

    Examples
    --------
    >>> saving(190, 100)
    '1.9x less than dense'
    """
    return f"{dense_bytes / uplink_bytes:.1f}x less than dense"


def duration(seconds: float) -> str:
    """Say a time as people do.

    Examples
    --------
    >>> duration(8), duration(185), duration(7260)
    ('8 s', '3 min 05 s', '2 h 01 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
