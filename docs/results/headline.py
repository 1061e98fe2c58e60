"""Draw docs/headline.png: accuracy over seconds and over gigabytes, ZeroFL and dense PyTorch, on real FEMNIST.

    python docs/results/headline.py [ZEROFL_RUNS DENSE_RUNS]

The picture is that of the race in race.csv, see docs/results.md. With two folders of run directories, one run for each
seed, the histories of the README's command and of its dense counterpart are first written to headline-zerofl.csv and
headline-dense.csv beside this file. The runs are `minizerofl train --dataset femnist --data-dir FOLDER --seed SEED`,
dense with `--sparsity 0 --uplink full`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import race

from minizerofl_cli.runs.reading import RunFiles, find_runs
from minizerofl_cli.screen.pictures import picture

HERE = Path(__file__).parent
COLUMNS = ("seed", "round", "source", "test_accuracy", "balanced_accuracy", "training_seconds", "uplink_bytes")
RUNS = ("zerofl", "dense")
CURVES = {
    "sparse 0.95": ("ZeroFL, sparsity 0.95", "-", "black"),
    "sparse 0.9": ("ZeroFL, sparsity 0.90", "-.", "black"),
    "torch": ("dense FedAvg, PyTorch", "--", "0.45"),
}


def rows_of(run: RunFiles) -> Iterator[list[str]]:
    """Yield a row for each evaluated round of a run."""
    history, seed = run.history, str(run.config["settings"]["seed"])
    names = ("test_accuracy", "balanced_accuracy")
    for i in np.flatnonzero(history.evaluated):
        values = [f"{history.numbers(name)[i]:.6f}" for name in names]
        uplink = f"{history.numbers('cum_uplink_bytes')[i]:.0f}"
        yield [seed, str(i + 1), run.summary["source"], *values, f"{history.training_seconds[i]:.2f}", uplink]


def collect(name: str, folder: Path) -> None:
    """Write the CSV of a curve from a folder of run directories."""
    runs = [RunFiles.read(path) for path in find_runs(folder)]
    with (HERE / f"headline-{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *(row for run in runs for row in rows_of(run))])


def read(name: str) -> dict[str, np.ndarray]:
    """Read the columns of a curve as arrays, (seeds, rounds) each."""
    with (HERE / f"headline-{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seeds = len({row["seed"] for row in rows})
    return {column: np.array([float(row[column]) for row in rows]).reshape(seeds, -1) for column in COLUMNS[3:]}


def draw(output: Path) -> None:
    """Draw the picture."""
    contestants = race.read("race")
    with picture(7.2, 3.4, output) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for name, (title, dash, colour) in CURVES.items():
            its = contestants[name]
            for panel, x in zip(panels, (its["seconds"], its["uplink_bytes"] / 1e9), strict=True):
                panel.plot(x, its["accuracy"], dash, color=colour, linewidth=1.6, label=title)
        for panel, label in zip(panels, ("seconds of training and averaging", "sent by the clients (GB)"), strict=True):
            panel.set(xlabel=label, xlim=(0, None), ylim=(0, 88))
            panel.grid(alpha=0.3)
        panels[0].set_ylabel("test accuracy (%)")
        panels[1].legend(loc="lower right", frameon=False)
        figure.suptitle("FEMNIST, 300 real writers, 80 rounds in turns on the same two cores, one seed", fontsize=10)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        for name, folder in zip(RUNS, sys.argv[1:], strict=True):
            collect(name, Path(folder))
    elif len(sys.argv) > 1:
        sys.exit(__doc__)
    draw(HERE.parent / "headline.png")
