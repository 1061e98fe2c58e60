"""The program `minizerofl`."""

from __future__ import annotations

import io
import os
import sys

import click

import minizerofl
from minizerofl_cli.commands.bench import bench
from minizerofl_cli.commands.compare import compare
from minizerofl_cli.commands.data import data
from minizerofl_cli.commands.eval import evaluate
from minizerofl_cli.commands.exercise import exercise
from minizerofl_cli.commands.expect import expect
from minizerofl_cli.commands.export import export
from minizerofl_cli.commands.join import join
from minizerofl_cli.commands.keys import keys
from minizerofl_cli.commands.report import report
from minizerofl_cli.commands.reproduce import reproduce
from minizerofl_cli.commands.resume import resume
from minizerofl_cli.commands.runs import runs
from minizerofl_cli.commands.serve import serve
from minizerofl_cli.commands.sizes import sizes
from minizerofl_cli.commands.sweep import sweep
from minizerofl_cli.commands.trace import trace
from minizerofl_cli.commands.train import train
from minizerofl_cli.screen.errors import Program

EXAMPLES = """\b
Examples:
  minizerofl train --dataset femnist --sparsity 0.95
      half a minute to a minute on two cores; needs no data
  minizerofl train --help
      all options and what they mean
  minizerofl resume RUN
      continue a run that was interrupted or killed
  minizerofl runs
      list the runs that are there
  minizerofl eval
      evaluate the model of the newest run on test samples; eval RUN: of another
  minizerofl report RUN
      show a run on one page
  minizerofl export RUN --to onnx
      take the model elsewhere
  minizerofl exercise list
      learn how it works by writing its parts
"""


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXAMPLES)
@click.version_option(minizerofl.__version__, prog_name="minizerofl")
def cli() -> None:
    """ZeroFL (Qiu et al., ICLR 2022): federated learning in which clients train with sparse weights and activations."""


cli.add_command(train)
cli.add_command(resume)
cli.add_command(sweep)
cli.add_command(compare)
cli.add_command(reproduce)
cli.add_command(expect)
cli.add_command(runs)
cli.add_command(evaluate)
cli.add_command(export)
cli.add_command(report)
cli.add_command(sizes)
cli.add_command(data)
cli.add_command(serve)
cli.add_command(join)
cli.add_command(keys)
cli.add_command(bench)
cli.add_command(trace)
cli.add_command(exercise)


def main() -> None:
    """Run the program and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # What its encoding lacks is shown as a question mark.
            stream.reconfigure(errors="replace")
    try:
        cli(prog_name="minizerofl")
    except SystemExit as end:
        if end.code in (130, 143):
            # A client that is still in its round would keep the process alive to its end.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(int(end.code))
        raise
