"""`minizerofl serve`: the server of a federation beyond one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from minizerofl_cli.commands.train import train
from minizerofl_cli.runs.configfile import MODEL_TABLE
from minizerofl_cli.runs.finding import complete_runs, run_directory
from minizerofl_cli.screen.help import SectionCommand, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.options import verbosity
from minizerofl_cli.screen.progress import ALWAYS, screen

EXAMPLES = """\b
Examples:
  minizerofl serve --insecure --nodes 2 --dataset femnist
      wait for two nodes on this machine, which run: minizerofl join --insecure 127.0.0.1:8000
  minizerofl serve --tls-dir keys --host 0.0.0.0 --nodes 3 --round-deadline 120
      nodes on other machines; minizerofl keys new makes the folder
  minizerofl serve --resume RUN --insecure --nodes 2
      continue a run that stopped
"""

_cluster = section("Cluster")


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@_cluster("--nodes", type=click.IntRange(min=1), default=1, show_default=True, help="Wait for N nodes at the start.")
@_cluster(
    "--wait", type=click.FloatRange(min=1), default=600.0, show_default=True, help="Seconds to wait for these nodes."
)
@_cluster("--host", default="127.0.0.1", show_default=True, help="Where nodes connect; 0.0.0.0: on every network.")
@_cluster("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The port of --host.")
@_cluster(
    "--tls-dir",
    type=click.Path(path_type=Path),
    help="Folder with certificates and the nodes' public keys, made by `minizerofl keys new`.",
)
@_cluster("--insecure", is_flag=True, help="Neither TLS nor keys: only on this machine.")
@_cluster("--force-insecure", is_flag=True, help="Neither TLS nor keys, though others can reach --host.")
@_cluster(
    "--local-nodes",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Start N nodes on this machine too, with --insecure.",
)
@_cluster(
    "--devices",
    is_flag=True,
    help="Each node is one client with samples of its own (join --private); --dataset is what the server tests on.",
)
@_cluster(
    "--most-samples",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Refuse a device that claims more training samples: they are its weight.",
)
@_cluster(
    "--superlink",
    metavar="HOST:PORT",
    help="Use the SuperLink that runs already on this machine and takes runs there. [default: start one]",
)
@_cluster(
    "--resume",
    type=click.Path(path_type=Path),
    callback=run_directory,
    shell_complete=complete_runs,
    help="Continue the run in this directory; all options of the run are as before.",
)
@_cluster(
    "--link",
    type=click.FloatRange(min=0, min_open=True),
    default=1000.0,
    show_default=True,
    help="Megabits a second of the server's network, for --dry-run.",
)
@click.pass_context
def serve(
    ctx: click.Context,
    /,
    nodes: int,
    wait: float,
    host: str,
    port: int,
    tls_dir: Path | None,
    insecure: bool,
    force_insecure: bool,
    local_nodes: int,
    devices: bool,
    most_samples: int,
    superlink: str | None,
    resume: Path | None,
    link: float,
    dry_run: bool,
    **options: Any,
) -> None:
    """Run a federation whose clients are trained on other machines, by nodes that `minizerofl join` starts.

    The options of the run, the run directory and the result are those of `minizerofl train`; Flower carries models
    and updates. It needs pip install 'minizerofl[flower]'. docs/cluster.md shows how, from one laptop to devices.
    """
    with Interrupts() as interrupts, screen(verbosity()) as shown:
        shown.doing("starting")
        with interrupts.allowed():  # imports numba
            from minizerofl_cli.cluster.planning import planned
            from minizerofl_cli.cluster.serving import Cluster, Serving
            from minizerofl_cli.cluster.trust import check_trust
            from minizerofl_cli.runs.continuation import go_on
            from minizerofl_cli.runs.estimate import rehearse
            from minizerofl_cli.runs.plan import make_plan
            from minizerofl_cli.runs.run import conduct

        table = ctx.meta.get(MODEL_TABLE)
        if dry_run:
            with interrupts.allowed():
                for line in rehearse(make_plan(**options, model_table=table), shown, planned(link)):
                    shown.say(line, ALWAYS)
            return
        serving = Serving(
            host=host,
            port=port,
            trust=check_trust(host, tls_dir, insecure, force_insecure),
            nodes=max(nodes, local_nodes),
            wait=wait,
            local_nodes=local_nodes,
            devices=devices,
            most_samples=most_samples,
            superlink=superlink or "",
        )
        with Cluster(serving, shown) as cluster:
            if resume is not None:
                go_on(resume, interrupts, shown, nodes=cluster)
            else:
                conduct(make_plan(**options, model_table=table), interrupts, shown, nodes=cluster)


serve.params += train.params
