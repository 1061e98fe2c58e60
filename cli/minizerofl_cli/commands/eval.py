"""`minizerofl eval`: evaluates a saved model."""

from __future__ import annotations

from pathlib import Path

import click

from minizerofl_cli.runs.finding import complete_runs, newest_run, run_or_model
from minizerofl_cli.screen.help import SectionCommand, argument, one_of, section
from minizerofl_cli.screen.interrupts import Interrupts
from minizerofl_cli.screen.options import DATASET, debug_option
from minizerofl_cli.screen.progress import PlainScreen
from minizerofl_datasets.choices import SOURCES

_data = section("Data")
_classes = section("Classes")

EXAMPLES = """\b
Examples:
  minizerofl eval
      the newest run below ./runs
  minizerofl eval runs/femnist-synthetic-topk-weights-seed0
  minizerofl eval model.h5 --data-dir data
  minizerofl eval model.h5 --source synthetic
      a model that was trained on real data, on the synthetic twin
  minizerofl eval model.h5 --data-dir other-writers
      clients that it has never seen: a LEAF folder with test files will do
  minizerofl eval model.h5 --dataset my-scans
      an imported set with the same classes and the same shape
  minizerofl eval RUN --per-class -o confusion
      the accuracy of each class, and the confusion matrix as a table and a picture
"""


@click.command("eval", cls=SectionCommand, epilog=EXAMPLES)
@argument(
    "path",
    help="A run directory or a model.h5. [default: the newest run below ./runs]",
    type=click.Path(path_type=Path),
    required=False,
    callback=run_or_model,
    shell_complete=complete_runs,
)
@_data(
    "--dataset",
    help="Evaluate on this data set: one with the model's classes and input shape. [default: what it was trained on]",
    **DATASET,
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
@_classes("--per-class", is_flag=True, help="Tell the accuracy of each class, and what it is most often taken for.")
@_classes(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="With --per-class: folder for confusion.csv and confusion.png, the confusion matrix. [default: not written]",
)
@debug_option
def evaluate(
    path: Path | None,
    dataset: str | None,
    source: str | None,
    data_dir: Path | None,
    samples: int | None,
    best: bool,
    dense: bool,
    per_class: bool,
    output: Path | None,
) -> None:
    """Evaluate the model of a run on test samples.

    The model file says which data set, classes and input transform belong to the
    model. Another set, or a folder with other samples, is tested whole. The sparse layers use their largest weights,
    as in training. Beside the accuracy stand: the accuracy of always answering the commonest class, the mean over
    classes, and the accuracies of the clients: their mean, their 10th percentile and the worst 5 %.
    """
    with Interrupts() as interrupts, PlainScreen.opened() as shown, interrupts.allowed():
        shown.doing("evaluating")
        from minizerofl_cli.runs.saved_model import evaluate_model  # imports numba

        if path is None:
            path = newest_run(shown.say, "run with a model", lambda entry: (entry.path / "model.h5").is_file())
        for line in evaluate_model(path, source, data_dir, samples, dense, best, dataset, per_class, output):
            shown.say(line)
