"""`minizerofl join`: a node of a federation."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl_cli.screen.help import SectionCommand, argument, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.options import debug_option, loudness_options, verbosity
from minizerofl_cli.screen.progress import screen

EXAMPLES = """\b
Examples:
  minizerofl join --insecure 127.0.0.1:8000
      a node on the server's own machine
  minizerofl join --tls-dir alice server.example:8000 --data-dir data
      a node elsewhere, with a copy of the data set
"""

_node = section("Node")


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@argument("address", help="Where the server listens, HOST:PORT.")
@_node(
    "--tls-dir",
    type=click.Path(path_type=Path),
    help="Folder with the server's certificate authority and this node's key, made by `minizerofl keys new`.",
)
@_node("--insecure", is_flag=True, help="Neither TLS nor keys: only for a server on this machine.")
@_node("--force-insecure", is_flag=True, help="Neither TLS nor keys, though the server is elsewhere.")
@_node("--name", help="What the server calls this node. [default: the machine and the process]")
@_node("--workers", type=click.IntRange(min=1), help="Clients trained at once. [default: usable cores]")
@_node(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Folder with the real data on this machine. [default: MINIZEROFL_DATA, else the cache]",
)
@_node(
    "--private",
    type=click.Path(path_type=Path),
    help="This node is a device, one client called --name, with the samples of this .npz or .h5 file (x and y, as for "
    "`minizerofl data import`). They stay on this machine.",
)
@loudness_options
@debug_option
def join(
    address: str,
    tls_dir: Path | None,
    insecure: bool,
    force_insecure: bool,
    name: str | None,
    workers: int | None,
    data_dir: Path | None,
    private: Path | None,
) -> None:
    """Take part in the federation of a server that runs `minizerofl serve`: train the clients that it sends.

    The node connects to the server, never the server to the node. It takes the configuration from the server, and
    serves one run after the other until it is stopped. It needs pip install 'minizerofl[flower]'.
    """
    with Interrupts() as interrupts, screen(verbosity()) as shown:
        shown.doing("starting")
        with interrupts.allowed():  # imports numba
            from minizerofl_cli.cluster.joining import Joining, default_name
            from minizerofl_cli.cluster.joining import join as take_part
            from minizerofl_cli.cluster.trust import check_trust, split_address
            from minizerofl_cli.runs.environment import usable_cores

        host, _ = split_address(address)
        joining = Joining(
            address=address,
            trust=check_trust(host, tls_dir, insecure, force_insecure),
            name=name or default_name(),
            workers=workers or usable_cores(),
            data_dir=data_dir,
            private=private,
        )
        take_part(joining, interrupts, shown)
