"""The options that several commands share."""

from __future__ import annotations

import click

from minizerofl_cli.screen.errors import DEBUG
from minizerofl_cli.screen.help import section

SOURCES = ("auto", "real", "synthetic")


def _remember(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    ctx.meta[DEBUG] = value


debug_option = section("Other")(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_remember,
    help="Show the traceback of an error (as MINIZEROFL_DEBUG=1 does).",
)
