"""How long a round of each experiment of a list takes: all train in turns, a round each."""

from __future__ import annotations

import csv
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from minizerofl.fl import Simulation
from minizerofl_cli.commands.train import train
from minizerofl_cli.runs.plan import make_plan
from minizerofl_cli.runs.run import prepare
from minizerofl_cli.screen.progress import ALWAYS, screen

ROUNDS = 10


def measure(listed: dict[str, Any], output: Path, rounds: int = ROUNDS) -> None:
    """Write the seconds of training and averaging to a file, for each round but the first, which also compiles.

    All begin with the same seed, so they train the same clients; every second round goes through them backwards. What
    a rule asks clients before the first round is not counted.
    """
    runs, rows = {}, []
    with ExitStack() as stack:
        for each in listed["experiment"]:
            runs[each["name"]] = stack.enter_context(closing(simulation(f"{listed['base']} {each['options']}").run()))
        for t in range(1, rounds + 2):
            for name in runs if t % 2 else reversed(runs):
                round = next(runs[name])
                if t > 1:
                    rows.append((name, t, f"{round.train_seconds + round.aggregate_seconds:.3f}"))
    with output.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("experiment", "round", "seconds"), *rows])


def simulation(options: str) -> Simulation:
    """Set up what `minizerofl train` with these options would train."""
    given = train.make_context("train", options.split()).params
    plan = make_plan(**{name: value for name, value in given.items() if name != "dry_run"})
    with screen(ALWAYS) as shown:
        return prepare(plan, shown)[2]


def read(file: Path) -> dict[str, np.ndarray]:
    """Read the seconds of each experiment, (rounds,) each. A file that does not exist yet has none."""
    found: dict[str, list[float]] = {}
    with file.open(encoding="utf-8", newline="") if file.exists() else nullcontext([]) as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["experiment"], []).append(float(row["seconds"]))
    return {experiment: np.array(values) for experiment, values in found.items()}
