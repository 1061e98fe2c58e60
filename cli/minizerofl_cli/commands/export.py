"""`minizerofl export`: writes a saved model for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl.choices import EXPORTS
from minizerofl_cli.runs.finding import complete_runs, newest_run, run_or_model
from minizerofl_cli.screen.help import SectionCommand, argument, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.lines import say
from minizerofl_cli.screen.options import debug_option

_output = section("Output")

EXAMPLES = """\b
Examples:
  minizerofl export RUN --to torch
      RUN/model.pt: a state dict and what belongs to it (pip install 'minizerofl[torch]')
  minizerofl export RUN --to onnx -o digits.onnx
      the whole network, for onnxruntime and others (pip install 'minizerofl[onnx]')
  minizerofl export model.h5 --to npz --dense
      all weights, as NumPy arrays; needs nothing else
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@argument(
    "path",
    help="A run directory (or runs/latest) or a model.h5. [default: the newest run below ./runs]",
    type=click.Path(path_type=Path),
    required=False,
    callback=run_or_model,
    shell_complete=complete_runs,
)
@_output(
    "--to",
    required=True,
    help="The format. All but npz need the extra of this name: pip install 'minizerofl[onnx]'.",
    **one_of(EXPORTS),
)
@_output(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file to write. [default: model.npz, .pt, .safetensors or .onnx beside model.h5]",
)
@_output("--dense", is_flag=True, help="Write all weights. [default: those that evaluation uses; the others are zero]")
@_output("--replace", is_flag=True, help="Replace the file if it exists.")
@debug_option
def export(path: Path | None, to: str, output: Path | None, dense: bool, replace: bool) -> None:
    """Write the model of a run for other programs.

    Inputs become (N, C, H, W), convolutions (OC, IC, KH, KW) and linear layers
    (out, in), as in PyTorch and ONNX. Class names, input shape, input transform, sparsity, and whether the training
    data were real or SYNTHETIC are written along. docs/export.md shows how to load each format.
    """
    with Interrupts() as interrupts, interrupts.allowed():
        from minizerofl_cli.runs.exporting import export_run  # imports numba

        if path is None:
            path = newest_run(say, "run with a model", lambda entry: (entry.path / "model.h5").is_file())
        for line in export_run(path, to, output, dense, replace):
            say(line)
