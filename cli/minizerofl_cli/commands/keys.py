"""`minizerofl keys`: certificates and keys of a federation."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl_cli.screen.help import SectionCommand, SummaryGroup, argument, section
from minizerofl_cli.screen.options import debug_option

EXAMPLES = """\b
Examples:
  minizerofl keys new keys --host server.example --node alice --node bob
  minizerofl keys new keys --node carol
      one more node, in the same folder
"""


@click.group(cls=SummaryGroup)
def keys() -> None:
    """Make the certificates and keys that serve and join need between machines."""


_keys = section("Keys")


@keys.command("new", cls=SectionCommand, epilog=EXAMPLES)
@argument("folder", help="Where they go; one that has certificates gets more keys.", type=click.Path(path_type=Path))
@_keys("--host", "hosts", multiple=True, help="A name or address by which nodes reach the server; may be repeated.")
@_keys("--node", "nodes", multiple=True, help="A node that may take part; may be repeated.")
@debug_option
def new(folder: Path, hosts: tuple[str, ...], nodes: tuple[str, ...]) -> None:
    """Make the certificates of a server, and a key for each node.

    The server is started with this folder as its --tls-dir. Each node gets the folder nodes/NAME as its own; nothing
    else of it may leave the server's machine.
    """
    from minizerofl_cli.cluster.keys import new_keys

    for line in new_keys(folder, hosts, nodes):
        click.echo(line)
