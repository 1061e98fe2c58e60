"""`minizerofl eval`: evaluates a saved model."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl_cli.screen.help import SectionCommand, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.options import dataset_name, debug_option
from minizerofl_cli.screen.progress import PlainScreen
from minizerofl_datasets.catalogue import CATALOGUE
from minizerofl_datasets.choices import SOURCES

_data = section("Data")

EXAMPLES = """\b
Examples:
  minizerofl eval runs/femnist-synthetic-topk-weights-s0.95-r0.2-seed0-20250101T120000Z
  minizerofl eval model.h5 --data-dir data
  minizerofl eval model.h5 --source synthetic
      a model that was trained on real data, on the synthetic twin
  minizerofl eval model.h5 --data-dir other-writers
      clients that it has never seen: a LEAF folder with test files will do
  minizerofl eval model.h5 --dataset my-scans
      an imported set with the same classes and the same shape
"""


@click.command("eval", cls=SectionCommand, epilog=EXAMPLES)
@click.argument("path", type=click.Path(path_type=Path))
@_data(
    "--dataset",
    callback=dataset_name,
    metavar=f"[{'|'.join(CATALOGUE)}|imported]",
    help="Evaluate on this data set: one with the model's classes and input shape. [default: what it was trained on]",
)
@_data(
    "--source",
    help="Evaluate on real or synthetic data. [default: what the model was trained on]",
    **one_of(SOURCES[1:]),
)
@_data(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Folder with real data, the model's own or other clients'. [default: MINIZEROFL_DATA]",
)
@_data("--samples", type=click.IntRange(min=1), help="Evaluate on N test samples only (a fixed subset). [default: all]")
@_data("--best", is_flag=True, help="Evaluate the checkpoint that was best on validation samples (of a run directory).")
@_data("--dense", is_flag=True, help="Evaluate a second time, with all weights; training used only the largest.")
@debug_option
def evaluate(
    path: Path,
    dataset: str | None,
    source: str | None,
    data_dir: Path | None,
    samples: int | None,
    best: bool,
    dense: bool,
) -> None:
    """Evaluate the model of a run on test samples.

    PATH is a run directory or a model.h5. The file says which data set, classes and input transform belong to the
    model. Another set, or a folder with other samples, is tested whole. The sparse layers use their largest weights,
    as in training. Beside the accuracy stand: the accuracy of always answering the commonest class, the mean over
    classes, and the accuracies of the clients: their mean, their 10th percentile and the worst 5 %.
    """
    with Interrupts() as interrupts, PlainScreen.opened() as shown, interrupts.allowed():
        shown.doing("evaluating")
        from minizerofl_cli.runs.saved_model import evaluate_model  # imports numba

        for line in evaluate_model(path, source, data_dir, samples, dense, best, dataset):
            shown.say(line)
