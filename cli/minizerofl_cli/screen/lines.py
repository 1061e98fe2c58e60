"""A line on the screen: the one way in which commands say something."""

from __future__ import annotations

import click

from minizerofl.printable import printable


def say(line: str) -> None:
    r"""Show a line; names in it cannot begin another one.

    Examples
    --------
    >>> say("client a\nb")
    client a\nb
    """
    click.echo(printable(line))
