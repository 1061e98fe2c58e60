"""A line on the screen: the one way in which commands say something."""

from __future__ import annotations

import shutil
import sys
import textwrap

import click

from minizerofl.printable import printable


def say(line: str) -> None:
    r"""Show a line; names in it cannot begin another one. On a terminal a long line is broken between words.

    Examples
    --------
    >>> say("client a\nb")
    client a\nb
    """
    line = printable(line)
    click.echo(wrap(line, shutil.get_terminal_size().columns) if sys.stdout.isatty() else line)


def wrap(line: str, width: int) -> str:
    """Break a line between words, never within one; what follows the first break is indented.

    Examples
    --------
    >>> print(wrap("Everything is in runs/femnist-synthetic; next: minizerofl eval", 30))
    Everything is in
      runs/femnist-synthetic;
      next: minizerofl eval
    """
    if len(line) <= width:
        return line
    return textwrap.fill(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
