"""Run the experiments of a list, collect their histories, and write the tables of the pages that show them.

    python docs/results/results.py run docs/results/femnist.toml RUNS_FOLDER DATA_FOLDER
    python docs/results/results.py collect docs/results/femnist.toml RUNS_FOLDER
    python docs/results/results.py race RACE.json docs/results/race.csv
    python docs/results/results.py seconds docs/results/methods-sp95.toml DATA_FOLDER
    python docs/results/results.py tables

`run` trains what is missing, and goes on where it was stopped. `collect` writes what the finished runs measured to a
CSV file beside the list, which keeps the rows of all other runs. `race` writes what `minizerofl bench --federation
--json RACE.json` measured. `seconds` measures how long a round of each experiment takes; let the machine do nothing
else meanwhile. `tables` reads the CSV files and writes every table of these pages and of README.md again that stands
between `<!-- table NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import race
import seconds
from tables import OVERLAP, with_tables

from minizerofl_cli.report.rundata import read_rows
from minizerofl_cli.runs.reading import RunFiles, find_runs

DOCS = Path(__file__).parents[1]
PAGES = [DOCS.parent / "README.md", *(DOCS / f"{name}.md" for name in ("results", "bytes", "methods"))]
HISTORY = {  # columns of history.csv that are kept, and how many digits of them
    "test_accuracy": 5,
    "validation_accuracy": 5,
    "balanced_accuracy": 5,
    "client_accuracy_p10": 5,
    "client_accuracy_worst_5_percent": 5,
    "dense_test_accuracy": 5,
    "test_loss_nats": 4,
    "density": 5,
    "cum_uplink_bytes": 0,
    "cum_downlink_bytes": 0,
    "cum_macs": 0,
    "cum_dense_macs": 0,
    "cum_seconds": 0,
}
COLUMNS = ("experiment", "seed", "round", *HISTORY, *OVERLAP, "grown")


def run(listed: dict[str, Any], folder: Path, data: str) -> None:
    """Train each experiment with each of its seeds, unless that is done; resume what was stopped."""
    program, env = [sys.executable, "-m", "minizerofl_cli"], {**os.environ, "MINIZEROFL_DATA": data}
    experiments = [(each, seed) for each in listed["experiment"] for seed in range(each["seeds"])]
    for each, seed in sorted(experiments, key=lambda pair: (pair[0].get("order", 1), pair[1])):
        place = folder / each["name"] / f"seed{seed}"
        runs = find_runs(place) if place.is_dir() and any(place.glob("*/config.toml")) else []
        if not runs:
            options = f"{listed['base']} {each['options']} --seed {seed}".split()
            subprocess.run([*program, "train", *options, "--runs-dir", str(place)], check=True, env=env)
        elif RunFiles.read(runs[0]).summary.get("status") != "finished":
            subprocess.run([*program, "resume", str(runs[0])], check=True, env=env)


def rows_of(experiment: str, run: RunFiles) -> Iterator[list[str]]:
    """Yield a row for each round of a run that was evaluated."""
    noted: dict[int, list[dict[str, str]]] = {}  # the layers, of each round whose masks were noted
    for row in read_rows(run.path / "overlap.csv")[0].cells if (run.path / "overlap.csv").exists() else []:
        noted.setdefault(int(row["round"]), []).append(row)
    before = {now: then for then, now in pairwise(noted)}
    seed = str(run.config["settings"]["seed"])
    for i in np.flatnonzero(run.history.evaluated):
        values = [written(run.history.numbers(name)[i], digits) for name, digits in HISTORY.items()]
        layers = noted.get(int(i) + 1, [])
        means = [
            written(float(np.mean([float(row[name] or "nan") for row in layers])), 4) if layers else ""
            for name in OVERLAP
        ]
        new = written(grown(noted[before[i + 1]], layers), 4) if i + 1 in before else ""
        yield [experiment, seed, str(i + 1), *values, *means, new]


def grown(before: list[dict[str, str]], now: list[dict[str, str]]) -> float:
    """Return the share of the kept weights that were not kept when masks were noted last.

    Of sets of n and m weights with the Jaccard index J, J (n + m) / (1 + J) are in both.

    Examples
    --------
    >>> layer = {"weights": "8", "density": "0.5"}
    >>> round(grown([layer], [{**layer, "jaccard_previous": "0.6"}]), 3)  # 3 of 4 weights are the same
    0.25
    """
    kept = both = 0.0
    for old, new in zip(before, now, strict=True):
        n, m = (float(row["weights"]) * float(row["density"]) for row in (old, new))
        index = float(new["jaccard_previous"])
        kept, both = kept + m, both + index * (n + m) / (1 + index)
    return 1 - both / kept


def written(value: float, digits: int) -> str:
    """Write a number; an empty cell for NaN."""
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def collect(listed: dict[str, Any], folder: Path, output: Path) -> None:
    """Write the finished runs of a list to its CSV file, which keeps its rows of runs that are not in the folder."""
    rows, known = [], published(output)
    for each in listed["experiment"]:
        for seed in range(each["seeds"]):
            place = folder / each["name"] / f"seed{seed}"
            found = [RunFiles.read(path) for path in find_runs(place)] if any(place.glob("*/config.toml")) else []
            finished = [run for run in found if run.summary.get("status") == "finished"]
            new = [row for run in finished for row in rows_of(each["name"], run)]
            rows += new or known.get((each["name"], str(seed)), [])
    with output.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


def published(file: Path) -> dict[tuple[str, str], list[list[str]]]:
    """Read the rows of a CSV file by experiment and seed. A file that does not exist yet has no rows."""
    found: dict[tuple[str, str], list[list[str]]] = {}
    if file.exists():
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                found.setdefault((row["experiment"], row["seed"]), []).append([row[name] for name in COLUMNS])
    return found


def main() -> None:
    """Do what the command line asks for."""
    match sys.argv[1:]:
        case ["run", listed, folder, data]:
            run(read_list(listed), Path(folder), data)
        case ["collect", listed, folder]:
            collect(read_list(listed), Path(folder), Path(listed).with_suffix(".csv"))
        case ["race", measured, output]:
            race.write(Path(measured), Path(output))
        case ["seconds", listed, data]:
            os.environ["MINIZEROFL_DATA"] = data
            seconds.measure(read_list(listed), Path(listed).with_name(f"{Path(listed).stem}-seconds.csv"))
        case ["tables"]:
            for page in PAGES:
                page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
        case _:
            sys.exit(__doc__)


def read_list(file: str) -> dict[str, Any]:
    """Read a list of experiments."""
    return tomllib.loads(Path(file).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
